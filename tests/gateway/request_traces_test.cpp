#include "runtime/gateway/server/request_traces.hpp"

#include "runtime/observe/span_names.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view recorded = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr std::string_view silent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

struct traces_fixture {
  http::request asked(const http::field_list& fields = {}) const {
    http::request made;
    made.method = http::method::post;
    made.target.raw = "/orders/7?card=secret";
    made.fields = fields;
    return made;
  }

  traced_request begin(std::string_view parent, const observe::sampling& by = {}) {
    return tested.begin(asked({{"traceparent", std::string{parent}}}), true, by);
  }

  void end(const traced_request& which, int status) {
    tested.end(which, {.name = "POST /orders/{n}", .route = "/orders/{n}", .status = status});
  }

  std::vector<observe::span> spans() const {
    std::vector<observe::span> found;
    (void)ring.read(0, [&](const observe::span& each) { found.push_back(each); });
    return found;
  }

  static std::map<std::string, std::string> notes_of(const observe::span& of) {
    std::map<std::string, std::string> found;
    of.for_each_note(
        [&](std::string_view key, std::string_view value) { found.emplace(key, value); });
    return found;
  }

  manual_clock time;
  observe::span_ring ring;
  request_traces tested{time, ring};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_gateway_server_request_traces, traces_fixture, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_recorded_request_says_what_it_was_without_its_query) {
  const traced_request one = begin(recorded);
  time.advance(5ms);
  end(one, 201);

  BOOST_REQUIRE(spans().size() == 1U);
  const observe::span made = spans().front();
  BOOST_TEST(made.name() == "POST /orders/{n}");
  BOOST_TEST((made.kind == observe::span_kind::server));
  BOOST_TEST(made.duration == std::chrono::nanoseconds{5ms}.count());
  BOOST_TEST(observe::hex_of(made.parent) == "00f067aa0ba902b7");
  BOOST_TEST(one.below() == observe::trace_text({made.trace, made.id, true}));
  const auto notes = notes_of(made);
  BOOST_TEST(notes.at("http.request.method") == "POST");
  BOOST_TEST(notes.at("http.route") == "/orders/{n}");
  BOOST_TEST(notes.at("http.response.status_code") == "201");
  BOOST_TEST(notes.at("url.path") == "/orders/7");
  BOOST_TEST(!notes.contains("error.type"));
}

// Whoever decided that a trace is not recorded did not know how it ends.
BOOST_AUTO_TEST_CASE(what_fails_or_is_slow_has_a_span_in_any_case) {
  end(begin(silent), 499);
  const traced_request slow = begin(silent);
  time.advance(1'000ms);
  end(slow, 200);
  BOOST_TEST(spans().empty());

  time.advance(1ms);
  end(slow, 200);
  end(begin(silent), 500);
  end(begin(""), 503); // Without a trace, where none is recorded ever.
  const auto found = spans();
  BOOST_REQUIRE(found.size() == 3U);
  BOOST_TEST(!found[0].has_failed);
  BOOST_TEST(found[1].has_failed);
  BOOST_TEST(notes_of(found[1]).at("error.type") == "500");
  BOOST_TEST(observe::hex_of(found[1].parent) == "00f067aa0ba902b7");
  BOOST_TEST(found[2].parent == 0U);
  BOOST_TEST((found[2].trace != uuid{}));
  BOOST_TEST(slow.below() == silent); // Nobody behind it records it, either.
}

BOOST_AUTO_TEST_CASE(a_trace_that_begins_here_is_decided_here) {
  const traced_request all = begin("", observe::sampling{1});
  BOOST_TEST(all.is_recorded);
  BOOST_TEST(all.parent == 0U);
  BOOST_TEST(all.below() == all.text);
  const traced_request none = begin("", observe::sampling{1e-15});
  BOOST_TEST(!none.is_recorded);
  BOOST_TEST(!observe::says_recorded(none.text)); // So that nobody decides again.
  BOOST_TEST(begin("").text.empty());
  BOOST_TEST(begin(silent, observe::sampling{0, true}).is_recorded);
  const traced_request twice = tested.begin(
      asked({{"traceparent", std::string{recorded}}, {"traceparent", std::string{recorded}}}),
      true,
      {});
  BOOST_TEST(twice.text.empty());
}

BOOST_AUTO_TEST_CASE(what_is_sent_on_is_a_step_below) {
  const traced_request above = begin(recorded);
  const traced_request below = tested.begin_below(above);
  BOOST_TEST(below.parent == above.span);
  BOOST_TEST(below.span != above.span);
  BOOST_TEST(tested.begin_below(begin("")).span == 0U);

  http::request sent = asked(
      {{"traceparent", std::string{recorded}},
       {"x", "y"},
       {"tracestate", "a=1"},
       {"tracestate", "b=2"}});
  set_trace(sent, below.below() + " c=3");
  BOOST_TEST(sent.field("traceparent").value_or("") == below.below());
  BOOST_TEST(sent.listed("tracestate") == "c=3");
  BOOST_TEST(sent.field("x").value_or("") == "y");
  set_trace(sent, {});
  BOOST_TEST(sent.fields.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
