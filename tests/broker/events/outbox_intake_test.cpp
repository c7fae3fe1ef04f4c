#include "runtime/broker/events/outbox_intake.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <set>

using namespace troupe;
using namespace troupe::broker;
namespace utf = boost::unit_test;

namespace {

constexpr login_id n1{1};
constexpr login_id n2{2};

uuid id_of(std::uint64_t seq, std::uint8_t life = 0) {
  uuid id;
  std::memcpy(id.bytes.data(), &seq, sizeof seq);
  id.bytes[15] = std::byte{life};
  return id;
}

const uuid orders_database = id_of(77);

std::shared_ptr<event> event_at(std::uint64_t seq, std::uint8_t life = 0) {
  auto made = std::make_shared<event>();
  made->id = id_of(seq, life);
  made->topic = "order.created";
  made->source = "orders";
  return made;
}

struct intake {
  explicit intake(
      std::size_t topics_max = 100, std::shared_ptr<const security::rules> rules = nullptr)
      : topics{topics_max, {}}, inner{topics, std::move(rules)} {}

  known_topics topics;
  outbox_intake inner;
  outbox_intake::decisions out;
  instant now{std::chrono::seconds{1}};
  std::vector<std::uint64_t> journaled;
  bool has_room = true;

  void announce(login_id who, std::uint64_t newest, std::uint8_t life = 0) {
    inner.announced(
        who,
        {"orders", orders_database, newest, newest == 0 ? uuid{} : id_of(newest, life)},
        now,
        out);
  }

  void relay(login_id who, std::uint64_t seq, std::uint8_t life = 0) {
    relay(who, seq, event_at(seq, life));
  }

  void relay(login_id who, std::uint64_t seq, const std::string& topic) {
    auto what = event_at(seq);
    what->topic = topic;
    relay(who, seq, std::move(what));
  }

  void relay(login_id who, std::uint64_t seq, std::shared_ptr<event> what) {
    BOOST_TEST(inner.relayed(who, seq, std::move(what), has_room, now, out));
    for (const auto& each : out.accepted) {
      std::uint64_t number = 0;
      std::memcpy(&number, each->id.bytes.data(), sizeof number);
      journaled.push_back(number);
    }
    out.accepted.clear();
  }

  std::vector<source_row> commit() {
    std::vector<source_row> rows;
    inner.close_batch(rows);
    inner.written(true, now, out);
    return rows;
  }

  template <class Action>
  std::vector<Action> all() const {
    std::vector<Action> found;
    for (const event_action& each : out.actions) {
      if (const auto* action = std::get_if<Action>(&each)) {
        found.push_back(*action);
      }
    }
    return found;
  }

  void forget() { out = {}; }
};

} // namespace

BOOST_AUTO_TEST_SUITE(broker_outbox_intake, *utf::label("unit") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(numbers_are_taken_in_order_whoever_relays_them) {
  intake bus;
  bus.announce(n1, 0);
  bus.announce(n2, 0);

  bus.relay(n1, 1);
  bus.relay(n1, 3);
  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1}));
  bus.relay(n2, 2);

  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1, 2, 3}));
  const auto rows = bus.commit();
  BOOST_REQUIRE(rows.size() == 1U);
  BOOST_TEST(rows[0].taken == 3U);
  BOOST_TEST((rows[0].taken_id == id_of(3)));
  BOOST_REQUIRE(bus.all<send_confirmed>().size() >= 2U);
  BOOST_TEST(bus.all<send_confirmed>().back().what.up_to == 3U);
}

BOOST_AUTO_TEST_CASE(what_waits_for_an_earlier_number_is_bounded_in_bytes_and_asked_for_later) {
  intake bus;
  bus.announce(n1, 0);
  const auto large = [&](std::uint64_t seq) {
    auto what = event_at(seq);
    what->body.assign(std::size_t{1} << 20U, 'x');
    return what;
  };

  for (std::uint64_t seq = 2; seq <= 30; ++seq) {
    bus.relay(n1, seq, large(seq));
  }
  BOOST_TEST(bus.inner.early() == 8U);

  bus.relay(n1, 1);
  BOOST_TEST(bus.journaled.size() == 9U);
  bus.now += std::chrono::seconds{1};
  bus.inner.tick(bus.now, bus.out);
  BOOST_REQUIRE(bus.all<send_resend>().size() == 1U);
  BOOST_TEST(bus.all<send_resend>().back().what.from == 10U);
  bus.relay(n1, 11, large(11)); // There is room for early ones again.
  BOOST_TEST(bus.inner.early() == 1U);
}

BOOST_AUTO_TEST_CASE(an_event_that_the_journals_database_does_not_keep_stops_its_outbox_alone) {
  known_topics topics{100, {}};
  outbox_intake tested{topics, nullptr, 4'000'000, false};
  outbox_intake::decisions out;
  tested.announced(n1, {"orders", orders_database, 0, {}}, instant{}, out);
  const auto bad = event_at(1);
  bad->key = std::string{"a\0b", 3};
  out = {};

  BOOST_TEST(tested.relayed(n1, 1, bad, true, instant{}, out));

  BOOST_TEST(out.accepted.empty());
  BOOST_REQUIRE(out.log.size() == 1U);
  const auto* said = std::get_if<send_confirmed>(&out.actions.back());
  BOOST_REQUIRE(said != nullptr);
  BOOST_TEST(said->what.refused.find("NUL") != std::string::npos);
}

// Each of many outboxes waits for its first number: together they have no more than one store.
BOOST_AUTO_TEST_CASE(what_waits_for_earlier_numbers_is_bounded_over_all_outboxes) {
  known_topics topics{100, {}};
  outbox_intake tested{topics, nullptr, 4'000'000};
  outbox_intake::decisions out;
  const instant now{std::chrono::seconds{1}};
  const auto relay = [&](const std::string& capability, std::uint64_t seq) {
    auto what = event_at(seq);
    what->source = capability;
    what->body.assign(100'000, 'x');
    BOOST_TEST(tested.relayed(n1, seq, std::move(what), true, now, out));
  };
  for (int i = 0; i < 20; ++i) {
    const std::string capability = "c" + std::to_string(i);
    tested.announced(n1, {capability, id_of(static_cast<std::uint64_t>(i)), 0, {}}, now, out);
    for (std::uint64_t seq = 2; seq < 50; ++seq) {
      relay(capability, seq);
    }
  }
  BOOST_TEST(tested.early() <= 40U);
  BOOST_TEST(tested.early() > 30U);

  for (int i = 0; i < 20; ++i) {
    relay("c" + std::to_string(i), 1);
  }
  BOOST_TEST(tested.early() == 0U);
  BOOST_TEST(out.accepted.size() > 50U);
  relay("c19", 49); // There is room again.
  BOOST_TEST(tested.early() == 1U);
}

BOOST_AUTO_TEST_CASE(an_event_for_which_there_is_no_room_now_is_asked_for_later) {
  intake bus;
  bus.announce(n1, 0);

  bus.has_room = false;
  bus.relay(n1, 1);
  BOOST_TEST(bus.journaled.empty());
  bus.has_room = true;
  bus.now += std::chrono::seconds{1};
  bus.inner.tick(bus.now, bus.out);

  BOOST_REQUIRE(bus.all<send_resend>().size() == 1U);
  BOOST_TEST(bus.all<send_resend>().back().what.from == 1U);
  bus.relay(n1, 1);
  BOOST_TEST(bus.journaled.size() == 1U);
}

// The event can neither be dropped nor skipped, since numbers have no gaps. The log says so, and
// the outbox goes on by itself once there is room.
BOOST_AUTO_TEST_CASE(an_outbox_with_one_topic_too_many_waits_in_words_until_there_is_room) {
  intake bus{1};
  bus.announce(n1, 3);
  bus.relay(n1, 1);
  bus.relay(n1, 3);
  bus.relay(n1, 2, "order.17.created");
  bus.commit();

  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1}));
  const wire::confirmed said = bus.all<send_confirmed>().back().what;
  BOOST_TEST(said.up_to == 0U);
  BOOST_TEST(said.refused.find("`order.17.created`") != std::string::npos);
  BOOST_TEST(said.refused.find("wait in the outbox") != std::string::npos);
  BOOST_TEST(bus.out.log.back().name == "outbox_refused");
  bus.forget();
  bus.announce(n2, 3); // Another worker is told the same, and not asked for anything.
  bus.now += std::chrono::seconds{10};
  bus.inner.tick(bus.now, bus.out);
  BOOST_TEST(bus.all<send_confirmed>().back().what.refused == said.refused);
  BOOST_TEST(bus.all<send_resend>().empty());
  bus.relay(n1, 2);
  BOOST_TEST(bus.journaled.size() == 1U);

  bus.forget();
  bus.topics.forget({"order.created"});
  bus.inner.tick(bus.now, bus.out);
  BOOST_TEST(bus.out.log.at(0).name == "outbox_goes_on");
  BOOST_TEST(bus.all<send_confirmed>().back().what.refused.empty());
  bus.announce(n1, 3);
  BOOST_TEST(bus.all<send_resend>().back().what.from == 2U);
  bus.relay(n1, 2, "order.17.created");
  bus.relay(n1, 3, "order.17.created");

  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(nothing_is_confirmed_before_it_is_written) {
  intake bus;
  bus.announce(n1, 0);
  bus.forget();

  bus.relay(n1, 1);
  BOOST_TEST(bus.all<send_confirmed>().empty());
  bus.commit();

  BOOST_REQUIRE(bus.all<send_confirmed>().size() == 1U);
  BOOST_TEST(bus.all<send_confirmed>()[0].what.up_to == 1U);
}

BOOST_AUTO_TEST_CASE(a_number_that_is_in_the_journal_is_confirmed_again_and_not_taken_twice) {
  intake bus;
  bus.announce(n1, 0);
  bus.relay(n1, 1);
  bus.commit();
  bus.forget();

  bus.relay(n1, 1);

  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1}));
  BOOST_REQUIRE(bus.all<send_confirmed>().size() == 1U);
  BOOST_TEST(bus.all<send_confirmed>()[0].what.up_to == 1U);
}

BOOST_AUTO_TEST_CASE(what_does_not_come_is_asked_for) {
  intake bus;
  bus.announce(n1, 0);
  bus.announce(n2, 0);
  bus.relay(n2, 4);
  bus.forget();

  bus.inner.tick(bus.now, bus.out);
  BOOST_TEST(bus.all<send_resend>().empty()); // It may be on its way.
  bus.now += milliseconds{20};
  bus.inner.tick(bus.now, bus.out);

  BOOST_REQUIRE(bus.all<send_resend>().size() == 1U);
  BOOST_TEST(bus.all<send_resend>()[0].what.from == 1U);
  BOOST_TEST(bus.all<send_resend>()[0].what.to == 3U);
}

BOOST_AUTO_TEST_CASE(
    a_worker_that_logs_in_is_asked_for_what_its_outbox_has_and_the_journal_has_not) {
  intake bus;
  bus.announce(n1, 0);
  bus.relay(n1, 1);
  bus.commit();
  bus.inner.left(n1);
  bus.forget();

  bus.announce(n2, 5);

  BOOST_REQUIRE(bus.all<send_resend>().size() == 1U);
  BOOST_TEST(bus.all<send_resend>()[0].what.from == 2U);
  BOOST_TEST(bus.all<send_resend>()[0].what.to == 5U);
  BOOST_REQUIRE(bus.all<send_confirmed>().size() == 1U);
  BOOST_TEST(bus.all<send_confirmed>()[0].what.up_to == 1U);
}

BOOST_AUTO_TEST_CASE(who_has_left_is_not_asked) {
  intake bus;
  bus.announce(n1, 3);
  bus.announce(n2, 3);
  bus.inner.left(n1);
  bus.forget();

  for (int i = 0; i < 4; ++i) {
    bus.now += milliseconds{500};
    bus.inner.tick(bus.now, bus.out);
  }

  BOOST_TEST(bus.all<send_resend>().size() == 4U);
  for (const send_resend& each : bus.all<send_resend>()) {
    BOOST_TEST((each.to == n2));
  }
}

BOOST_AUTO_TEST_CASE(an_outbox_that_ends_below_what_was_taken_is_a_restored_backup) {
  intake bus;
  bus.inner.restore({{"orders", orders_database, 40, id_of(40)}});

  bus.announce(n1, 12);

  BOOST_REQUIRE(bus.all<send_confirmed>().size() == 1U);
  BOOST_TEST(bus.all<send_confirmed>()[0].what.refused.find("backup") != std::string::npos);
  BOOST_REQUIRE(!bus.out.log.empty());
  BOOST_TEST(bus.out.log[0].name == "outbox_refused");
  bus.relay(n1, 41);
  BOOST_TEST(bus.journaled.empty());
}

// Whatever is refused, no number is confirmed: events of another history may have it there.
BOOST_AUTO_TEST_CASE(with_a_refusal_nothing_is_confirmed) {
  intake bus;
  bus.inner.restore({{"orders", orders_database, 40, id_of(40)}});

  bus.announce(n1, 39);
  BOOST_TEST(bus.all<send_confirmed>().back().what.up_to == 0U);
  bus.forget();
  bus.announce(n1, 41);
  BOOST_TEST(bus.all<send_confirmed>().back().what.up_to == 40U);
  BOOST_TEST((bus.all<send_confirmed>().back().what.id == id_of(40)));
  bus.inner.announced(
      n1, {"orders", orders_database, 41, id_of(41), "they do not fit"}, bus.now, bus.out);
  BOOST_TEST(bus.all<send_confirmed>().back().what.refused == "they do not fit");
  BOOST_TEST(bus.all<send_confirmed>().back().what.up_to == 0U);
  bus.relay(n1, 41);
  BOOST_TEST(bus.journaled.empty());
}

BOOST_AUTO_TEST_CASE(what_an_outbox_that_went_back_sends_again_is_not_journaled_twice) {
  intake bus;
  bus.inner.restore(
      {{"orders", orders_database, 5, {}}},
      {{"orders", orders_database, id_of(7)}, {"orders", id_of(78), id_of(6)}});
  bus.announce(n1, 8);

  bus.relay(n1, 6);
  BOOST_TEST(!bus.inner.has_passed_over());
  bus.relay(n1, 7);
  BOOST_TEST(bus.inner.has_passed_over());
  bus.relay(n1, 8);

  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{6, 8}));
  const auto rows = bus.commit();
  BOOST_REQUIRE(rows.size() == 1U);
  BOOST_TEST(rows[0].taken == 8U);
  BOOST_TEST(!bus.inner.has_passed_over());
}

BOOST_AUTO_TEST_CASE(what_others_relay_while_a_worker_reads_its_outbox_is_no_restored_backup) {
  intake bus;
  bus.inner.joined(n2);
  bus.announce(n2, 0);
  bus.relay(n2, 1);
  bus.commit();
  bus.inner.joined(n1); // From here on it may read: 1 is there.
  bus.relay(n2, 2);
  bus.relay(n2, 3);
  bus.commit();
  bus.forget();

  bus.announce(n1, 1);
  BOOST_REQUIRE(bus.all<send_confirmed>().size() == 1U);
  BOOST_TEST(bus.all<send_confirmed>()[0].what.refused.empty());
  BOOST_TEST(bus.all<send_confirmed>()[0].what.up_to == 3U);
  bus.inner.left(n1);
  bus.inner.joined(n1);
  bus.forget();
  bus.announce(n1, 1); // Now it should have seen 3.
  BOOST_TEST(!bus.all<send_confirmed>().at(0).what.refused.empty());
}

BOOST_AUTO_TEST_CASE(a_number_that_comes_back_as_another_event_is_a_restored_backup) {
  intake bus;
  bus.inner.restore({{"orders", orders_database, 40, id_of(40)}});

  bus.announce(n1, 40, 1);

  BOOST_TEST(!bus.all<send_confirmed>().at(0).what.refused.empty());
  bus.forget();
  intake other;
  other.announce(n1, 0);
  other.relay(n1, 1);
  other.commit();
  other.forget();
  other.relay(n1, 1, 9);
  BOOST_TEST(!other.all<send_confirmed>().at(0).what.refused.empty());
}

// Or whoever announces ever new ones would fill the memory.
BOOST_AUTO_TEST_CASE(a_database_of_which_nothing_was_taken_is_not_remembered) {
  intake bus;
  bus.inner.announced(n1, {"orders", id_of(77), 5, id_of(5)}, bus.now, bus.out);

  bus.inner.announced(n1, {"orders", id_of(78), 0, {}}, bus.now, bus.out);

  BOOST_TEST(bus.out.log.empty()); // No `outbox_replaced`.
}

BOOST_AUTO_TEST_CASE(another_database_begins_anew_and_the_first_is_remembered) {
  intake bus;
  bus.inner.restore({{"orders", orders_database, 40, id_of(40)}});
  const uuid made_anew = id_of(78);

  bus.inner.announced(n1, {"orders", made_anew, 0, {}}, bus.now, bus.out);
  BOOST_TEST(bus.out.log.at(0).name == "outbox_replaced");
  bus.relay(n1, 1);
  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1}));
  bus.commit();
  bus.forget();
  bus.announce(n1, 40); // The first one is back.

  BOOST_TEST(bus.all<send_confirmed>().at(0).what.up_to == 40U);
  BOOST_TEST(bus.all<send_confirmed>().at(0).what.refused.empty());
}

// Two processes may announce by turns, one with the old file and one with the new.
BOOST_AUTO_TEST_CASE(what_is_on_its_way_when_another_database_is_announced_is_not_taken_twice) {
  const uuid made_anew = id_of(78);
  for (const bool is_closed : {false, true}) {
    BOOST_TEST_CONTEXT((is_closed ? "being written" : "being collected")) {
      intake bus;
      bus.inner.restore({{"orders", orders_database, 1, id_of(1)}});
      bus.announce(n1, 2);
      bus.relay(n1, 2);
      bus.commit();
      bus.announce(n1, 3);
      bus.relay(n1, 3);
      std::vector<source_row> rows;
      if (is_closed) {
        bus.inner.close_batch(rows);
      }

      bus.inner.announced(n2, {"orders", made_anew, 0, {}}, bus.now, bus.out);
      if (!is_closed) {
        bus.inner.close_batch(rows);
      }
      bus.announce(n1, 4); // Before the write has ended.
      bus.inner.announced(n2, {"orders", made_anew, 0, {}}, bus.now, bus.out);
      bus.inner.written(true, bus.now, bus.out);
      bus.forget();
      bus.announce(n1, 4);

      BOOST_REQUIRE(rows.size() == 1U);
      BOOST_TEST((rows[0].instance == orders_database));
      BOOST_TEST(rows[0].taken == 3U);
      BOOST_TEST(bus.all<send_confirmed>().at(0).what.up_to == 3U);
      BOOST_TEST(bus.all<send_resend>().at(0).what.from == 4U);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_was_on_its_way_of_another_database_and_is_not_written_is_asked_for) {
  intake bus;
  bus.announce(n1, 1);
  bus.relay(n1, 1);
  std::vector<source_row> rows;
  bus.inner.close_batch(rows);
  bus.inner.announced(n2, {"orders", id_of(78), 0, {}}, bus.now, bus.out);
  bus.inner.written(false, bus.now, bus.out);
  bus.forget();

  bus.announce(n1, 1);

  BOOST_TEST(bus.all<send_confirmed>().at(0).what.up_to == 0U);
  BOOST_TEST(bus.all<send_resend>().at(0).what.from == 1U);
}

BOOST_AUTO_TEST_CASE(what_could_not_be_written_is_asked_for_again) {
  intake bus;
  bus.announce(n1, 0);
  bus.relay(n1, 1);
  std::vector<source_row> rows;
  bus.inner.close_batch(rows);
  bus.relay(n1, 2); // Accepted for the next batch, which cannot have it without the first.
  bus.inner.written(false, bus.now, bus.out);
  bus.forget();

  bus.now += milliseconds{500};
  bus.inner.tick(bus.now, bus.out);

  BOOST_REQUIRE(bus.all<send_resend>().size() == 1U);
  BOOST_TEST(bus.all<send_resend>()[0].what.from == 1U);
  BOOST_TEST(bus.all<send_resend>()[0].what.to == 2U);
}

// No event of this outbox was in the batch that failed; the bus drops the events that came
// meanwhile nevertheless.
BOOST_AUTO_TEST_CASE(what_came_while_another_batch_failed_is_asked_for_again) {
  intake bus;
  bus.announce(n1, 0);
  std::vector<source_row> rows;
  bus.inner.close_batch(rows);
  BOOST_TEST(rows.empty());
  bus.relay(n1, 1);
  bus.inner.written(false, bus.now, bus.out);

  bus.inner.close_batch(rows);
  BOOST_TEST(rows.empty()); // A row here would say that the dropped event is in the journal.
  bus.inner.written(true, bus.now, bus.out);
  bus.forget();
  bus.now += milliseconds{500};
  bus.inner.tick(bus.now, bus.out);

  BOOST_REQUIRE(bus.all<send_resend>().size() == 1U);
  BOOST_TEST(bus.all<send_resend>()[0].what.from == 1U);
  BOOST_TEST(bus.all<send_confirmed>().empty());
}

BOOST_AUTO_TEST_CASE(a_failed_write_does_not_leave_events_waiting_behind_a_topic_too_many) {
  intake bus{1};
  bus.announce(n1, 2);
  bus.relay(n1, 1);
  bus.relay(n1, 2, "order.17.created");
  bus.forget();
  bus.inner.written(false, bus.now, bus.out);

  BOOST_REQUIRE(bus.all<send_confirmed>().size() == 1U);
  BOOST_TEST(bus.all<send_confirmed>()[0].what.refused.empty());
  bus.announce(n1, 2);
  BOOST_TEST(bus.all<send_resend>().back().what.from == 1U);
  bus.journaled.clear();
  bus.relay(n1, 1);
  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1}));
}

BOOST_AUTO_TEST_CASE(a_worker_that_announced_nothing_is_not_heard) {
  intake bus;
  bus.announce(n1, 0);

  BOOST_TEST(!bus.inner.relayed(n2, 1, event_at(1), true, bus.now, bus.out));
  BOOST_TEST(bus.out.accepted.empty());
}

BOOST_AUTO_TEST_CASE(
    whatever_is_lost_repeated_or_reordered_each_number_is_journaled_once_in_order) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random{seed};
    const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
    std::optional<intake> bus{std::in_place};
    std::uint64_t newest = 0;
    std::uint64_t written = 0; // How far the journal has it; what a restart keeps.
    std::vector<source_row> kept;
    std::deque<std::pair<login_id, std::uint64_t>> on_the_way;
    std::set<login_id> alive{n1, n2};
    bus->announce(n1, 0);
    bus->announce(n2, 0);
    std::vector<std::uint64_t> journal;
    const auto commit = [&](bool is_good) {
      std::vector<source_row> rows;
      bus->inner.close_batch(rows);
      bus->inner.written(is_good, bus->now, bus->out);
      if (is_good) {
        journal.insert(journal.end(), bus->journaled.begin(), bus->journaled.end());
        kept = rows.empty() ? kept : rows;
        written = journal.size();
      }
      bus->journaled.clear();
    };
    for (int step = 0; step < 300 || written < newest; ++step) {
      BOOST_REQUIRE_MESSAGE(step < 5'000, "seed " << seed << " does not come to an end");
      const bool is_calm = step >= 300;
      bus->now += milliseconds{random() % 30};
      if (!is_calm && chance(40)) {
        on_the_way.emplace_back(chance(50) ? n1 : n2, ++newest);
      }
      for (const send_resend& each : bus->all<send_resend>()) {
        for (std::uint64_t seq = each.what.from; seq <= each.what.to && alive.contains(each.to);
             ++seq) {
          on_the_way.emplace_back(each.to, seq);
        }
      }
      bus->forget();
      if (!on_the_way.empty()) {
        const std::size_t at = random() % std::min<std::size_t>(on_the_way.size(), 4);
        const auto [who, seq] = on_the_way[at];
        if (!chance(20)) {
          on_the_way.erase(on_the_way.begin() + static_cast<std::ptrdiff_t>(at)); // Else: twice.
        }
        if (alive.contains(who) && (is_calm || !chance(20))) {
          bus->relay(who, seq);
        }
      }
      if (chance(30)) {
        commit(is_calm || !chance(20));
      }
      if (!is_calm && chance(5)) {
        const login_id whom = chance(50) ? n1 : n2;
        alive.erase(whom);
        bus->inner.left(whom);
      }
      for (const login_id each : {n1, n2}) {
        if (!alive.contains(each) && (is_calm || chance(20))) {
          alive.insert(each);
          bus->announce(each, newest);
        }
      }
      if (!is_calm && chance(3)) { // The broker dies.
        bus.emplace();
        bus->inner.restore(kept);
        on_the_way.clear();
        bus->announce(n1, newest);
        bus->announce(n2, newest);
        alive = {n1, n2};
      }
      bus->inner.tick(bus->now, bus->out);
    }
    BOOST_REQUIRE_MESSAGE(journal.size() == newest, "seed " << seed);
    for (std::size_t i = 0; i < journal.size(); ++i) {
      BOOST_REQUIRE_MESSAGE(journal[i] == i + 1, "seed " << seed << " at " << i);
    }
  }
}

// It can neither be passed over nor be taken: nothing is lost while the topology forbids it.
BOOST_AUTO_TEST_CASE(an_outbox_waits_at_an_event_that_its_capability_may_not_publish) {
  intake bus{
      100,
      std::make_shared<security::rules>(
          std::vector<security::holder>{},
          std::vector<security::holder>{{"orders", {.publish = {"order.*"}}, {"orders"}}})};
  bus.announce(n1, 3);

  bus.relay(n1, 1);
  bus.relay(n1, 2, "user.registered");
  bus.relay(n1, 3);
  bus.commit();

  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1}));
  const auto told = bus.all<send_confirmed>();
  BOOST_REQUIRE(!told.empty());
  BOOST_TEST(told.back().what.up_to == 0U);
  BOOST_TEST(told.back().what.refused.find("`user.registered`") != std::string::npos);
  BOOST_TEST(told.back().what.refused.find("`publish` of `orders`") != std::string::npos);
  BOOST_REQUIRE(!bus.out.log.empty());
  BOOST_TEST(bus.out.log.back().name == "outbox_refused");
}

// The disk is full for a moment, and the topology wrong for longer.
BOOST_AUTO_TEST_CASE(what_comes_before_the_event_that_waits_does_not_wait_with_it) {
  intake bus{
      100,
      std::make_shared<security::rules>(
          std::vector<security::holder>{},
          std::vector<security::holder>{{"orders", {.publish = {"order.*"}}, {"orders"}}})};
  bus.announce(n1, 2);
  bus.relay(n1, 1);
  bus.relay(n1, 2, "user.registered");
  std::vector<source_row> rows;
  bus.inner.close_batch(rows);
  bus.journaled.clear();
  bus.inner.written(false, bus.now, bus.out);
  bus.forget();

  bus.now += std::chrono::seconds{10};
  bus.inner.tick(bus.now, bus.out);
  const auto asked = bus.all<send_resend>();
  BOOST_REQUIRE(asked.size() == 1U);
  BOOST_TEST(asked[0].what.from == 1U);
  bus.relay(n1, 1);
  bus.commit();
  BOOST_TEST((bus.journaled == std::vector<std::uint64_t>{1}));
}

BOOST_AUTO_TEST_SUITE_END()
