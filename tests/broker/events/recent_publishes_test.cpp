#include "runtime/broker/events/recent_publishes.hpp"

#include "tests/runtime/colliding_ids.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <utility>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

/// Ids of two kinds: as our sources make them, and such as differ in a few bits only.
uuid id_of(std::uint64_t number, bool is_alike) {
  uuid id;
  if (!is_alike) {
    id = derived_id(id, std::to_string(number));
  }
  for (std::size_t i = 0; i < 8; ++i) {
    id.bytes[8 + i] ^= static_cast<std::byte>(number >> (8 * i));
  }
  return id;
}

/// What it should remember, slowly.
struct model {
  std::deque<std::pair<uuid, std::uint64_t>> newest;

  void add(const uuid& id, std::uint64_t position) {
    newest.emplace_back(id, position);
    if (newest.size() > recent_publishes::ids_max) {
      newest.pop_front();
    }
  }
};

void check(const recent_publishes& recent, const model& all) {
  std::size_t wrong = 0;
  for (const auto& [id, position] : all.newest) {
    const auto* found = recent.find(id);
    wrong += found == nullptr || found->position != position || found->digest != position + 7;
  }
  BOOST_TEST(wrong == 0U);
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_recent_publishes, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(an_empty_one_knows_nothing) {
  recent_publishes recent;

  BOOST_TEST(recent.find(id_of(1, false)) == nullptr);
  recent.drop_from(0);
  BOOST_TEST(recent.find(id_of(1, false)) == nullptr);
}

BOOST_AUTO_TEST_CASE(the_newest_are_known_and_no_others_whatever_is_added_and_dropped) {
  for (const bool is_alike : {false, true}) {
    std::mt19937_64 random{is_alike ? 1U : 2U};
    recent_publishes recent;
    model all;
    std::uint64_t position = 0;
    for (int round = 0; round < 40; ++round) {
      for (std::uint64_t count = random() % 12'000; count != 0; --count) {
        ++position;
        recent.add(id_of(position, is_alike), {position, position + 7});
        all.add(id_of(position, is_alike), position);
      }
      if (random() % 3 == 0) {
        const std::uint64_t kept = position - std::min<std::uint64_t>(position, random() % 9'000);
        recent.drop_from(kept + 1);
        while (!all.newest.empty() && all.newest.back().second > kept) {
          BOOST_TEST(recent.find(all.newest.back().first) == nullptr);
          all.newest.pop_back();
        }
        position = kept;
      }
      check(recent, all);
      if (!all.newest.empty() && all.newest.front().second > 1) {
        BOOST_TEST(recent.find(id_of(all.newest.front().second - 1, is_alike)) == nullptr);
      }
    }
    BOOST_TEST(position > recent_publishes::ids_max);
  }
}

// Two thousand million steps where each search walks over all that came before.
BOOST_AUTO_TEST_CASE(ids_made_for_one_place_cost_no_more_than_others, *utf::timeout(20)) {
  recent_publishes recent;
  std::uint64_t position = 0;
  for (const uuid& each : colliding_ids(recent_publishes::ids_max)) {
    recent.add(each, {++position, 0});
  }
  std::size_t found = 0;
  for (const uuid& each : colliding_ids(recent_publishes::ids_max)) {
    found += recent.find(each) != nullptr ? 1U : 0U;
  }
  BOOST_TEST(found == recent_publishes::ids_max);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
