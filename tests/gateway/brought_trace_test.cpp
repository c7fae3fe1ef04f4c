#include "runtime/gateway/server/brought_trace.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";

http::request with(http::field_list fields) {
  http::request made;
  made.fields = std::move(fields);
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_gateway_brought_trace, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_stranger_names_a_trace_and_has_nothing_recorded) {
  const observe::sampling none;
  const observe::sampling all{1.0};
  const auto asked = with({{"traceparent", trace + "01"}, {"tracestate", "a=b"}});

  BOOST_TEST(brought_trace(asked, false, none) == trace + "00 a=b");
  BOOST_TEST(brought_trace(asked, true, none) == trace + "01 a=b");
  BOOST_TEST(brought_trace(asked, false, all) == trace + "01 a=b");
  BOOST_TEST(brought_trace(with({{"traceparent", trace + "00"}}), false, all) == trace + "01");
  BOOST_TEST(brought_trace(with({{"traceparent", trace + "00"}}), true, all) == trace + "00");
}

BOOST_AUTO_TEST_CASE(no_trace_several_and_a_broken_one_are_none) {
  const observe::sampling all{1.0};
  for (const bool is_trusted : {false, true}) {
    BOOST_TEST(brought_trace(with({}), is_trusted, all).empty());
    BOOST_TEST(brought_trace(with({{"traceparent", "x"}}), is_trusted, all).empty());
    BOOST_TEST(
        brought_trace(
            with({{"traceparent", trace + "01"}, {"traceparent", trace + "01"}}), is_trusted, all)
            .empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
