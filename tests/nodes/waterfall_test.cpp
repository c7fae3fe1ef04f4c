#include "nodes/commands/traces/waterfall.hpp"

#include "nodes/text_table.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

constexpr std::int64_t ms = 1'000'000;

placed_span made(
    std::uint64_t id,
    std::uint64_t parent,
    std::string name,
    std::int64_t start,
    std::int64_t took) {
  wire::told_span what;
  what.trace.bytes[0] = std::byte{1};
  what.id = id;
  what.parent = parent;
  what.name = std::move(name);
  what.start = start * ms;
  what.duration = took * ms;
  return {"n1", what};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    found.push_back(line);
  }
  return found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(nodes_commands_traces, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_span_stands_below_the_one_that_caused_it) {
  const auto lines = lines_of(
      waterfall({made(3, 2, "c", 60, 20), made(1, 9, "a", 0, 100), made(2, 1, "b", 50, 50)}));

  BOOST_REQUIRE(lines.size() == 3U);
  BOOST_TEST(lines[0].starts_with("a "));
  BOOST_TEST(lines[1].starts_with("  b "));
  BOOST_TEST(lines[2].starts_with("    c "));
  BOOST_TEST((lines[0].find("|================|") != std::string::npos), lines[0]);
  BOOST_TEST((lines[1].find("|        ========|") != std::string::npos), lines[1]);
  BOOST_TEST(lines[1].ends_with(" 50.0 ms"));
}

BOOST_AUTO_TEST_CASE(no_line_is_wider_than_a_terminal) {
  std::vector<placed_span> spans;
  for (std::uint64_t i = 1; i < 40; ++i) {
    spans.push_back(made(i, i - 1, std::string(200, 'x') + "\x1b[31m\n", 0, 1'000'000));
    spans.back().node = "a_node_with_a_long_name";
    spans.back().what.failed = true;
    spans.back().what.notes["error.type"] = std::string(300, 'e');
  }
  for (const std::string& line : lines_of(waterfall(spans))) {
    BOOST_TEST(width_of(line) <= 80U, line);
    BOOST_TEST((line.find('\x1b') == std::string::npos));
  }
}

BOOST_AUTO_TEST_CASE(spans_that_name_each_other_are_drawn_once) {
  BOOST_TEST(lines_of(waterfall({made(1, 2, "a", 0, 1), made(2, 1, "b", 0, 1)})).size() == 2U);
  BOOST_TEST(lines_of(waterfall({made(1, 1, "a", 0, 1)})).size() == 1U);
  BOOST_TEST(lines_of(waterfall({made(1, 0, "a", 0, 1), made(1, 0, "a", 0, 1)})).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_trace_in_short_begins_with_its_first_span) {
  auto spans = std::vector{made(2, 1, "b", 50, 100), made(1, 0, "a", 0, 100)};
  spans[0].what.failed = true;
  spans.push_back(made(5, 0, "newer", 900, 1));
  spans.back().what.trace.bytes[0] = std::byte{2};

  const auto all = summaries_of(spans);
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(all[0].name == "newer");
  BOOST_TEST(all[1].name == "a");
  BOOST_TEST(all[1].duration == 150 * ms);
  BOOST_TEST(all[1].spans == 2U);
  BOOST_TEST(all[1].failed == 1U);
}

// A call waits at its broker before the worker has it, whose span stands above that of the wait.
BOOST_AUTO_TEST_CASE(a_trace_has_the_name_of_what_none_is_above) {
  const auto all = summaries_of(
      {made(2, 1, "queue orders", 0, 40),
       made(1, 0, "orders.place", 40, 10),
       made(3, 1, "x", 45, 1)});

  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all[0].name == "orders.place");
  BOOST_TEST(all[0].start == 0);
  BOOST_TEST(all[0].duration == 50 * ms);
}

BOOST_AUTO_TEST_CASE(times_have_fit_units) {
  BOOST_TEST(span_time_text(850'000) == "850 us");
  BOOST_TEST(span_time_text(12'400'000) == "12.4 ms");
  BOOST_TEST(span_time_text(3'200'000'000) == "3.20 s");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
