#include "runtime/time_text.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

using namespace std::chrono_literals;

wall_time after_epoch(std::chrono::nanoseconds time) {
  return wall_time{std::chrono::duration_cast<wall_time::duration>(time)};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_time_text, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_utc_time_is_read) {
  BOOST_TEST((parse_utc_time("1970-01-01T00:00:00Z") == after_epoch(0s)));
  BOOST_TEST((parse_utc_time("2026-11-24T01:54:45Z") == after_epoch(1'795'485'285s)));
  BOOST_TEST((parse_utc_time("2024-02-29T23:59:59Z") == after_epoch(1'709'251'199s)));
  BOOST_TEST((parse_utc_time("1970-01-01T00:00:01.5Z") == after_epoch(1'500ms)));
  BOOST_TEST((parse_utc_time("1970-01-01T00:00:01.000000001Z") == after_epoch(1s + 1ns)));
}

BOOST_AUTO_TEST_CASE(what_is_no_utc_time_is_refused) {
  for (const auto* text :
       {"",
        "oldest",
        "2026-11-24",
        "2026-11-24T01:54:45",
        "2026-11-24 01:54:45Z",
        "2026-11-24T01:54Z",
        "2026-11-24T01:54:45+01:00",
        "2026-11-24T01:54:45.Z",
        "2026-11-24T01:54:45.1234567890Z",
        "2026-11-24T01:54:45.x2Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T23:60:00Z",
        "2026-11-24T23:59:60Z",
        "-026-11-24T01:54:45Z",
        "1969-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z",
        "2026-11-24T01:54:45ZZ"}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!parse_utc_time(text).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_time_is_written_as_it_is_read) {
  BOOST_TEST(utc_time_text(after_epoch(0s)) == "1970-01-01T00:00:00.000Z");
  for (const auto* text : {"2026-11-24T01:54:45.120Z", "2261-12-31T23:59:59.999Z"}) {
    BOOST_TEST(utc_time_text(parse_utc_time(text).value()) == text);
  }
}

BOOST_AUTO_TEST_CASE(a_count_of_milliseconds_is_a_time_whatever_it_is) {
  constexpr auto text = [](std::int64_t millis) {
    return utc_time_text(time_since_1970(milliseconds{millis}));
  };

  BOOST_TEST(text(1'795'485'285'120) == "2026-11-24T01:54:45.120Z");
  BOOST_TEST(text(-1) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(text(std::numeric_limits<std::int64_t>::max()) == "2261-12-31T23:59:59.999Z");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
