#include "runtime/broker/journal/lease.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds lease = 4s;

uuid process(std::uint8_t number) {
  uuid id;
  id.bytes[0] = std::byte{number};
  return id;
}

/// Several brokers and the row, each step of each broker at any time after the one before it.
class world {
public:
  explicit world(std::uint64_t seed) : random_{seed}, brokers_(3) {
    for (broker& each : brokers_) {
      start(each);
    }
  }

  void step() {
    broker& one = brokers_[below(brokers_.size())];
    switch (below(9)) {
    case 0:
      now_ += milliseconds{below(1'500)};
      break;
    case 1:
      start(one); // It was killed: the database hears of it, and another process begins.
      break;
    case 2:
      one.is_candidate = below(8) != 0;
      one.is_lively = below(4) != 0;
      break;
    case 3:
    case 4:
      look(one);
      break;
    case 5:
    case 6:
      act(one);
      break;
    default:
      write(one);
    }
  }

  /// All brokers look and act in turns, as they do when nothing is wrong.
  void heal() {
    for (broker& each : brokers_) {
      each.is_candidate = each.is_lively = true;
    }
    for (int round = 0; round < 25; ++round) {
      now_ += 200ms;
      for (broker& each : brokers_) {
        look(each);
        act(each);
      }
    }
  }

  /// How many brokers may write.
  std::ptrdiff_t writers() const {
    return std::ranges::count_if(
        brokers_, [this](const broker& each) { return each.self.holds == row_.generation; });
  }

  std::ptrdiff_t holders() const {
    return std::ranges::count_if(
        brokers_, [](const broker& each) { return each.self.holds.has_value(); });
  }

  /// What was written: by whom, in which generation.
  std::vector<std::pair<std::uint64_t, uuid>> written;

private:
  struct broker {
    lease_self self;
    lease_seen seen;
    bool has_looked = false;
    bool is_candidate = true;
    bool is_lively = true;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  void start(broker& who) {
    if (who.self.owner == row_.owner) {
      row_.is_attended = false;
    }
    who = {};
    who.self.owner = process(++processes_);
  }

  void look(broker& who) {
    who.seen = row_;
    who.seen.left = milliseconds{row_.until} - now_;
    who.has_looked = true;
  }

  void act(broker& who) {
    if (!std::exchange(who.has_looked, false)) {
      return;
    }
    who.self.is_candidate = who.is_candidate;
    who.self.is_lively = who.is_lively;
    switch (decide(who.seen, who.self, lease)) {
    case lease_step::wait:
      break;
    case lease_step::take:
      if (row_.generation == who.seen.generation && row_.until == who.seen.until) {
        row_ = {.generation = row_.generation + 1, .owner = who.self.owner};
        row_.until = (now_ + lease).count();
        who.self.holds = row_.generation;
      }
      break;
    case lease_step::renew:
      (void)renew(who);
      break;
    case lease_step::give_up:
      who.self.holds.reset();
      break;
    }
  }

  bool renew(const broker& who) {
    if (who.self.holds != row_.generation) {
      return false;
    }
    row_.until = (now_ + lease).count();
    return true;
  }

  void write(broker& who) {
    if (!who.self.holds) {
      return;
    }
    if (renew(who)) { // The fence, in the transaction.
      written.emplace_back(row_.generation, who.self.owner);
    } else {
      who.self.holds.reset();
    }
  }

  std::mt19937_64 random_;
  std::vector<broker> brokers_;
  lease_seen row_;
  milliseconds now_{1'000'000};
  std::uint8_t processes_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_journal_lease, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_free_journal_is_taken_and_a_held_one_is_not) {
  const lease_self self{.owner = process(1)};
  lease_seen seen{.generation = 3, .owner = process(2), .left = 1ms};

  BOOST_TEST((decide(seen, self, lease) == lease_step::wait));
  seen.left = 0ms;
  BOOST_TEST((decide(seen, self, lease) == lease_step::take));
  seen.left = 4s;
  seen.is_attended = false;
  BOOST_TEST((decide(seen, self, lease) == lease_step::take));
  seen.is_attended = true;
  seen.owner = self.owner; // It lost its session, and nobody else may have what it has left.
  BOOST_TEST((decide(seen, self, lease) == lease_step::take));
}

BOOST_AUTO_TEST_CASE(who_is_drained_or_stands_still_takes_nothing_and_lets_the_lease_end) {
  const lease_seen seen{.generation = 3, .owner = process(2), .left = 0ms};

  BOOST_TEST(
      (decide(seen, {.owner = process(1), .is_candidate = false}, lease) == lease_step::wait));
  BOOST_TEST((decide(seen, {.owner = process(1), .is_lively = false}, lease) == lease_step::wait));
  BOOST_TEST(
      (decide(seen, {.owner = process(2), .holds = 3, .is_lively = false}, lease)
       == lease_step::wait));
}

BOOST_AUTO_TEST_CASE(a_holder_renews_in_time_and_gives_up_only_for_another_generation) {
  const lease_self self{.owner = process(1), .holds = 3};
  lease_seen seen{.generation = 3, .owner = process(1), .left = 3'500ms};

  BOOST_TEST((decide(seen, self, lease) == lease_step::wait));
  seen.left = 2'900ms;
  BOOST_TEST((decide(seen, self, lease) == lease_step::renew));
  seen.left = -10s; // It stood still, and nobody has noticed.
  seen.is_attended = false;
  BOOST_TEST((decide(seen, self, lease) == lease_step::renew));
  seen.generation = 4;
  BOOST_TEST((decide(seen, self, lease) == lease_step::give_up));
  seen.generation = 2; // The database went back.
  BOOST_TEST((decide(seen, self, lease) == lease_step::give_up));
}

// The others would wait for as long, should it be stopped before it writes.
BOOST_AUTO_TEST_CASE(a_lease_that_ends_too_late_since_the_clock_went_back_is_put_right) {
  const lease_self self{.owner = process(1), .holds = 3};

  BOOST_TEST(
      (decide({.generation = 3, .owner = process(1), .left = 1h}, self, lease)
       == lease_step::renew));
  BOOST_TEST(
      (decide({.generation = 3, .owner = process(1), .left = lease}, self, lease)
       == lease_step::wait));
}

BOOST_AUTO_TEST_CASE(who_cannot_look_gives_up_after_the_time_of_a_lease) {
  BOOST_TEST((decide_unseen({.holds = 3}, 3'999ms, lease) == lease_step::wait));
  BOOST_TEST((decide_unseen({.holds = 3}, 4s, lease) == lease_step::give_up));
  BOOST_TEST((decide_unseen({}, 1h, lease) == lease_step::wait));
}

BOOST_AUTO_TEST_CASE(whatever_happens_one_generation_is_of_one_process_and_none_comes_back) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    world of{seed};
    for (int i = 0; i < 1'000; ++i) {
      of.step();
      BOOST_REQUIRE_MESSAGE(of.writers() <= 1, "seed " << seed);
    }
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_TEST(std::ranges::is_sorted(
          of.written, [](const auto& one, const auto& other) { return one.first < other.first; }));
      std::set<std::pair<std::uint64_t, uuid>> owners{of.written.begin(), of.written.end()};
      std::set<std::uint64_t> generations;
      for (const auto& [generation, owner] : owners) {
        BOOST_TEST(generations.insert(generation).second);
      }
      BOOST_TEST(!of.written.empty());

      of.heal();

      BOOST_TEST(of.writers() == 1);
      BOOST_TEST(of.holders() == 1);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
