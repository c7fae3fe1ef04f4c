#include "runtime/broker/server/access_desk.hpp"

#include "runtime/wire/journal_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;
using security::act;

/// The processor's time of this thread.
std::chrono::nanoseconds computed() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds{spent.tv_sec} + std::chrono::nanoseconds{spent.tv_nsec};
}

struct access_desk_fixture {
  access_desk_fixture()
      : tested{
          std::make_shared<security::rules>(
              std::vector<security::holder>{
                  {"g1", {.call = {"orders.place"}, .read = {"order.*"}}, {"g1"}},
                  {"importer", {.publish = {"stock.*"}}, {"importer"}},
                  {"ann", {.call = {"troupe.*"}}, {"ann"}}},
              std::vector<security::holder>{}),
          log} {}

  /// What is missing: "call users.get"; empty if nothing is.
  std::string missing(
      std::string_view who, std::string_view to, std::string_view op, std::string_view body = {}) {
    wire::header_view call;
    call.kind = wire::kind::call;
    call.to = to;
    call.op = op;
    const auto wanted = tested.denied(tested.row_of(who), call, body);
    return wanted ? std::string{security::name_of(wanted->what)} + ' ' + wanted->target : "";
  }

  std::vector<log_event> lines;
  broker_log log{[this](const log_event& each) { lines.push_back(each); }};
  access_desk tested;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_broker_access_desk, access_desk_fixture, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(each_kind_of_call_needs_its_right) {
  BOOST_TEST(missing("g1", "orders", "place") == "");
  BOOST_TEST(missing("g1", "orders", "cancel") == "call orders.cancel");
  BOOST_TEST(missing("importer", "troupe.publish", "stock.low") == "");
  BOOST_TEST(missing("importer", "troupe.publish", "order.paid") == "publish order.paid");
  BOOST_TEST(missing("g1", "troupe.publish", "order.paid") == "publish order.paid");
  BOOST_TEST(missing("g1", "troupe.broker", "status") == "call troupe.broker.status");
  BOOST_TEST(missing("g1", "troupe.broker", "ping") == "");
  BOOST_TEST(missing("", "troupe.broker", "ping") == "");
  BOOST_TEST(missing("", "orders", "place") == "call orders.place");
}

// Probe P14 (runtime/security/README.md): what is for operators.
BOOST_AUTO_TEST_CASE(what_changes_the_system_is_for_operators) {
  for (const std::string_view op :
       {"dead_letters", "retry_dead_letter", "drop_dead_letter", "topics"}) {
    BOOST_TEST(missing("g1", "troupe.events", op) == "call troupe.events." + std::string{op});
    BOOST_TEST(missing("ann", "troupe.events", op) == "");
  }
  BOOST_TEST(
      missing("g1", "troupe.node.n1", "force_breaker") == "call troupe.node.n1.force_breaker");
  BOOST_TEST(missing("ann", "troupe.node.n1", "force_breaker") == "");
  BOOST_TEST(missing("ann", "troupe.publish", "troupe.flags") == "");
  BOOST_TEST(missing("importer", "troupe.publish", "troupe.flags") == "publish troupe.flags");
}

// Probe P8 (runtime/security/README.md): each pattern of a question counts.
BOOST_AUTO_TEST_CASE(a_reader_gets_the_topics_that_are_granted_and_no_others) {
  const auto reading = [&](std::string_view who, std::vector<std::string> patterns) {
    wire::read_events what;
    what.patterns = std::move(patterns);
    return missing(who, "troupe.events", "read", wire::encoded(what));
  };
  BOOST_TEST(reading("g1", {"order.*"}) == "");
  BOOST_TEST(reading("g1", {"order.paid", "order.line.*"}) == "");
  BOOST_TEST(reading("g1", {"order.paid", "*"}) == "read *");
  BOOST_TEST(reading("g1", {"order.paid", "user.*"}) == "read user.*");
  BOOST_TEST(reading("ann", {"order.paid"}) == "read order.paid");
  // Refused by whoever answers it.
  BOOST_TEST(missing("g1", "troupe.events", "read", "\xc1") == "");
}

BOOST_AUTO_TEST_CASE(to_publish_later_needs_the_same_right) {
  wire::schedule_event what;
  what.topic = "stock.low";
  BOOST_TEST(missing("importer", "troupe.events", "schedule", wire::encoded(what)) == "");
  what.topic = "order.paid";
  BOOST_TEST(
      missing("importer", "troupe.events", "schedule", wire::encoded(what))
      == "publish order.paid");
}

BOOST_AUTO_TEST_CASE(refusals_are_counted_and_some_are_told) {
  const auto row = tested.row_of("g1");
  const instant now{};
  const error why = tested.refusal(row, "g1", {act::call, "users.get"}, now);
  for (int i = 0; i < 100; ++i) {
    (void)tested.refusal(row, "g1", {act::call, "users.get"}, now + 10ms);
  }
  (void)tested.refusal(row, "g1", {act::call, "users.get"}, now + 2s);

  BOOST_TEST((why.code == errc::forbidden));
  BOOST_TEST(tested.refused() == 102U);
  BOOST_REQUIRE(lines.size() == 2U);
  BOOST_TEST(lines[0].name == "access_refused");
  const std::vector<std::pair<std::string, std::string>> said{
      {"who", "g1"}, {"act", "call"}, {"what", "users.get"}, {"rule", "g1.call"}, {"refused", "1"}};
  BOOST_TEST((lines[0].fields == said));
  BOOST_TEST(lines[1].fields.back().second == "101");
  BOOST_TEST(log.recent().empty()); // `status` shows what others do not cause at will.
}

// What one name was granted, and an operation that is written alike, give nothing to others.
BOOST_AUTO_TEST_CASE(a_right_that_was_found_is_found_again_and_is_nobody_elses) {
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(missing("g1", "orders", "place") == "");
    BOOST_TEST(missing("ann", "orders", "place") == "call orders.place");
    BOOST_TEST(missing("", "orders", "place") == "call orders.place");
    BOOST_TEST(missing("g1", "order", "splace") == "call order.splace");
    BOOST_TEST(missing("g1", "ordersp", "lace") == "call ordersp.lace");
    BOOST_TEST(missing("g1", "orders", "") == "call orders.");
    BOOST_TEST(missing("g1", "", "") == "call .");
    BOOST_TEST(missing("ann", "troupe.events", "topics") == "");
    BOOST_TEST(missing("ann", "troupe.events", "read", "\xc1") == "");
  }
}

// A question to the journal is judged by its body, however often it was allowed.
BOOST_AUTO_TEST_CASE(what_is_judged_by_its_body_is_judged_each_time) {
  const auto reading = [&](std::string pattern) {
    wire::read_events what;
    what.patterns = {std::move(pattern)};
    return missing("g1", "troupe.events", "read", wire::encoded(what));
  };
  BOOST_TEST(reading("order.paid") == "");
  BOOST_TEST(reading("user.*") == "read user.*");
  BOOST_TEST(missing("importer", "troupe.publish", "stock.low") == "");
  BOOST_TEST(missing("importer", "troupe.publish", "order.paid") == "publish order.paid");
}

BOOST_AUTO_TEST_CASE(the_senders_name_is_written_over_what_he_says) {
  std::string bytes;
  wire::append_call_header(
      bytes,
      {.id = uuid_source{1}.next(wall_time{}), .to = "orders", .op = "place", .source = "ann"});
  wire::header_view header = wire::scan_header(bytes).value();

  const std::string out{tested.name_sender(tested.row_of("g1"), header, bytes)};

  BOOST_TEST(wire::scan_header(out).value().source == "g1");
  BOOST_TEST(header.source == "g1");
}

// The bar is 30 ns for both, which a release build keeps; the test also runs unoptimized.
BOOST_AUTO_TEST_CASE(rules_and_the_senders_name_cost_a_call_little) {
  std::string bytes;
  wire::append_call_header(
      bytes, {.id = uuid_source{1}.next(wall_time{}), .to = "orders", .op = "place", .ttl = 5'000});
  const wire::header_view read = wire::scan_header(bytes).value();
  const auto row = tested.row_of("g1");
  constexpr int rounds = 200'000;
  std::size_t sent = 0;

  const auto start = computed();
  for (int i = 0; i < rounds; ++i) {
    wire::header_view header = read;
    sent += tested.denied(row, header, {}) ? 0U : tested.name_sender(row, header, bytes).size();
  }
  const double each = static_cast<double>((computed() - start).count()) / rounds;

  std::cout << "rules and source of a call: " << each << " ns\n";
  BOOST_TEST(sent == rounds * (bytes.size() + std::string_view{"\xa6source\xa2g1"}.size()));
  BOOST_TEST(each < 1'000);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
