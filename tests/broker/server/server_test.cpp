#include "runtime/broker/server/server.hpp"

#include "runtime/clock.hpp"
#include "runtime/contains.hpp"
#include "runtime/store/sqlite/session.hpp"
#include "runtime/store/sqlite/setup.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/description_page.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/status.hpp"
#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>
#include <zmq.hpp>

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace troupe::broker {

namespace utf = boost::unit_test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t plan_digest = 7;

/// A header and body that came in.
struct received {
  wire::header_view header;
  std::string header_bytes;
  std::string body;
};

/// A connection to the broker that sends whatever the test gives it.
class raw_peer {
public:
  raw_peer(zmq::context_t& zmq, const std::string& endpoint)
      : socket_{zmq, zmq::socket_type::dealer} {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.connect(endpoint);
  }

  void say(const std::string& header, const std::string& body = {}) {
    (void)socket_.send(zmq::buffer(header), zmq::send_flags::sndmore);
    (void)socket_.send(zmq::buffer(body), zmq::send_flags::none);
  }

  void say_batched(const std::string& header, const std::string& body = {}) {
    wire::batch_writer out;
    out.append(header, body);
    (void)socket_.send(zmq::buffer(out.frame()), zmq::send_flags::none);
  }

  void say_kind(wire::kind kind, const std::string& body = {}) {
    std::string header;
    wire::append_plain_header(header, kind);
    say(header, body);
  }

  /// The next message of `kind`, passing over others; nothing if none comes within 3 s.
  std::optional<received> next(wire::kind kind) {
    for (;;) {
      while (!queue_.empty()) {
        received first = std::move(queue_.front());
        queue_.erase(queue_.begin());
        first.header = *wire::scan_header(first.header_bytes);
        if (first.header.kind == kind) {
          return first;
        }
      }
      if (!read()) {
        return std::nullopt;
      }
    }
  }

  /// Whether HELLO was answered with WELCOME, and not with a refusal.
  bool is_welcomed() {
    while (!queue_.empty() || read()) {
      const std::string header_bytes = queue_.front().header_bytes;
      queue_.erase(queue_.begin());
      const wire::kind kind = wire::scan_header(header_bytes)->kind;
      if (kind == wire::kind::welcome || kind == wire::kind::reply) {
        return kind == wire::kind::welcome;
      }
    }
    return false;
  }

  /// Whether `one` comes before `other`. All messages up to `other` are taken.
  bool comes_before(wire::kind one, wire::kind other) {
    bool is_seen = false;
    while (!queue_.empty() || read()) {
      const wire::kind kind = wire::scan_header(queue_.front().header_bytes)->kind;
      queue_.erase(queue_.begin());
      if (kind == other) {
        return is_seen;
      }
      is_seen = is_seen || kind == one;
    }
    return is_seen;
  }

  void close() { socket_.close(); }

private:
  bool read() {
    socket_.set(zmq::sockopt::rcvtimeo, 3'000);
    zmq::message_t first;
    if (!socket_.recv(first)) {
      return false;
    }
    const std::string bytes = first.to_string();
    if (wire::batch_reader::is_batch(bytes)) {
      wire::batch_reader envelopes{bytes};
      for (wire::envelope_view each; envelopes.next(each);) {
        queue_.push_back({{}, std::string{each.header}, std::string{each.body}});
      }
      return true;
    }
    zmq::message_t second;
    if (first.more()) {
      (void)socket_.recv(second);
    }
    queue_.push_back({{}, bytes, second.to_string()});
    return true;
  }

  zmq::socket_t socket_;
  std::vector<received> queue_;
};

struct server_fixture {
  server_fixture() : server_fixture{[](server_fixture&) {}} {}

  explicit server_fixture(const std::function<void(server_fixture&)>& prepare) {
    loop = std::move(
        transport::router_loop::bind(
            zmq,
            time,
            {.endpoint = "tcp://127.0.0.1:*", .heartbeat = {}, .body_bytes_max = 64U * 1024U})
            .value());
    server_options options;
    options.name = "b1";
    options.incarnation = incarnation;
    options.body_bytes_max = 4'096;
    options.router.plan_digest = plan_digest;
    options.router.capabilities = {{{"orders"}, 100}, {{"users"}, 100, {{"n2"}}}};
    options.router.nodes = {{"n1"}, {"n2"}};
    options.system = "shop";
    options.described = {{"orders", {}, {.actor = "orders", .operations = {{"place"}}}}};
    tested = std::make_unique<server>(
        *loop,
        options,
        [this](const log_event& each) {
          const std::lock_guard lock{mutex};
          events.push_back(each.name);
        },
        time.now());
    prepare(*this);
    runner = std::thread{[this] { loop->run(*tested); }};
  }

  ~server_fixture() {
    loop->stop();
    if (runner.joinable()) {
      runner.join();
    }
  }

  raw_peer peer() { return {peer_zmq, loop->endpoint()}; }

  wire::hello hello(std::string node) {
    wire::hello said;
    said.role = "worker";
    said.node = std::move(node);
    said.incarnation = ids.next(time.wall());
    said.plan = plan_digest;
    said.batch = true;
    said.pid = 1;
    wire::served& orders = said.serves.emplace_back();
    orders.capability = "orders";
    orders.credit = 4;
    return said;
  }

  raw_peer worker(const std::string& node) {
    raw_peer made = peer();
    made.say_kind(wire::kind::hello, wire::encoded(hello(node)));
    BOOST_REQUIRE(made.next(wire::kind::welcome));
    return made;
  }

  std::string call_header(
      const uuid& id,
      std::string_view to = "orders",
      std::string_view op = "place",
      std::uint32_t ttl = 3'000) {
    std::string header;
    wire::append_call_header(header, {.id = id, .to = to, .op = op, .ttl = ttl});
    return header;
  }

  static std::string ok(const uuid& id) {
    std::string header;
    wire::append_reply_header(header, id, wire::status::ok);
    return header;
  }

  static error error_of(const std::optional<received>& reply) {
    BOOST_REQUIRE(reply);
    BOOST_REQUIRE((reply->header.status == wire::status::error));
    return *wire::read_error(reply->header.error);
  }

  bool has_event(const std::string& name) {
    const std::lock_guard lock{mutex};
    return contains(events, name);
  }

  store::temporary_folder folder;
  system_clock time;
  uuid_source ids;
  const uuid incarnation = ids.next(time.wall());
  transport::context zmq;
  zmq::context_t peer_zmq{1};
  std::unique_ptr<transport::router_loop> loop;
  std::unique_ptr<journal_keeper> keeper; // Of a server that shares its journal.
  std::unique_ptr<server> tested;
  std::mutex mutex;
  std::vector<std::string> events;
  std::thread runner;
};

/// A server that keeps a journal; `orders` subscribes to `order.*`.
struct journal_fixture : server_fixture {
  journal_fixture() : server_fixture{keep_journal} {}

  static void keep_journal(server_fixture& of) {
    journal_state found;
    journal_options how;
    how.path = of.folder.file("journal.db");
    how.sqlite.busy_timeout = 5s;
    auto opened = journal::open(
        how, of.time, [&loop = *of.loop] { loop.wake_up(); }, found);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    event_service_options options;
    options.kept = std::move(*opened);
    options.bus.subscriptions = {{.capability = "orders", .patterns = {"order.*"}}};
    of.tested->keep_journal(of.time, std::move(options), found);
  }

  /// Publishes an event and waits until it is on disk.
  void publish(std::string_view topic) {
    raw_peer client = peer();
    client.say(call_header(ids.next(time.wall()), "troupe.publish", topic), "body");
    const auto reply = client.next(wire::kind::reply);
    BOOST_REQUIRE(reply);
    BOOST_REQUIRE((reply->header.status == wire::status::ok));
  }

  /// Waits until the broker has read everything that `by` sent before.
  static void ping(raw_peer& by) {
    by.say_kind(wire::kind::ping);
    BOOST_REQUIRE(by.next(wire::kind::pong));
  }

  /// Answers ASSIGN: the worker's database begins where the broker believes.
  static void confirm(raw_peer& by, const wire::assign& given) {
    wire::assigned answer{given.capability, given.epoch, {}, {}};
    for (const wire::progress& each : given.partitions) {
      answer.partitions.push_back({each.partition, each.position, {}});
    }
    by.say_kind(wire::kind::assigned, wire::encoded(answer));
  }
};

/// A server that shares its journal; the test plays the other brokers.
struct shared_fixture : server_fixture {
  static constexpr lease_dialect dialect{
      .clock = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
      .is_attended = "1",
      .mark = {}};

  shared_fixture() : server_fixture{share_journal} {}

  static void share_journal(server_fixture& of) {
    shared_journal place;
    place.connect = [path = of.folder.file("journal.db")] {
      return store::open_sqlite(path, {.capability = "troupe.journal", .busy_timeout = 5s});
    };
    place.dialect = &dialect;
    place.lease = 30s;
    place.owner = of.incarnation;
    place.name = "b1";
    place.endpoint = of.loop->endpoint();
    const auto wake = [&loop = *of.loop] { loop.wake_up(); };
    const auto open = [place, wake, &of](const lease_seen& seen) -> outcome<opened_journal> {
      journal_options how;
      how.shared = place;
      how.shared->seen = seen;
      opened_journal made;
      TROUPE_TRY(made.events.kept, journal::open(how, of.time, wake, made.state));
      made.events.bus.subscriptions = {{.capability = "orders", .patterns = {"order.*"}}};
      return made;
    };
    of.keeper =
        std::make_unique<journal_keeper>(journal_keeper::options{place, open, wake, 5ms}, of.time);
    BOOST_REQUIRE(of.keeper->prepare());
    of.tested->share_journal(*of.keeper, of.time);
  }

  /// Another broker takes the journal over.
  void take_over() {
    auto aside =
        store::open_sqlite(folder.file("journal.db"), {.capability = "troupe.journal"}).value();
    aside->execute(
        "UPDATE journal SET generation = generation + 1, owner = $1, owner_name = 'b9', "
        "owner_at = 'tcp://b9'",
        ids.next(time.wall()));
  }

  /// The next WELCOME in the middle of a login.
  static wire::welcome news_of(raw_peer& peer) {
    const auto told = peer.next(wire::kind::welcome);
    BOOST_REQUIRE(told);
    return *wire::checked_decode<wire::welcome>(told->body);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_server, *utf::label("integration") * utf::timeout(240))

BOOST_FIXTURE_TEST_CASE(peers_that_are_logged_in_hear_where_the_journal_is, shared_fixture) {
  raw_peer n1 = peer();
  wire::hello who = hello("n1");
  who.serves.front().events = 8;
  n1.say_kind(wire::kind::hello, wire::encoded(who));
  BOOST_REQUIRE(n1.next(wire::kind::welcome));
  raw_peer client = peer();
  const auto publish = [&] {
    const uuid id = ids.next(time.wall());
    client.say(call_header(id, "troupe.publish", "order.made"), "body");
    return client.next(wire::kind::reply);
  };
  const error nobody = error_of(publish());
  BOOST_TEST((nobody.code == errc::unavailable));
  BOOST_TEST(nobody.detail("reason") == wire::journal_elsewhere);
  BOOST_TEST(nobody.detail("endpoint").empty());
  BOOST_TEST(nobody.retry_after.has_value());

  keeper->start();
  wire::welcome told = news_of(n1);
  BOOST_TEST(told.journal);
  BOOST_TEST(told.journal_generation.value() == 1);
  BOOST_TEST(n1.next(wire::kind::assign).has_value()); // Its HELLO came before the journal.
  BOOST_TEST((publish()->header.status == wire::status::ok));

  take_over();
  do {
    told = news_of(n1);
  } while (told.journal_generation.value() < 2);
  BOOST_TEST(!told.journal);
  const error elsewhere = error_of(publish());
  BOOST_TEST(elsewhere.detail("broker") == "b9");
  BOOST_TEST(elsewhere.detail("endpoint") == "tcp://b9");
  // What the worker had sent by then ends no login.
  n1.say_kind(wire::kind::handled, wire::encoded(wire::handled{}));
  n1.say_kind(wire::kind::ping);
  BOOST_TEST(!n1.comes_before(wire::kind::reply, wire::kind::pong));
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_a_journal_that_is_given_up_is_told, shared_fixture) {
  raw_peer n1 = worker("n1");
  keeper->start();
  while (!news_of(n1).journal) {
  }
  raw_peer client = peer();
  const uuid id = ids.next(time.wall());
  wire::read_events wanted;
  wanted.patterns = {"order.*"};
  wanted.wait_ms = 3'000;
  client.say(call_header(id, "troupe.events", "read"), wire::encoded(wanted));
  client.say_kind(wire::kind::ping);
  BOOST_REQUIRE(client.next(wire::kind::pong));

  take_over();

  const error why = error_of(client.next(wire::kind::reply));
  BOOST_TEST((why.code == errc::unavailable));
  BOOST_TEST(why.detail("reason") == wire::journal_elsewhere);
  BOOST_TEST(has_event("journal_taken"));
  BOOST_TEST(has_event("journal_given_up"));
}

BOOST_FIXTURE_TEST_CASE(a_call_goes_from_a_plain_client_to_a_worker_and_back, server_fixture) {
  raw_peer n1 = worker("n1");
  raw_peer client = peer();
  const uuid id = ids.next(time.wall());

  client.say(call_header(id), "\x2a");
  const auto delivered = n1.next(wire::kind::call);
  BOOST_REQUIRE(delivered);
  BOOST_TEST((delivered->header.id == id));
  BOOST_TEST(delivered->header.ttl <= 3'000U);
  n1.say_batched(ok(id), "\x2b");

  const auto reply = client.next(wire::kind::reply);
  BOOST_REQUIRE(reply);
  BOOST_TEST((reply->header.id == id));
  BOOST_TEST(reply->body == "\x2b");
}

BOOST_FIXTURE_TEST_CASE(a_client_that_logs_in_may_batch_and_is_pinged, server_fixture) {
  raw_peer n1 = worker("n1");
  raw_peer client = peer();
  wire::hello said = hello("gateway");
  said.role = "client";
  said.plan = 0;
  said.serves.clear();
  client.say_kind(wire::kind::hello, wire::encoded(said));
  BOOST_REQUIRE(client.next(wire::kind::welcome));
  const uuid id = ids.next(time.wall());

  client.say_batched(call_header(id));
  BOOST_REQUIRE(n1.next(wire::kind::call));
  n1.say_batched(ok(id));

  BOOST_REQUIRE(client.next(wire::kind::reply));
  BOOST_TEST(client.next(wire::kind::ping).has_value());
}

// One node speaks for no capability of another: neither for its calls nor for its database.
BOOST_FIXTURE_TEST_CASE(a_worker_serves_what_the_topology_places_on_its_node, journal_fixture) {
  wire::hello said = hello("n1");
  said.serves.push_back({.capability = "users", .credit = 4});
  raw_peer liar = peer();
  liar.say_kind(wire::kind::hello, wire::encoded(said));
  const error refused = error_of(liar.next(wire::kind::reply));
  BOOST_TEST((refused.code == errc::forbidden));
  BOOST_TEST(refused.message.find("`users`") != std::string::npos);

  raw_peer n1 = worker("n1");
  raw_peer n2 = peer();
  said = hello("n2");
  said.serves.push_back({.capability = "users", .credit = 4});
  n2.say_kind(wire::kind::hello, wire::encoded(said));
  BOOST_TEST(n2.is_welcomed());
  const uuid database = ids.next(time.wall());
  n1.say_kind(wire::kind::state, wire::encoded(wire::state{false, said.serves}));
  n1.say_kind(wire::kind::outbox, wire::encoded(wire::outbox_state{"users", database, 0, {}}));
  n1.say_kind(wire::kind::outbox, wire::encoded(wire::outbox_state{"nobody", database, 0, {}}));
  n2.say_kind(wire::kind::outbox, wire::encoded(wire::outbox_state{"users", database, 0, {}}));
  BOOST_TEST(n2.next(wire::kind::confirmed).has_value());
  ping(n1);
  BOOST_TEST(has_event("worker_misspoke"));

  raw_peer client = peer();
  for (int i = 0; i < 6; ++i) { // More than its credit of n1, if it had any.
    const uuid id = ids.next(time.wall());
    client.say(call_header(id, "users"));
    const auto delivered = n2.next(wire::kind::call);
    BOOST_REQUIRE(delivered);
    BOOST_TEST((delivered->header.id == id));
    n2.say_batched(ok(id));
    BOOST_REQUIRE(client.next(wire::kind::reply));
  }
}

BOOST_FIXTURE_TEST_CASE(a_killed_workers_calls_go_to_another_within_200_ms, server_fixture) {
  raw_peer client = peer();
  const uuid id = ids.next(time.wall());
  raw_peer n1 = worker("n1");
  client.say(call_header(id));
  BOOST_REQUIRE(n1.next(wire::kind::call));
  raw_peer n2 = worker("n2");

  const instant killed = time.now();
  n1.close();

  BOOST_REQUIRE(n2.next(wire::kind::call));
  BOOST_TEST((time.now() - killed < 200ms));
  n2.say_batched(ok(id));
  BOOST_TEST(client.next(wire::kind::reply).has_value());
  BOOST_TEST(has_event("worker_lost"));
}

// A worker that sends one gets its credit back, and its caller need not wait for the deadline.
BOOST_FIXTURE_TEST_CASE(an_answer_over_the_limit_ends_its_call_in_words, server_fixture) {
  raw_peer client = peer();
  raw_peer n1 = worker("n1");
  for (int n = 0; n < 5; ++n) { // More than it has credit for.
    const uuid id = ids.next(time.wall());
    client.say(call_header(id));
    BOOST_REQUIRE(n1.next(wire::kind::call));
    n1.say_batched(ok(id), std::string(5'000, 'x'));

    const error why = error_of(client.next(wire::kind::reply));
    BOOST_TEST((why.code == errc::internal));
    BOOST_TEST((why.possible == effect::unknown));
    BOOST_TEST(why.message.find("5000") != std::string::npos);
  }
}

BOOST_FIXTURE_TEST_CASE(an_answer_to_who_has_left_is_counted, server_fixture) {
  raw_peer n1 = worker("n1");
  raw_peer client = peer();
  const uuid id = ids.next(time.wall());
  client.say(call_header(id));
  BOOST_REQUIRE(n1.next(wire::kind::call));
  client.close();
  raw_peer other = peer();
  const auto undeliverable = [&] {
    other.say(call_header(ids.next(time.wall()), "troupe.broker", "status"));
    const auto status = other.next(wire::kind::reply);
    BOOST_REQUIRE(status);
    return wire::checked_decode<wire::broker_status>(status->body)->counters.undeliverable;
  };

  // The connection may end after the answer: each is another try.
  for (int tries = 0; undeliverable() == 0 && tries < 1'000; ++tries) {
    n1.say_batched(ok(id));
    raw_peer next = peer();
    const uuid again = ids.next(time.wall());
    next.say(call_header(again));
    BOOST_REQUIRE(n1.next(wire::kind::call));
    next.close();
    n1.say_batched(ok(again));
  }

  BOOST_TEST(undeliverable() > 0U);
}

// HELLO is no body in the sense of `limits.body`, which holds for calls and answers.
BOOST_FIXTURE_TEST_CASE(a_worker_may_bring_more_along_than_a_call, server_fixture) {
  wire::hello said = hello("n1");
  said.in_flight.assign(1'000, ids.next(time.wall()));
  raw_peer n1 = peer();

  n1.say_kind(wire::kind::hello, wire::encoded(said));

  BOOST_TEST(n1.is_welcomed());
}

BOOST_FIXTURE_TEST_CASE(who_has_no_login_is_told_to_say_hello, server_fixture) {
  raw_peer stranger = peer();

  stranger.say_batched(call_header(ids.next(time.wall())));
  const auto refused = stranger.next(wire::kind::reply);
  BOOST_TEST((error_of(refused).code == errc::unauthenticated));
  BOOST_TEST((refused->header.id == uuid{}));
  stranger.say_kind(wire::kind::state, wire::encoded(wire::state{}));
  BOOST_TEST((error_of(stranger.next(wire::kind::reply)).code == errc::unauthenticated));
  stranger.say(ok(ids.next(time.wall())));
  BOOST_TEST((error_of(stranger.next(wire::kind::reply)).code == errc::unauthenticated));
}

BOOST_FIXTURE_TEST_CASE(refused_logins_are_answered_to_the_incarnation, server_fixture) {
  raw_peer first = worker("n1");
  raw_peer second = peer();
  const wire::hello said = hello("n1");

  second.say_kind(wire::kind::hello, wire::encoded(said));

  const auto refused = second.next(wire::kind::reply);
  BOOST_TEST((error_of(refused).code == errc::conflict));
  BOOST_TEST((refused->header.id == said.incarnation));
  BOOST_TEST(has_event("login_refused"));
}

// The first process has just died, and the broker has not noticed yet.
BOOST_FIXTURE_TEST_CASE(a_restarted_worker_need_not_wait, server_fixture) {
  raw_peer first = worker("n1");
  first.close();
  bool is_in = false;
  const instant until = time.now() + 2s;

  while (!is_in && time.now() < until) {
    raw_peer second = peer();
    second.say_kind(wire::kind::hello, wire::encoded(hello("n1")));
    is_in = second.is_welcomed();
  }

  BOOST_TEST(is_in);
}

BOOST_FIXTURE_TEST_CASE(malformed_messages_are_answered_to_their_id, server_fixture) {
  raw_peer client = peer();
  const uuid id = ids.next(time.wall());

  std::string without_op = call_header(id);
  without_op.replace(without_op.rfind("\xa2op") + 1, 2, "xx"); // Not in the id.
  client.say(without_op);
  const auto refused = client.next(wire::kind::reply);
  BOOST_TEST((error_of(refused).code == errc::invalid));
  BOOST_TEST((refused->header.id == id));

  client.say(call_header(id), std::string(5'000, 'x'));
  BOOST_TEST((error_of(client.next(wire::kind::reply)).code == errc::invalid));
  client.say("garbage", "garbage");
  BOOST_TEST((error_of(client.next(wire::kind::reply)).code == errc::invalid));
  client.say_kind(wire::kind::hello, "garbage");
  BOOST_TEST((error_of(client.next(wire::kind::reply)).code == errc::invalid));
}

BOOST_FIXTURE_TEST_CASE(the_broker_says_how_it_is, server_fixture) {
  raw_peer n1 = worker("n1");
  raw_peer client = peer();

  client.say(call_header(ids.next(time.wall()), "troupe.broker", "status"));
  const auto status = client.next(wire::kind::reply);
  BOOST_REQUIRE(status);
  const auto said = wire::checked_decode<wire::broker_status>(status->body);
  BOOST_REQUIRE_MESSAGE(said, (said ? "" : said.error().message));
  BOOST_TEST(said->broker == "b1");
  BOOST_TEST(!said->draining);
  BOOST_REQUIRE(said->nodes.size() == 2U);
  BOOST_TEST(said->nodes[0].name == "n1");
  BOOST_REQUIRE(said->nodes[0].capabilities);
  BOOST_TEST(said->nodes[0].capabilities->at(0).credit == 4U);
  BOOST_TEST(!said->nodes[1].live);
  BOOST_TEST(said->counters.workers_joined == 1U);
  BOOST_REQUIRE(!said->events.empty());
  BOOST_TEST(said->events[0].name == "worker_joined");
  BOOST_TEST(!said->capabilities.at(0).waiting_for_workers);
  // A node that is away has no further keys, not even empty ones.
  BOOST_TEST(
      wire::to_json(status->body)->find(R"({"name":"n2","live":false})") != std::string::npos);

  client.say(call_header(ids.next(time.wall()), "troupe.broker", "nonsense"));
  BOOST_TEST((error_of(client.next(wire::kind::reply)).code == errc::unknown_operation));
}

BOOST_FIXTURE_TEST_CASE(the_broker_says_what_there_is_to_call_and_to_hear, server_fixture) {
  raw_peer client = peer();
  const auto ask = [&](std::string_view body) {
    client.say(call_header(ids.next(time.wall()), "troupe.broker", "describe"), std::string{body});
    return client.next(wire::kind::reply);
  };

  const auto said = ask("");
  BOOST_REQUIRE(said);
  const auto all = wire::checked_decode<wire::system_description>(said->body);
  BOOST_REQUIRE_MESSAGE(all, (all ? "" : all.error().message));
  BOOST_TEST(all->system == "shop");
  BOOST_REQUIRE(all->capabilities.size() == 1U);
  BOOST_TEST(all->capabilities[0].capability == "orders");
  BOOST_TEST(all->capabilities[0].type.operations.at(0).name == "place");
  BOOST_TEST(!all->next);

  const auto unknown = error_of(ask(wire::encoded(wire::describe_node{.capability = "oders"})));
  BOOST_TEST((unknown.code == errc::unknown_capability));
  BOOST_TEST(unknown.message.find("did you mean `orders`?") != std::string::npos);
  BOOST_TEST((error_of(ask("garbage")).code == errc::invalid));
}

BOOST_FIXTURE_TEST_CASE(a_drain_ends_what_is_under_way_and_says_bye, server_fixture) {
  raw_peer n1 = worker("n1");
  raw_peer client = peer();
  const uuid id = ids.next(time.wall());
  client.say(call_header(id));
  BOOST_REQUIRE(n1.next(wire::kind::call));

  tested->request_drain();
  // The refusal of another call shows that the drain has begun.
  for (std::optional<received> refused; !refused;) {
    raw_peer other = peer();
    other.say(call_header(ids.next(time.wall()), "orders", "place", 1));
    refused = other.next(wire::kind::reply);
    if (error_of(refused).code != errc::unavailable) {
      refused.reset();
    }
  }
  n1.say_batched(ok(id));

  BOOST_TEST(client.next(wire::kind::reply).has_value());
  BOOST_TEST(n1.next(wire::kind::bye).has_value());
  runner.join();
}

BOOST_FIXTURE_TEST_CASE(a_worker_that_drains_gets_no_events_until_it_takes_them, journal_fixture) {
  wire::hello said = hello("n1");
  said.serves[0].events = 10;
  raw_peer n1 = peer();
  n1.say_kind(wire::kind::hello, wire::encoded(said));
  const auto given = n1.next(wire::kind::assign);
  BOOST_REQUIRE(given);
  confirm(n1, *wire::checked_decode<wire::assign>(given->body));
  publish("order.created");
  BOOST_REQUIRE(n1.next(wire::kind::event));

  n1.say_kind(
      wire::kind::state, wire::encoded(wire::state{.draining = true, .serves = said.serves}));
  ping(n1);
  publish("order.created");
  n1.say_kind(wire::kind::ping);

  // An event would have been sent before the answer.
  BOOST_TEST(!n1.comes_before(wire::kind::event, wire::kind::pong));
  n1.say_kind(wire::kind::state, wire::encoded(wire::state{.serves = said.serves}));
  const auto second = n1.next(wire::kind::event);
  BOOST_REQUIRE(second);
  BOOST_TEST(second->header.seq == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_drain_waits_until_what_was_published_is_on_disk, journal_fixture) {
  // Without the turnstile, as a shell would.
  store::sqlite_session stranger{folder.file("journal.db"), {.capability = "troupe.journal"}};
  store::set_up(stranger);
  stranger.begin();
  raw_peer client = peer();
  client.say(call_header(ids.next(time.wall()), "troupe.publish", "order.created"), "body");
  ping(client);

  tested->request_drain();
  const instant until = time.now() + 3s;
  while (!has_event("draining") && time.now() < until) {
    std::this_thread::yield();
  }
  stranger.rollback();

  const auto reply = client.next(wire::kind::reply);
  BOOST_REQUIRE(reply);
  BOOST_TEST((reply->header.status == wire::status::ok));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
