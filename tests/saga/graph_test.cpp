#include "runtime/saga/graph.hpp"

#include "tests/saga/driver.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

BOOST_AUTO_TEST_SUITE(runtime_saga_graph, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_definition_is_drawn_with_its_steps_in_order_and_their_undos) {
  BOOST_TEST(
      mermaid_of(order_saga())
      == "flowchart TD\n"
         "  begin([\"place\"])\n"
         "  s0[\"reserve<br/>shop.reserve\"]\n"
         "  begin --> s0\n"
         "  u0[/\"shop.release\"/]\n"
         "  s0 -. undo .-> u0\n"
         "  s1[\"credit<br/>shop.credit\"]\n"
         "  s0 --> s1\n"
         "  u1[/\"shop.uncredit\"/]\n"
         "  s1 -. undo .-> u1\n"
         "  s2{{\"charge<br/>shop.charge<br/>pivot\"}}\n"
         "  s1 --> s2\n"
         "  s3[\"confirm<br/>shop.confirm<br/>retried until done\"]\n"
         "  s2 --> s3\n"
         "  s3 --> done([\"completed\"])\n");
}

BOOST_AUTO_TEST_CASE(parallel_steps_waits_and_conditions_are_drawn) {
  definition trip = order_saga();
  trip.steps.resize(2);
  trip.steps[1].parallel = true;
  trip.steps[1].when = [](const facts&) -> outcome<bool> { return true; };
  trip.steps.push_back(
      waits<reserved>("approval", "approve", 3s, [](const reserved&) { return heard{}; }));
  trip.steps.push_back(lets_pass("cooling", 2s));

  const std::string drawn = mermaid_of(trip);

  BOOST_TEST(drawn.find("  begin --> s0\n") != std::string::npos);
  BOOST_TEST(drawn.find("  begin --> s1\n") != std::string::npos);
  BOOST_TEST(drawn.find("shop.credit<br/>if its condition holds") != std::string::npos);
  BOOST_TEST(drawn.find("  s0 --> s2\n  s1 --> s2\n") != std::string::npos);
  BOOST_TEST(drawn.find("[\"approval<br/>waits for approve, 3s\"]") != std::string::npos);
  BOOST_TEST(drawn.find("[\"cooling<br/>lets 2s pass\"]") != std::string::npos);
  BOOST_TEST(dot_of(trip).find("  begin -> s1\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_quote_in_a_name_ends_no_label) {
  definition odd = order_saga();
  odd.steps[0].name = "a\"b\\c\nd";

  BOOST_TEST(mermaid_of(odd).find("[\"a#quot;bcd<br/>shop.reserve\"]") != std::string::npos);
  BOOST_TEST(dot_of(odd).find("[label=\"a\\\"bcd\\nshop.reserve\"") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
