#include "runtime/wire/batch.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/wire/node_calls.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

call_header golden_call() {
  return {
      .id = call_id(),
      .to = "orders",
      .op = "place",
      .key = "customer-7",
      .ttl = 5000,
      .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      .source = "n1"};
}

error golden_error() {
  return {
      .code = errc::overloaded,
      .message = "the lane is full",
      .retry_after = milliseconds{250},
      .details = {{"lane", "orders"}}};
}

hello golden_hello() {
  return {
      .role = "worker",
      .node = "n1",
      .incarnation = node_incarnation(),
      .plan = 0x0123456789abcdef,
      .batch = true,
      .pid = 4242,
      .serves =
          {{.capability = "orders", .credit = 64, .inbox = true, .replicas = 2, .events = 1024},
           {.capability = "stock",
            .credit = 0,
            .inbox = false,
            .replicas = 1,
            .breaker = "open",
            .retry_after_ms = 300,
            .forced = "forced open by ann: moving disks"},
           {.capability = "notes",
            .credit = 0,
            .inbox = true,
            .replicas = 2,
            .breaker = "down",
            .shut = "notes.db is damaged"}},
      .in_flight = {call_id()},
      .held = std::vector{held_call{call_id(), "orders", 0xfedcba9876543210}},
      .shared_plan = 0x1122334455667788,
      .token = "head.claims.signature"};
}

/// Everything that reads what came from outside, over bytes of any kind: it must come back.
void read_every_way(std::string_view bytes) {
  header_view partial;
  const auto scanned = scan_header(bytes, &partial);
  if (scanned && !scanned->error.empty()) {
    (void)read_error(scanned->error);
  }
  (void)read_error(bytes);
  (void)checked_decode<hello>(bytes);
  (void)checked_decode<roster>(bytes);
  (void)checked_decode<force_breaker>(bytes);
  (void)to_json(bytes);
  if (batch_reader::is_batch(bytes)) {
    batch_reader envelopes{bytes};
    for (envelope_view envelope; envelopes.next(envelope);) {
      (void)scan_header(envelope.header);
      (void)check(envelope.body);
    }
  }
}

constexpr const char* headers[] = {
    "call_header",
    "call_header_least",
    "reply_ok_header",
    "reply_pending_header",
    "reply_error_header",
    "hello_header",
    "event_header",
    "relay_header"};
constexpr const char* bodies[] = {
    "hello_body",
    "welcome_body",
    "state_body",
    "pong_body",
    "roster_body",
    "assign_body",
    "assigned_body",
    "handled_body",
    "force_breaker_body",
    "breaker_report_body"};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_golden, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(headers_are_written_as_another_implementation_writes_them) {
  std::string call;
  std::string least;
  std::string ok;
  std::string pending;
  std::string failed;
  std::string hello;

  append_call_header(call, golden_call());
  append_call_header(least, {.id = call_id(), .to = "orders", .op = "place", .ttl = 5000});
  append_reply_header(ok, call_id(), status::ok);
  append_reply_header(pending, call_id(), status::pending);
  append_error_header(failed, call_id(), golden_error());
  append_plain_header(hello, kind::hello);

  BOOST_TEST(to_hex(call) == to_hex(golden("call_header")));
  BOOST_TEST(to_hex(least) == to_hex(golden("call_header_least")));
  BOOST_TEST(to_hex(ok) == to_hex(golden("reply_ok_header")));
  BOOST_TEST(to_hex(pending) == to_hex(golden("reply_pending_header")));
  BOOST_TEST(to_hex(failed) == to_hex(golden("reply_error_header")));
  BOOST_TEST(to_hex(hello) == to_hex(golden("hello_header")));
}

BOOST_AUTO_TEST_CASE(bodies_are_written_as_another_implementation_writes_them) {
  const welcome greeting{
      .broker = "b1",
      .incarnation = broker_incarnation(),
      .heartbeat_ms = 200,
      .timeout_ms = 800,
      .body_bytes_max = 1048576,
      .journal = true};
  const state changed{
      .draining = true,
      .serves = {{.capability = "orders", .credit = 0, .inbox = true, .replicas = 2}}};
  const roster alive{.workers = {{.node = "n1", .incarnation = node_incarnation()}}};

  BOOST_TEST(to_hex(encoded(golden_hello())) == to_hex(golden("hello_body")));
  BOOST_TEST(to_hex(encoded(greeting)) == to_hex(golden("welcome_body")));
  BOOST_TEST(to_hex(encoded(changed)) == to_hex(golden("state_body")));
  BOOST_TEST(
      to_hex(encoded(pong{.finished = 70000, .busy_ms = 12})) == to_hex(golden("pong_body")));
  BOOST_TEST(to_hex(encoded(alive)) == to_hex(golden("roster_body")));
}

BOOST_AUTO_TEST_CASE(what_is_said_of_events_is_written_as_another_implementation_writes_it) {
  const postponed given_up{
      .position = 899,
      .attempts = 3,
      .dead = true,
      .cause = "rejected",
      .error = "no such article",
      .replica = 2};
  const std::uint64_t epoch = (std::uint64_t{1} << 32U) | 7U;
  std::string delivered;
  std::string relayed;

  append_event_header(
      delivered,
      {.kind = kind::event,
       .id = call_id(),
       .to = "stock",
       .topic = "order.created",
       .key = "customer-7",
       .source = "orders",
       .seq = 70000,
       .time = 1700000000123});
  append_event_header(
      relayed,
      {.kind = kind::relay,
       .id = call_id(),
       .to = "orders",
       .topic = "order.created",
       .key = "customer-7",
       .seq = 12});

  BOOST_TEST(to_hex(delivered) == to_hex(golden("event_header")));
  BOOST_TEST(to_hex(relayed) == to_hex(golden("relay_header")));
  BOOST_TEST(
      to_hex(encoded(assign{
          .capability = "stock",
          .journal = broker_incarnation(),
          .epoch = epoch,
          .partitions = {{0, 0}, {63, 900}},
          .remembered = std::vector<remembered_partition>{{63, 901, {{given_up, "customer-7"}}}}}))
      == to_hex(golden("assign_body")));
  BOOST_TEST(
      to_hex(encoded(assigned{"stock", epoch, {{63, 901, {given_up}}}, ""}))
      == to_hex(golden("assigned_body")));
  BOOST_TEST(
      to_hex(encoded(handled{"stock", {{63, 950}}, {given_up}, {880, 881}}))
      == to_hex(golden("handled_body")));
}

BOOST_AUTO_TEST_CASE(what_is_said_of_breakers_is_written_as_another_implementation_writes_it) {
  const force_breaker order{
      .capability = "stock",
      .mode = "open",
      .who = "ann",
      .why = "moving disks",
      .request = call_id(),
      .only_here = true};
  const breaker_report report{
      .capability = "stock",
      .node = "n1",
      .state = "forced_open",
      .durable = true,
      .order = breaker_order{"open", "ann", "moving disks", call_id(), 1700000000123}};

  BOOST_TEST(to_hex(encoded(order)) == to_hex(golden("force_breaker_body")));
  BOOST_TEST(to_hex(encoded(report)) == to_hex(golden("breaker_report_body")));
}

BOOST_AUTO_TEST_CASE(a_delivered_event_is_read_back) {
  const std::string bytes = golden("event_header");
  const auto read = scan_header(bytes);

  BOOST_REQUIRE(read.has_value());
  BOOST_TEST((read->kind == kind::event));
  BOOST_TEST(read->to == "stock");
  BOOST_TEST(read->op == "order.created");
  BOOST_TEST(read->seq == 70000U);
  BOOST_TEST(read->time == 1700000000123U);
  BOOST_TEST(read->key == "customer-7");
  BOOST_TEST(read->source == "orders");
}

BOOST_AUTO_TEST_CASE(a_batch_frame_is_written_as_another_implementation_writes_it) {
  std::string call;
  std::string ok;
  append_call_header(call, golden_call());
  append_reply_header(ok, call_id(), status::ok);
  batch_writer batch;

  batch.append(call, *from_json(R"({"count":2,"sku":"tea"})"));
  batch.append(ok, *from_json(R"({"order":7})"));
  batch.append(ok, "");

  BOOST_TEST(to_hex(batch.frame()) == to_hex(golden("batch_frame")));
}

BOOST_AUTO_TEST_CASE(a_golden_hello_is_read_back) {
  const auto read = checked_decode<hello>(golden("hello_body"));

  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->role == "worker");
  BOOST_TEST(read->plan == 0x0123456789abcdefU);
  BOOST_TEST(read->batch);
  BOOST_REQUIRE(read->serves.size() == 3U);
  BOOST_TEST(read->serves[1].breaker == "open");
  BOOST_TEST(read->serves[1].retry_after_ms == 300U);
  BOOST_TEST(!read->serves[1].shut.has_value());
  BOOST_TEST(read->serves[2].shut.value_or("") == "notes.db is damaged");
  BOOST_TEST(!read->serves[0].forced.has_value());
  BOOST_TEST(read->serves[1].forced.value_or("") == "forced open by ann: moving disks");
  BOOST_TEST((read->in_flight == std::vector{call_id()}));
  BOOST_TEST(read->token.value_or("") == "head.claims.signature");
}

BOOST_AUTO_TEST_CASE(no_prefix_of_a_golden_file_is_taken_for_the_whole) {
  for (const char* name : headers) {
    each_prefix(golden(name), [](std::string_view bytes) {
      BOOST_TEST(!scan_header(bytes).has_value());
      read_every_way(bytes);
    });
  }
  for (const char* name : bodies) {
    each_prefix(golden(name), [](std::string_view bytes) {
      BOOST_TEST(!check(bytes).has_value());
      read_every_way(bytes);
    });
  }
}

BOOST_AUTO_TEST_CASE(any_byte_of_a_golden_file_may_be_another) {
  for (const char* name : headers) {
    each_flip(golden(name), read_every_way);
  }
  for (const char* name : bodies) {
    each_flip(golden(name), read_every_way);
  }
  each_flip(golden("batch_frame"), read_every_way);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire
