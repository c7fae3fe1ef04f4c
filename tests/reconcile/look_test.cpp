#include "runtime/reconciler/look.hpp"

#include "tests/reconcile/books.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::reconcile::test {

namespace {

constexpr std::string_view rule = R"(
invariants:
  each_has_one:
    left: {capability: orders, query: list, rows: rows, key: order, changed: changed_at}
    right: {capability: stock, query: list, rows: rows, key: order}
)";

/// Two capabilities with 100 orders each, asked ten at a time.
struct look_fixture {
  look_fixture() {
    for (std::int64_t i = 1; i <= 100; ++i) {
      shop.tables["orders"].push_back({i, "confirmed", "EUR", 0, 0, 1});
      shop.tables["stock"].push_back({i, "held", "EUR", 0, 0, 1});
    }
    shop.count = 10;
    time.advance(std::chrono::hours{1});
  }

  slice look_behind(std::string_view behind, int pages_max = 1'000) {
    const ask_capability ask = [this](const capability_call& call) {
      ++asked;
      time.advance(each_takes);
      if (asked == fails_at) {
        return outcome<std::string>{
            failure{error{.code = errc::unavailable, .message = "nobody serves it"}}};
      }
      source from;
      from.capability = call.capability;
      const auto wanted = wire::checked_decode<page>(call.body);
      const std::string after = wanted->after ? key_of(*wanted->after) : std::string{};
      return shop.fetch()(from, after);
    };
    return look(
        rules.at(0),
        behind,
        until,
        {.page = 10, .pages_max = pages_max, .pause = {}, .time_max = milliseconds{60'000}},
        time,
        ask);
  }

  books shop;
  manual_clock time;
  std::vector<fault> faults;
  std::vector<invariant> rules = read(rule, faults);
  std::string until;
  int asked = 0;
  int fails_at = 0;
  milliseconds each_takes{};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(reconciler_look, look_fixture, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_look_asks_for_no_more_pages_than_it_may_and_the_next_goes_on) {
  std::string behind;
  int looks = 0;
  slice seen;
  do {
    asked = 0;
    seen = look_behind(behind, 5);
    BOOST_TEST(asked <= 5);
    BOOST_TEST(seen.trouble.empty(), seen.trouble);
    BOOST_TEST((seen.is_last || seen.to.bytes > behind));
    behind = seen.to.bytes;
  } while (!seen.is_last && ++looks < 100);

  BOOST_TEST(seen.is_last);
  BOOST_TEST(looks > 2);
  BOOST_TEST((behind.empty() || behind == key_of(std::int64_t{100})));
}

// Each page, or the pause before it, takes longer than a look is to take.
BOOST_AUTO_TEST_CASE(slow_pages_are_compared_all_the_same) {
  each_takes = milliseconds{61'000};
  std::string behind;
  int looks = 0;
  slice seen;
  do {
    seen = look_behind(behind);
    BOOST_TEST_REQUIRE(seen.trouble.empty(), seen.trouble);
    BOOST_TEST_REQUIRE((seen.is_last || seen.to.bytes > behind));
    behind = seen.to.bytes;
  } while (!seen.is_last && ++looks < 100);

  BOOST_TEST(seen.is_last);
  BOOST_TEST(looks > 5); // None was longer than it had to be.
}

BOOST_AUTO_TEST_CASE(a_capability_that_goes_away_is_said_with_the_place) {
  fails_at = 5;

  const slice seen = look_behind({});

  BOOST_TEST(!seen.is_last);
  BOOST_TEST(seen.judged > 0);
  BOOST_TEST(
      (seen.trouble == "not compared behind " + key_text(seen.to.bytes) + ": nobody serves it"),
      seen.trouble);
}

BOOST_AUTO_TEST_CASE(findings_and_young_keys_are_told) {
  std::erase_if(shop.tables["stock"], [](const entry& each) { return each.order == 3; });
  shop.tables["orders"][6].changed_at = 1'000'000'000'000'000;

  const slice seen = look_behind({});

  BOOST_REQUIRE(seen.findings.size() == 1U);
  BOOST_TEST((seen.findings[0].key.bytes == key_of(std::int64_t{3})));
  BOOST_REQUIRE(seen.young.size() == 1U);
  BOOST_TEST((seen.young[0].bytes == key_of(std::int64_t{7})));
}

// So that the counts of a pass, which are sums over its looks, count no key twice.
BOOST_AUTO_TEST_CASE(a_look_that_has_all_that_a_slice_holds_ends_there_and_counts_no_further) {
  for (std::int64_t i = 101; i <= 6'000; ++i) {
    shop.tables["orders"].push_back({i, "confirmed", "EUR", 0, 0, 1'000'000'000'000'000});
    shop.tables["stock"].push_back({i, "held", "EUR", 0, 0, 1});
  }
  shop.count = 500;
  std::string behind;
  std::int64_t judged = 0;
  std::int64_t in_flight = 0;
  int looks = 0;
  slice seen;
  do {
    seen = look_behind(behind, 100'000);
    slice shorter = seen;
    shorten(shorter, {});
    BOOST_TEST((shorter.to == seen.to && shorter.is_last == seen.is_last));
    judged += seen.judged;
    in_flight += seen.in_flight;
    behind = seen.to.bytes;
  } while (!seen.is_last && ++looks < 100);

  BOOST_TEST(looks == 2);
  BOOST_TEST(judged == 100);
  BOOST_TEST(in_flight == 5'900);
}

BOOST_AUTO_TEST_CASE(a_second_look_ends_where_the_first_did) {
  until = key_of(std::int64_t{42});

  const slice seen = look_behind(key_of(std::int64_t{40}));

  BOOST_TEST(!seen.is_last);
  BOOST_TEST((seen.to.bytes == until));
  BOOST_TEST(seen.judged == 2);
  BOOST_TEST(seen.trouble.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::reconcile::test
