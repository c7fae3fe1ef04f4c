#include "runtime/worker/worker.hpp"

#include "runtime/wire/batch.hpp"
#include "runtime/wire/login.hpp"
#include "tests/saga/driver.hpp"
#include "tests/worker/process_fixture.hpp"

#include <zmq.hpp>

#include <deque>
#include <thread>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

/// A broker of one worker that says what the test wants.
class lone_broker {
public:
  lone_broker() : socket_{context_, zmq::socket_type::router} {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, 5'000);
    socket_.bind("tcp://127.0.0.1:*");
  }

  std::string endpoint() const { return socket_.get(zmq::sockopt::last_endpoint); }

  void say(const std::string& header, const std::string& body) {
    (void)socket_.send(zmq::buffer(worker_), zmq::send_flags::sndmore);
    (void)socket_.send(zmq::buffer(header), zmq::send_flags::sndmore);
    (void)socket_.send(zmq::buffer(body), zmq::send_flags::none);
  }

  /// The operation of the worker's next call; empty if there is none within five seconds.
  std::string next_call() {
    return next(wire::kind::call, [](const auto& header) { return std::string{header.op}; })
        .value_or("");
  }

  /// The trace of the worker's next call.
  std::optional<std::string> next_trace() {
    return next(
        wire::kind::call, [](const auto& header) { return std::string{header.traceparent}; });
  }

  /// Refuses a call of the worker; with the nil id, everything until the worker logs in again.
  void refuse(const uuid& id, const error& why) {
    std::string header;
    wire::append_error_header(header, id, why);
    say(header, {});
  }

  /// The id in the message that came last.
  const uuid& last_id() const { return last_id_; }

  /// The call that the worker refuses next, and the code.
  std::optional<std::pair<uuid, errc>> next_refusal() {
    return next(wire::kind::reply, [](const auto& header) {
      const auto why = wire::read_error(header.error);
      return std::pair{header.id, why ? why->code : errc{}};
    });
  }

  void welcome_worker() {
    BOOST_REQUIRE(hears(wire::kind::hello));
    say_welcome();
  }

  void say_welcome() {
    say_kind(
        wire::kind::welcome,
        wire::encoded(wire::welcome{
            .broker = "b1",
            .incarnation = {},
            .heartbeat_ms = 10'000,
            .timeout_ms = 30'000,
            .body_bytes_max = 1'000'000,
            .journal = true}));
  }

  void say_kind(wire::kind kind, const std::string& body) {
    std::string header;
    wire::append_plain_header(header, kind);
    say(header, body);
  }

  /// Whether a message of that kind comes in time.
  bool hears(wire::kind wanted, milliseconds within = 5s) {
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(within.count()));
    const bool is_heard = next(wanted, [](const auto&) { return true; }).has_value();
    socket_.set(zmq::sockopt::rcvtimeo, 5'000);
    return is_heard;
  }

private:
  /// The result of `look` on the next message of that kind; messages of other kinds are skipped.
  template <class Look>
  auto next(wire::kind wanted, Look look) -> std::optional<decltype(look(wire::header_view{}))> {
    while (!headers_.empty() || read()) {
      const std::string bytes = std::move(headers_.front());
      headers_.pop_front();
      const auto header = wire::scan_header(bytes);
      if (header && header->kind == wanted) {
        last_id_ = header->id;
        return look(*header);
      }
    }
    return std::nullopt;
  }

  bool read() {
    zmq::message_t from;
    zmq::message_t first;
    if (!socket_.recv(from) || !socket_.recv(first)) {
      return false;
    }
    worker_ = from.to_string();
    for (bool more = first.more(); more;) {
      zmq::message_t rest;
      (void)socket_.recv(rest);
      more = rest.more();
    }
    const std::string bytes = first.to_string();
    if (!wire::batch_reader::is_batch(bytes)) {
      headers_.push_back(bytes);
      return true;
    }
    wire::batch_reader envelopes{bytes};
    for (wire::envelope_view each; envelopes.next(each);) {
      headers_.emplace_back(each.header);
    }
    return true;
  }

  zmq::context_t context_{1};
  zmq::socket_t socket_;
  std::string worker_;
  std::deque<std::string> headers_;
  uuid last_id_;
};

struct worker_fixture {
  temporary_folder folder;
  system_clock time;
  observe::event_log log{time, "n1", observe::log_format::text};
  transport::context zmq;
  uuid_source ids{1};
  lone_broker broker;
  probe seen;
  std::mutex gate;                 // Some handlers wait at it.
  std::unique_ptr<registry> types; // Outlives the worker.
  std::unique_ptr<worker> tested;
  std::thread runner;

  void start(actor_type type, int in_flight = 64) {
    worker_options options;
    options.node = "n1";
    options.folder = folder.path;
    options.brokers = {broker.endpoint()};
    options.heartbeat = {10s, 30s};
    capability_options& only = options.capabilities.emplace_back(things_options(folder));
    only.name = only.actor = type.name;
    only.bulkhead.in_flight = in_flight;
    types = std::make_unique<registry>(std::vector<actor_type>{std::move(type)});
    auto made = worker::make(zmq, time, log, *types, std::move(options));
    BOOST_REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    tested = std::move(*made);
    runner = std::thread{[this] { (void)tested->run(); }};
    broker.welcome_worker();
  }

  uuid call(std::string_view to, std::string_view operation, const std::string& body) {
    const uuid id = ids.next(time.wall());
    call(id, to, operation, body);
    return id;
  }

  void call(
      const uuid& id,
      std::string_view to,
      std::string_view operation,
      const std::string& body,
      std::string_view trace = {}) {
    std::string header;
    wire::append_call_header(
        header, {.id = id, .to = to, .op = operation, .ttl = 5'000, .traceparent = trace});
    broker.say(header, body);
  }

  ~worker_fixture() {
    if (runner.joinable()) {
      tested->drain();
      runner.join();
    }
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_worker, worker_fixture, *utf::label("integration") * utf::timeout(240))

// A step that was sent may have been carried out: counted as not done, it would never be undone.
BOOST_AUTO_TEST_CASE(a_step_that_was_sent_and_not_answered_in_time_is_undone) {
  saga::definition order = saga::test::order_saga();
  order.steps[0].deadline = 50ms;
  order.steps[0].retries = 0;
  start(saga_type("sagas", {order}));

  call("sagas", "place", "input");

  BOOST_TEST(broker.next_call() == "reserve");
  BOOST_TEST(broker.next_call() == "release");
}

// Traces are kept in texts, and PostgreSQL takes no NUL in one.
BOOST_AUTO_TEST_CASE(what_cannot_be_a_trace_is_not_kept) {
  start(saga_type("sagas", {saga::test::order_saga()}));

  call(ids.next(time.wall()), "sagas", "place", "input", std::string_view{"00-\0", 4});
  BOOST_TEST(broker.next_trace().value_or("no call") == "");
  call(ids.next(time.wall()), "sagas", "place", "input", "00-other");
  BOOST_TEST(broker.next_trace().value_or("no call") == "00-other");
}

// The refusal is about the second sending; the first may have been carried out.
BOOST_AUTO_TEST_CASE(a_step_that_was_sent_twice_and_refused_blindly_is_undone) {
  saga::definition order = saga::test::order_saga();
  order.steps[0].retries = 0;
  start(saga_type("sagas", {order}));
  call("sagas", "place", "input");
  BOOST_REQUIRE(broker.next_call() == "reserve");

  broker.refuse(uuid{}, {.code = errc::unauthenticated, .message = "say HELLO"});
  broker.welcome_worker();
  BOOST_REQUIRE(broker.next_call() == "reserve");
  broker.refuse(broker.last_id(), {.code = errc::deadline_exceeded, .message = "nobody was free"});

  BOOST_TEST(broker.next_call() == "release");
}

BOOST_AUTO_TEST_CASE(a_saga_that_is_over_as_it_begins_is_known_to_be_over) {
  saga::definition order = saga::test::order_saga();
  order.steps[0].request = [](const saga::facts&) -> outcome<std::string> {
    return failure{rejected("odd", "that cannot be asked for")};
  };
  start(saga_type("sagas", {order}));

  const uuid id = call("sagas", "place", "input");
  const auto first = broker.next_refusal();
  call(id, "sagas", "place", "input");
  const auto again = broker.next_refusal();

  BOOST_REQUIRE((first && again));
  BOOST_TEST(first->first == id);
  BOOST_TEST(first->second == errc::rejected);
  BOOST_TEST((again == first));
}

// HELLO names the call, so that the broker counts on an answer to it.
BOOST_AUTO_TEST_CASE(an_answer_that_is_given_between_hello_and_welcome_leaves_with_welcome) {
  std::unique_lock closed{gate};
  seen.on_handle = [&](const thing&) { const std::lock_guard waiting{gate}; };
  start(things_type(seen));
  const uuid id = call("things", "look", wire::encoded(thing{}));
  broker.refuse(uuid{}, {.code = errc::unauthenticated, .message = "say HELLO"});
  BOOST_REQUIRE(broker.hears(wire::kind::hello));

  closed.unlock();
  BOOST_TEST(!broker.hears(wire::kind::reply, 200ms)); // Nothing leaves before WELCOME.
  broker.say_welcome();

  BOOST_REQUIRE(broker.hears(wire::kind::reply));
  BOOST_TEST(broker.last_id() == id);
}

// A broker that keeps to its credit never gets this far.
BOOST_AUTO_TEST_CASE(a_worker_takes_no_more_than_four_times_its_bulkhead_of_each_broker) {
  const std::unique_lock closed{gate};
  seen.on_handle = [&](const thing&) { const std::lock_guard waiting{gate}; };
  start(things_type(seen), 1);
  for (int i = 1; i <= 4; ++i) {
    call("things", "look", wire::encoded(thing{}));
  }

  const uuid fifth = call("things", "look", wire::encoded(thing{}));

  const auto refused = broker.next_refusal();
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST(refused->first == fifth);
  BOOST_TEST(refused->second == errc::overloaded);
}

BOOST_AUTO_TEST_CASE(a_worker_that_drains_finishes_the_events_it_has) {
  std::unique_lock closed{gate};
  seen.on_handle = [&](const thing&) { const std::lock_guard waiting{gate}; };
  start(things_type(seen));
  wire::assign order{
      .capability = "things", .journal = ids.next(time.wall()), .epoch = 1, .partitions = {}};
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    order.partitions.push_back({i, 0});
  }
  broker.say_kind(wire::kind::assign, wire::encoded(order));
  BOOST_REQUIRE(broker.hears(wire::kind::assigned));
  std::string header;
  wire::append_event_header(
      header,
      {.kind = wire::kind::event,
       .id = ids.next(time.wall()),
       .to = "things",
       .topic = "thing.put",
       .key = "k",
       .seq = 1,
       .time = 1});
  broker.say(header, wire::encoded(thing{"a"}));
  const instant limit = time.now() + 5s;
  while (seen.handled == 0 && time.now() < limit) {
    std::this_thread::yield();
  }

  tested->drain();
  BOOST_TEST(!broker.hears(wire::kind::bye, 100ms));
  closed.unlock();

  BOOST_TEST(broker.hears(wire::kind::handled));
  BOOST_TEST(broker.hears(wire::kind::bye));
}

BOOST_AUTO_TEST_CASE(a_worker_that_drains_finishes_the_effects_it_has_and_answers) {
  std::unique_lock closed{gate};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    const std::lock_guard waiting{gate};
    return count{};
  };
  start(things_type(seen));
  const uuid id = call("things", "send", wire::encoded(thing{"a"}));
  BOOST_REQUIRE(broker.hears(wire::kind::reply)); // Pending.

  tested->drain();
  BOOST_TEST(!broker.hears(wire::kind::bye, 100ms));
  closed.unlock();

  BOOST_TEST(broker.hears(wire::kind::reply));
  BOOST_TEST(broker.last_id() == id);
  BOOST_TEST(broker.hears(wire::kind::bye));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
