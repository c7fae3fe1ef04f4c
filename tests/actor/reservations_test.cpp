#include "runtime/actor/reservations.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/actor/turn_requests.hpp"
#include "runtime/store/migrations.hpp"
#include "runtime/store/sqlite/database.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

struct seats_wanted {
  std::int64_t seats = 0;
};

TROUPE_MESSAGE(seats_wanted, seats)

struct seats_and_window {
  std::int64_t seats = 0;
  std::optional<bool> window;
};

TROUPE_MESSAGE(seats_and_window, seats, window)

struct seats_given {
  std::int64_t left = 0;
};

TROUPE_MESSAGE(seats_given, left)

constexpr std::array schema{store::migration{1, "reservations", reserved_table}};

/// A hall of ten seats.
struct hall_fixture {
  hall_fixture() {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-hall-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    auto opened = store::open_sqlite(folder + "/hall.db", {.capability = "hall", .durable = false});
    BOOST_REQUIRE(opened.has_value());
    database = std::move(*opened);
    const std::array parts{store::component{"hall", schema}};
    BOOST_REQUIRE(store::migrate(*database, time, parts));
  }

  hall_fixture(const hall_fixture&) = delete;
  hall_fixture& operator=(const hall_fixture&) = delete;

  ~hall_fixture() {
    database.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  template <class Work>
  auto in_turn(Work work) {
    store::transaction writing{*database};
    turn turn{by, database.get(), 1, ids.next(time.wall()), {}, time.wall(), requests};
    auto done = work(turn);
    writing.commit();
    return done;
  }

  outcome<seats_given> reserve(std::int64_t seats) {
    return in_turn([&](turn& turn) { return hall.reserve(booking, {seats}, turn); });
  }

  bool release() {
    return in_turn([&](turn& turn) { return hall.release(booking, turn).has_value(); });
  }

  static std::string reason(const outcome<seats_given>& got) {
    return got ? "ok" : std::string{got.error().detail("reason")};
  }

  std::string folder;
  manual_clock time;
  std::unique_ptr<store::database> database;
  actor by;
  turn_requests requests;
  uuid_source ids{1};
  const uuid booking = ids.next(time.wall());
  std::int64_t left = 10;
  int taken = 0;
  reservations<seats_wanted, seats_given> hall{
      "seats",
      [this](const seats_wanted& wanted, turn&) -> outcome<seats_given> {
        if (wanted.seats > left) {
          return failure{rejected("sold_out", "No seats are left.")};
        }
        ++taken;
        left -= wanted.seats;
        return seats_given{left};
      },
      [this](const seats_wanted& held, turn&) { left += held.seats; }};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(actor_reservations, hall_fixture, *utf::timeout(20))

BOOST_AUTO_TEST_CASE(the_same_again_gets_the_first_answer) {
  BOOST_TEST(reserve(4).value().left == 6);
  BOOST_TEST(reserve(4).value().left == 6);
  BOOST_TEST(taken == 1);
}

BOOST_AUTO_TEST_CASE(something_else_under_the_id_is_refused) {
  BOOST_TEST(reserve(4).has_value());
  BOOST_TEST(reason(reserve(5)) == "reserved_otherwise");
  BOOST_TEST(left == 6);
}

// A release of the program before wrote it, whose request had no `window`.
BOOST_AUTO_TEST_CASE(the_same_is_the_same_behind_an_upgrade_that_adds_a_field) {
  BOOST_TEST(reserve(4).has_value());
  const reservations<seats_and_window, seats_given> newer{
      "seats",
      [](const seats_and_window&, turn&) { return seats_given{}; },
      [](const seats_and_window&, turn&) {}};
  const auto ask = [&](const seats_and_window& wanted) {
    return in_turn([&](turn& turn) { return newer.reserve(booking, wanted, turn); });
  };

  BOOST_TEST(ask({4, std::nullopt}).value().left == 6);
  BOOST_TEST(reason(ask({4, true})) == "reserved_otherwise");
}

BOOST_AUTO_TEST_CASE(a_release_gives_back_once) {
  BOOST_TEST(reserve(4).has_value());
  BOOST_TEST(release());
  BOOST_TEST(!release());
  BOOST_TEST(left == 10);
  BOOST_TEST(reason(reserve(4)) == "cancelled");
}

BOOST_AUTO_TEST_CASE(a_release_before_the_reserve_leaves_a_tombstone) {
  BOOST_TEST(!release());
  BOOST_TEST(reason(reserve(4)) == "cancelled");
  BOOST_TEST(!release());
  BOOST_TEST(left == 10);
}

BOOST_AUTO_TEST_CASE(a_refusal_leaves_nothing) {
  BOOST_TEST(reason(reserve(11)) == "sold_out");
  BOOST_TEST(reserve(10).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
