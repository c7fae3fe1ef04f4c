#include "topology/traces.hpp"

#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

BOOST_FIXTURE_TEST_SUITE(topology_traces, topology_fixture, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(traces_are_kept_in_the_processes_by_default_and_none_begins) {
  const auto plan = plan_of(good);

  BOOST_TEST(plan.traces.otlp.empty());
  BOOST_TEST(plan.traces.sample == 0.0);
  BOOST_TEST(!plan.traces.is_always("users"));
}

BOOST_AUTO_TEST_CASE(a_section_of_traces_is_read) {
  const auto plan = plan_of(good_and(
      "traces: {sample: 0.25, always: [users], otlp: \"https://collector:4318/v1/traces\"}\n"));

  BOOST_TEST(plan.traces.otlp == "https://collector:4318/v1/traces");
  BOOST_TEST(plan.traces.sample == 0.25);
  BOOST_TEST(plan.traces.is_always("users"));
  BOOST_TEST(!plan.traces.is_always("orders"));
}

BOOST_AUTO_TEST_CASE(a_share_may_be_none_or_all) {
  for (const std::string_view share : {"0", "1"}) {
    BOOST_TEST(
        plan_of(good_and(fmt::format("traces: {{sample: {}}}\n", share))).traces.sample
        == (share == "1" ? 1.0 : 0.0));
  }
}

BOOST_AUTO_TEST_CASE(an_address_that_cannot_be_asked_is_refused) {
  for (const std::string& address :
       {std::string{"127.0.0.1:4318"},
        std::string{"ftp://collector/v1/traces"},
        std::string{"http://"},
        std::string{"https:///v1/traces"},
        std::string{"http://:4318/v1/traces"},
        std::string{"http://collector/v1 traces"},
        std::string{"http://collector:99999/v1/traces"},
        std::string{"http://collector:/v1/traces"},
        std::string{"http://[::1]:0"},
        std::string{"http://c\xc3\xb6llector/"},
        "http://collector/" + std::string(2'048, 'a')}) {
    BOOST_TEST_CONTEXT(address) {
      check_only_fault(
          good_and(fmt::format("traces: {{otlp: \"{}\"}}\n", address)),
          {14, 16},
          "which is no address over HTTP",
          "http://127.0.0.1:4318/v1/traces");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_share_beyond_all_is_refused) {
  for (const std::string_view share : {"-0.1", "1.01", "half", "nan"}) {
    BOOST_TEST_CONTEXT(share) {
      check_only_fault(
          good_and(fmt::format("traces: {{sample: {}}}\n", share)),
          {14, 18},
          "`sample` of traces",
          "from 0 to 1");
    }
  }
}

BOOST_AUTO_TEST_CASE(capabilities_that_are_always_recorded_must_be_there) {
  check_only_fault(
      good_and("traces: {always: [users, ordres]}\n"),
      {14, 9},
      "`always` of traces names the unknown capability `ordres`",
      "orders");
}

BOOST_AUTO_TEST_CASE(an_unknown_key_of_traces_is_refused) {
  check_only_fault(good_and("traces: {sampel: 1}\n"), {14, 10}, "sampel", "sample");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
