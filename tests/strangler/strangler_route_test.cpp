#include "runtime/strangler/strangler_route.hpp"

#include "runtime/observe/span_ring.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/strangler/flag_file.hpp"
#include "tests/strangler/canned_server.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

/// Who asks: is told the one answer.
class asker final : public http::exchange {
public:
  bool respond(http::response answer) override {
    answered.set_value(std::move(answer));
    return true;
  }

  http::stream open_stream(http::response, http::stream_listener) override {
    throw std::logic_error{"no stream is asked for"};
  }

  std::promise<http::response> answered;
};

/// What takes the place of the legacy system.
class modern_route final : public gateway::route_handler {
public:
  modern_route(std::vector<http::responder>& asked, std::vector<std::string>& traces)
      : asked_{asked}, traces_{traces} {}

  void handle(gateway::route_request what, const http::responder& answers) override {
    asked_.push_back(answers);
    traces_.push_back(observe::trace_text(
        what.asked.field("traceparent").value_or(""), what.asked.listed("tracestate")));
  }

private:
  std::vector<http::responder>& asked_;
  std::vector<std::string>& traces_;
};

/// A route of one feature between a canned legacy system and a capability that the test plays.
struct route_fixture {
  route_fixture()
      : folder{std::filesystem::temp_directory_path() / ("route-" + std::to_string(::getpid()))} {
    BOOST_REQUIRE(keep_flags(path, {}));
    options.name = "billing";
    options.override_field = "x-side";
    options.compare.emplace();
  }

  ~route_fixture() { std::filesystem::remove_all(folder); }

  void start(bool has_modern = true) {
    flags = std::make_unique<flag_follower>(
        [](std::string_view, const std::string&) -> outcome<std::string> {
          return failure{error{.code = errc::unavailable, .message = "no broker"}};
        },
        path,
        log);
    billing = std::make_unique<feature>(options, 0, *flags);
    legacy = std::move(*legacy_client::start({{*base_url::parse(server.url()), options.how}}, log));
    desk = std::make_unique<comparison_desk>("g1", log, [this](const wire::answers_differ& said) {
      told.set_value(said);
      return outcome<void>{};
    });
    route = std::make_unique<strangler_route>(
        *billing,
        *legacy,
        *desk,
        route_tracing{traces, sampling, "/invoices/{number}"},
        has_modern ? std::make_unique<modern_route>(modern, told_traces) : nullptr);
  }

  std::future<http::response>
  ask(http::method method,
      const std::string& wanted = "legacy",
      const http::field_list& more = {}) {
    auto made = std::make_shared<asker>();
    gateway::route_request request;
    request.is_trusted_with_traces = true;
    request.asked.method = method;
    request.asked.target.raw = "/invoices/7?token=secret";
    request.asked.fields = {{"x-side", wanted}, {"accept-encoding", "gzip"}};
    request.asked.fields.insert(request.asked.fields.end(), more.begin(), more.end());
    route->handle(std::move(request), http::responder{made});
    return made->answered.get_future();
  }

  /// The spans that there are, the last first.
  std::vector<observe::span> spans() const {
    std::vector<observe::span> found;
    rings.for_each([&](const observe::span_ring& ring) {
      (void)ring.read(0, [&](const observe::span& each) { found.insert(found.begin(), each); });
    });
    return found;
  }

  std::filesystem::path folder;
  std::string path = (folder / "g1.flags").string();
  system_clock time;
  observe::event_log log{time, "g1", observe::log_format::json};
  observe::span_rings rings;
  gateway::request_traces traces{time, rings.add()};
  observe::sampling sampling;
  std::vector<std::string> told_traces; // To the modern side.
  feature_options options;
  canned_server server{
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"a\": 1}"};
  std::promise<wire::answers_differ> told;
  std::unique_ptr<flag_follower> flags;
  std::unique_ptr<feature> billing;
  std::unique_ptr<comparison_desk> desk;
  std::unique_ptr<legacy_client> legacy;
  std::unique_ptr<strangler_route> route;
  std::vector<http::responder> modern; // Answers end before what they are compared at.
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_strangler_strangler_route, route_fixture, *utf::label("integration") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(each_side_answers_what_is_its_own) {
  start();
  BOOST_TEST(ask(http::method::post).get().body == "{\"a\": 1}");
  BOOST_TEST(modern.empty());

  auto other = ask(http::method::post, "modern");
  BOOST_REQUIRE(modern.size() == 1U);
  modern[0].respond(http::with_body(201, "text/plain", "new"));
  BOOST_TEST(other.get().status == 201);
  BOOST_TEST(server.requests(1).size() == 1U);
  BOOST_TEST(billing->counts().legacy == 1U);
  BOOST_TEST(billing->counts().modern == 1U);
}

BOOST_AUTO_TEST_CASE(what_nothing_replaces_yet_is_the_legacys_whatever_is_asked_for) {
  start(false);

  BOOST_TEST(ask(http::method::get, "modern").get().body == "{\"a\": 1}");
}

BOOST_AUTO_TEST_CASE(a_refusal_reaches_neither_side) {
  start();

  BOOST_TEST(ask(http::method::get, "both").get().status == 400);
  BOOST_TEST(modern.empty());
  BOOST_TEST(billing->counts().refused == 1U);
}

// The modern side never answers here: legacy's answer waits for nobody.
BOOST_AUTO_TEST_CASE(legacy_answers_while_the_other_side_is_asked_as_well) {
  start();

  BOOST_TEST(ask(http::method::get).get().body == "{\"a\": 1}");
  BOOST_REQUIRE(modern.size() == 1U);
  modern.clear();
  BOOST_TEST(billing->counts().not_compared == 1U);
}

BOOST_AUTO_TEST_CASE(a_difference_is_told_without_values) {
  start();
  BOOST_TEST(ask(http::method::get).get().status == 200);
  BOOST_REQUIRE(modern.size() == 1U);

  modern[0].respond(http::with_body(200, "application/json", "{\"a\": 2}"));
  modern.clear();

  auto said = told.get_future();
  BOOST_REQUIRE((said.wait_for(std::chrono::seconds{30}) == std::future_status::ready));
  const auto what = said.get();
  BOOST_TEST(what.feature == "billing");
  BOOST_TEST(what.gateway == "g1");
  BOOST_TEST(what.request == "GET /invoices/7");
  BOOST_REQUIRE(what.differences.size() == 1U);
  BOOST_TEST(what.differences[0].at == "/a");
  BOOST_TEST(what.differences[0].what == "another number");
  BOOST_TEST(billing->counts().different == 1U);
}

BOOST_AUTO_TEST_CASE(what_changes_something_is_sent_to_one_side) {
  start();
  for (const auto method :
       {http::method::post, http::method::put, http::method::patch, http::method::erase}) {
    BOOST_TEST(ask(method).get().status == 200);
  }
  BOOST_TEST(modern.empty());
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_in_part_is_not_compared) {
  start();
  for (const char* name : {"range", "if-none-match", "if-modified-since"}) {
    BOOST_TEST(ask(http::method::get, "legacy", {{name, "x"}}).get().status == 200);
  }
  BOOST_TEST(modern.empty());
}

BOOST_AUTO_TEST_CASE(what_is_compared_comes_uncompressed) {
  start();
  BOOST_TEST(ask(http::method::get).get().status == 200);
  BOOST_TEST(ask(http::method::post).get().status == 200);

  const auto asked = server.requests(2);
  BOOST_TEST(asked[0].find("gzip") == std::string::npos);
  BOOST_TEST(asked[1].find("accept-encoding: gzip") != std::string::npos);
}

constexpr std::string_view recorded = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

BOOST_AUTO_TEST_CASE(a_request_to_both_sides_is_one_tree) {
  start();
  const auto answer = ask(http::method::get,
                          "legacy",
                          {{"traceparent", std::string{recorded}}, {"tracestate", "vendor=1"}})
                          .get();
  BOOST_REQUIRE(modern.size() == 1U);
  modern.clear();

  const auto found = spans();
  BOOST_REQUIRE(found.size() == 2U);
  const observe::span& request = found[0];
  const observe::span& question = found[1];
  BOOST_TEST(request.name() == "GET /invoices/{number}");
  BOOST_TEST((request.kind == observe::span_kind::server));
  BOOST_TEST(observe::hex_of(request.trace) == "4bf92f3577b34da6a3ce929d0e0e4736");
  BOOST_TEST(observe::hex_of(request.parent) == "00f067aa0ba902b7");
  BOOST_TEST(request.state() == "vendor=1");
  BOOST_TEST(question.name() == "legacy GET /invoices/{number}");
  BOOST_TEST((question.kind == observe::span_kind::client));
  BOOST_TEST(question.parent == request.id);
  BOOST_TEST(!question.has_failed);
  const auto asked = server.requests(1);
  BOOST_TEST(
      asked[0].find("traceparent: " + observe::trace_text({request.trace, question.id, true}))
      != std::string::npos);
  BOOST_TEST(asked[0].find("tracestate: vendor=1") != std::string::npos);
  BOOST_TEST(asked[0].find("00f067aa0ba902b7") == std::string::npos);
  BOOST_REQUIRE(told_traces.size() == 1U);
  BOOST_TEST(
      told_traces.front() == observe::trace_text({request.trace, request.id, true}) + " vendor=1");
  BOOST_TEST(
      http::find(answer.fields, "Traceresponse").value_or("")
      == observe::trace_text({request.trace, request.id, true}));
}

BOOST_AUTO_TEST_CASE(a_request_that_brings_no_trace_begins_one) {
  sampling = observe::sampling{1};
  start();
  // What is no trace, and a state without one, go no further.
  BOOST_TEST(
      ask(http::method::post, "legacy", {{"traceparent", "mine"}, {"tracestate", "vendor=1"}})
          .get()
          .status
      == 200);

  const auto found = spans();
  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST(found[0].parent == 0U);
  BOOST_TEST(found[1].parent == found[0].id);
  BOOST_TEST((found[1].trace == found[0].trace));
  const auto asked = server.requests(1);
  BOOST_TEST(
      asked[0].find(observe::trace_text({found[0].trace, found[1].id, true})) != std::string::npos);
  BOOST_TEST(asked[0].find("mine") == std::string::npos);
  BOOST_TEST(asked[0].find("vendor") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_trace_that_is_not_recorded_is_passed_on_and_leaves_no_span) {
  start();
  const std::string silent = std::string{recorded.substr(0, 54)} + "0";
  BOOST_TEST(
      ask(http::method::get, "legacy", {{"traceparent", silent}, {"tracestate", "vendor=1"}})
          .get()
          .status
      == 200);
  modern.clear();
  // Without a trace, none is recorded, and none begins.
  BOOST_TEST(ask(http::method::post).get().status == 200);

  BOOST_TEST(spans().empty());
  const auto asked = server.requests(2);
  BOOST_TEST(asked[0].find("traceparent: " + silent) != std::string::npos);
  BOOST_TEST(asked[1].find("traceparent") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_no_legacy_system_answers_has_a_span_in_any_case) {
  options.how.answer_bytes_max = 4; // The answer is larger.
  start();
  const std::string silent = std::string{recorded.substr(0, 54)} + "0";
  BOOST_TEST(ask(http::method::post, "legacy", {{"traceparent", silent}}).get().status == 502);
  BOOST_TEST(ask(http::method::post).get().status == 502);

  const auto found = spans();
  BOOST_REQUIRE(found.size() == 3U); // Without a trace it is the request's alone.
  for (const observe::span& each : found) {
    BOOST_TEST(each.has_failed);
  }
  BOOST_TEST(observe::hex_of(found[1].parent) == "00f067aa0ba902b7");
  BOOST_TEST(found[2].parent == found[1].id);
  BOOST_TEST((found[0].trace != found[1].trace));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
