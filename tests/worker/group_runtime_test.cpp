#include "runtime/worker/group_runtime.hpp"

#include "runtime/wire/batch.hpp"
#include "runtime/wire/envelope.hpp"
#include "tests/worker/process_fixture.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <fstream>
#include <iterator>
#include <mutex>
#include <poll.h>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

/// A group on a real actor system, and the test's thread in place of the socket loop.
struct runtime_fixture {
  runtime_fixture() : parts{time, log, inlet, "n1", uuid{}, ".", 1}, system{configured(config)} {
    options = things_options(folder, 2);
    options.supervision.max_restarts = 2;
    options.supervision.backoff_min = 1ms;
    options.supervision.backoff_max = 2ms;
    options.supervision.cool_down = 200ms;
  }

  static caf::actor_system_config& configured(caf::actor_system_config& config) {
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", 2);
    config.set("logger.verbosity", caf::atom("quiet"));
    return config;
  }

  void begin() {
    type = things_type(seen);
    auto started = group_runtime::start(system, options, type, parts);
    BOOST_REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
    group = std::move(*started);
  }

  uuid send(std::string_view operation, std::string body) {
    item call;
    call.id = ids.next(time.wall());
    call.slot = 0;
    call.deadline = time.now() + 10s;
    call.own_body(std::move(body));
    call.operation = operation;
    const uuid id = call.id;
    group->front().queues().add_call({}) = std::move(call);
    group->front().queues().push_added();
    return id;
  }

  /// Does the socket loop's part until `done`; fails after ten seconds.
  void run_until(const std::function<bool()>& done) {
    const instant limit = time.now() + 10s;
    while (!done()) {
      BOOST_REQUIRE_MESSAGE(time.now() < limit, "nothing happened for ten seconds");
      pollfd waiting{inlet.waker().fd(), POLLIN, 0};
      (void)::poll(&waiting, 1, 2);
      std::vector<outbound> taken;
      inlet.take_all(taken);
      for (const outbound& each : taken) {
        group->front().queues().ended(static_cast<std::int64_t>(each.slots.size()), each.events);
        for (const outbound::frame& frame : each.replies) {
          take(frame.bytes);
        }
      }
      group->tick(time.now());
    }
  }

  void take(const std::string& frame) {
    wire::batch_reader reader{frame};
    wire::envelope_view each;
    while (reader.next(each)) {
      const auto header = wire::scan_header(each.header);
      got& reply = replies[header->id];
      reply = {header->status, std::string{each.body}, {}};
      if (header->status == wire::status::error) {
        reply.why = wire::read_error(header->error).value_or(error{});
      }
    }
  }

  got call(std::string_view operation, const thing& request) {
    const uuid id = send(operation, wire::encoded(request));
    run_until([&] { return replies.contains(id); });
    return replies[id];
  }

  temporary_folder folder;
  system_clock time;
  probe seen;
  uuid_source ids;
  observe::event_log log{time, "n1", observe::log_format::text};
  transport::loop_inlet<outbound> inlet{64};
  worker_parts parts;
  capability_options options;
  actor_type type;
  caf::actor_system_config config;
  caf::actor_system system;
  std::unique_ptr<group_runtime> group;
  std::map<uuid, got> replies;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_group_runtime, runtime_fixture, *utf::label("integration") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(calls_are_answered_and_a_replica_that_threw_comes_back) {
  begin();

  BOOST_TEST(call("put", {"a"}).status == wire::status::ok);
  BOOST_TEST(call("throw", {"x"}).why.code == errc::crashed);
  run_until([&] { return seen.made >= 3; });

  BOOST_TEST(call("put", {"b"}).status == wire::status::ok);
  BOOST_TEST(group->front().queues().calls_in_hand() == 0);
}

// For whoever ends the process, which has to say what it waited for.
BOOST_AUTO_TEST_CASE(handlers_and_effects_that_hang_are_named_with_their_messages) {
  std::mutex gate;
  std::unique_lock closed{gate};
  std::atomic<bool> runs{false};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    runs = true;
    const std::lock_guard waiting{gate};
    return count{};
  };
  begin();
  BOOST_TEST(group->under_way().empty());
  const uuid key = derived_id(send("send", wire::encoded(thing{"a"})), "send");
  run_until([&] { return runs.load(); });
  seen.on_handle = [&](const thing&) { const std::lock_guard waiting{gate}; };

  const uuid hung = send("look", wire::encoded(thing{}));
  run_until([&] { return group->at_hand().in("things") == "the handler of `things.look`"; });

  BOOST_TEST(group->at_hand().message == hung);
  BOOST_TEST(
      group->under_way()
      == "the handler of `things.look` (" + to_string(hung) + "), the effect `send` ("
             + to_string(key) + ") of `things`");
  closed.unlock();
  run_until([&] { return replies.contains(hung); });
}

BOOST_AUTO_TEST_CASE(a_constructor_that_throws_takes_the_group_down_and_it_comes_up_again) {
  seen.make_fails = 1'000'000;
  begin();
  run_until([&] { return group->front().condition().down_until().has_value(); });

  const got refused = call("put", {"a"});
  BOOST_TEST(refused.why.code == errc::unavailable);
  BOOST_TEST((refused.why.retry_after > 0ms));
  BOOST_TEST(group->front().served(time.now()).credit == 0U);
  seen.make_fails = 0;
  run_until([&] { return !group->front().condition().down_until(); });

  BOOST_TEST(call("put", {"a"}).status == wire::status::ok);
  BOOST_TEST(group->front().served(time.now()).credit > 0U);
}

BOOST_AUTO_TEST_CASE(a_group_whose_database_is_damaged_is_shut_and_touches_nothing) {
  const std::string damaged(8'192, 'x');
  std::ofstream{*options.database, std::ios::binary} << damaged;

  begin();
  group->tick(time.now());

  const wire::served said = group->front().served(time.now());
  BOOST_TEST(said.breaker == "down");
  BOOST_TEST(said.credit == 0U);
  BOOST_TEST(said.events == 0U);
  BOOST_TEST(said.retry_after_ms == 0U);
  BOOST_REQUIRE(said.shut.has_value());
  BOOST_TEST(said.shut->find(*options.database) != std::string::npos);
  BOOST_TEST(said.shut->find("restart the worker n1") != std::string::npos);
  BOOST_TEST(group->front().condition().down_reason() == *said.shut);
  BOOST_TEST(!group->front().has_open_store());
  BOOST_TEST(group->replicas().size() == 2U);
  BOOST_TEST(group->replicas().front().state == "down");
  BOOST_TEST(!group->busy_since());
  BOOST_TEST(seen.made == 0);
  std::ifstream kept{*options.database, std::ios::binary};
  BOOST_TEST((std::string{std::istreambuf_iterator<char>{kept}, {}} == damaged));
}

BOOST_AUTO_TEST_CASE(a_group_without_store_has_a_queue_for_each_replica) {
  options.database.reset();
  begin();
  BOOST_TEST(group->front().queues().all().size() == 2U);

  for (int i = 0; i < 20; ++i) {
    BOOST_TEST(call("look", {"a"}).status == wire::status::ok);
  }
}

BOOST_AUTO_TEST_CASE(a_group_ends_with_items_queued_and_replicas_waiting_to_restart) {
  begin();
  for (int i = 0; i < 500; ++i) {
    send(i % 50 == 0 ? "throw" : "put", wire::encoded(thing{std::to_string(i)}));
  }

  group.reset();

  BOOST_TEST(system.registry().running() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
