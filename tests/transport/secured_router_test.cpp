#include "runtime/transport/curve_keys.hpp"
#include "runtime/transport/router_loop.hpp"
#include "runtime/transport/stranger.hpp"
#include "runtime/transport/zap_server.hpp"
#include "tests/transport/router_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

namespace troupe::transport {

namespace utf = boost::unit_test;

namespace {

using frames = router_fixture::frames;

/// A loop with a key, which knows those of `a` and `b`.
struct secured_fixture {
  secured_fixture() {
    auto started = zap_server::start(
        broker_zmq,
        [this](const curve_public_key& key) {
          if (owner_fails) {
            throw std::runtime_error{"no folder"};
          }
          std::string owner = owner_of(key);
          if (!is_asked.exchange(true)) {
            asked.set_value();
          }
          return owner;
        },
        [this](const std::string&, const std::string&) { ++refusals; });
    BOOST_REQUIRE(started);
    zap = std::move(*started);
    auto bound = router_loop::bind(
        broker_zmq,
        time,
        {.endpoint = "tcp://127.0.0.1:*",
         .open_endpoint = "tcp://127.0.0.1:*",
         .key = own.secret_key,
         .is_valid_key = [this](const auto& key) { return !owner_of(key).empty(); },
         .heartbeat = {},
         .body_bytes_max = 64U * 1024U});
    BOOST_REQUIRE(bound);
    loop = std::move(*bound);
    handler.loop = loop.get();
    runner = std::thread{[this] { loop->run(handler); }};
  }

  ~secured_fixture() {
    loop->stop();
    runner.join();
  }

  secured_fixture(const secured_fixture&) = delete;
  secured_fixture& operator=(const secured_fixture&) = delete;

  /// A DEALER with these keys, or with none.
  zmq::socket_t
  connect(const std::optional<curve_link_keys>& keys, std::string_view routing_id = {}) {
    zmq::socket_t socket{peer_zmq, zmq::socket_type::dealer};
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::reconnect_ivl, 10);
    if (!routing_id.empty()) {
      socket.set(zmq::sockopt::routing_id, routing_id);
    }
    if (keys) {
      socket.set(zmq::sockopt::curve_serverkey, to_z85(keys->broker));
      socket.set(zmq::sockopt::curve_publickey, to_z85(keys->own.public_key));
      socket.set(zmq::sockopt::curve_secretkey, to_z85(keys->own.secret_key.bytes));
    }
    socket.connect(loop->endpoint());
    return socket;
  }

  std::string owner_of(const curve_public_key& key) {
    const std::lock_guard lock{mutex};
    const auto known = owners.find(key);
    return known == owners.end() ? std::string{} : known->second;
  }

  void revoke(const curve_pair& pair) {
    const std::lock_guard lock{mutex};
    owners.erase(pair.public_key);
  }

  curve_link_keys keys_of(const curve_pair& pair) const { return {pair, own.public_key}; }

  /// What the loop answers to "who"; nothing within `wait`.
  static frames who(zmq::socket_t& socket, std::chrono::milliseconds wait = 5s) {
    router_fixture::send(socket, {"who"});
    return router_fixture::receive(socket, wait);
  }

  curve_pair own = make_curve_pair();
  curve_pair a = make_curve_pair();
  curve_pair b = make_curve_pair();
  std::mutex mutex; // Guards `owners`.
  std::map<curve_public_key, std::string> owners{{a.public_key, "a"}, {b.public_key, "b"}};
  /// Set once the first question was answered.
  std::promise<void> asked;
  std::atomic<bool> is_asked{false};
  std::atomic<bool> owner_fails{false};
  std::atomic<int> refusals{0};
  system_clock time;
  context broker_zmq;
  zmq::context_t peer_zmq{1};
  std::unique_ptr<zap_server> zap;
  std::unique_ptr<router_loop> loop;
  telling_handler handler{time};
  std::thread runner;
};

// Long enough for a handshake, and that nothing comes within it says enough.
constexpr auto a_moment = 500ms;

} // namespace

BOOST_AUTO_TEST_SUITE(
    runtime_transport_secured_router, *utf::label("integration") * utf::timeout(240))

BOOST_FIXTURE_TEST_CASE(the_user_is_the_owner_of_the_key, secured_fixture) {
  zmq::socket_t first = connect(keys_of(a));
  zmq::socket_t second = connect(keys_of(b));

  BOOST_TEST((who(first) == frames{"you", "a"}));
  BOOST_TEST((who(second) == frames{"you", "b"}));
  BOOST_TEST((who(first) == frames{"you", "a"}));
  BOOST_TEST(zap->refused() == 0U);
}

BOOST_FIXTURE_TEST_CASE(whoever_has_a_key_that_nobody_knows_is_refused, secured_fixture) {
  const auto tried = let_in_as_stranger(broker_zmq, loop->endpoint(), own.public_key);

  BOOST_REQUIRE(tried);
  BOOST_TEST(!*tried);
  BOOST_TEST(zap->refused() >= 1U);
  BOOST_TEST(refusals >= 1);
}

BOOST_FIXTURE_TEST_CASE(no_key_and_the_wrong_mechanism_are_refused, secured_fixture) {
  zmq::socket_t plain = connect(std::nullopt);
  zmq::socket_t with_password{peer_zmq, zmq::socket_type::dealer};
  with_password.set(zmq::sockopt::linger, 0);
  with_password.set(zmq::sockopt::plain_username, "a");
  with_password.set(zmq::sockopt::plain_password, "a");
  with_password.connect(loop->endpoint());

  BOOST_TEST(who(plain, a_moment).empty());
  BOOST_TEST(who(with_password, a_moment).empty());
}

BOOST_FIXTURE_TEST_CASE(who_takes_the_broker_for_another_is_not_let_in, secured_fixture) {
  zmq::socket_t misled = connect(curve_link_keys{a, b.public_key});

  BOOST_TEST(who(misled, a_moment).empty());
}

BOOST_FIXTURE_TEST_CASE(while_owners_cannot_be_found_nobody_gets_in, secured_fixture) {
  owner_fails = true;
  zmq::socket_t first = connect(keys_of(a));

  BOOST_TEST(who(first, a_moment).empty());

  owner_fails = false;
  zmq::socket_t second = connect(keys_of(a)); // libzmq does not come back after a refusal.
  BOOST_TEST((who(second) == frames{"you", "a"}));
}

// What libzmq does of itself is to let everybody in.
BOOST_FIXTURE_TEST_CASE(once_nobody_answers_for_keys_nobody_gets_in, secured_fixture) {
  zmq::socket_t before = connect(keys_of(a));
  BOOST_TEST((who(before) == frames{"you", "a"}));
  zap.reset();

  zmq::socket_t known = connect(keys_of(a));
  zmq::socket_t stranger = connect(keys_of(make_curve_pair()));

  BOOST_TEST(who(known, a_moment).empty());
  BOOST_TEST(who(stranger, a_moment).empty());
  BOOST_TEST((who(before) == frames{"you", "a"}));
}

// libzmq reads one connection of a name, and gives a name that was left to whoever comes next, and
// the answers with it: names are taken off.
BOOST_FIXTURE_TEST_CASE(of_two_with_one_name_each_is_served, secured_fixture) {
  zmq::socket_t first = connect(keys_of(a), "n");
  zmq::socket_t second = connect(keys_of(b), "n");

  for (int i = 0; i < 10; ++i) {
    BOOST_TEST((who(first) == frames{"you", "a"}));
    BOOST_TEST((who(second) == frames{"you", "b"}));
  }
}

// Whoever connects meets the new key, and connections that stand are not touched.
BOOST_FIXTURE_TEST_CASE(a_new_key_takes_the_place_of_the_old_one, secured_fixture) {
  std::vector<zmq::socket_t> standing;
  curve_link_keys keys = keys_of(a);
  for (int turn = 0; turn < 3; ++turn) {
    zmq::socket_t& before = standing.emplace_back(connect(keys));
    BOOST_TEST((who(before) == frames{"you", "a"}));
    const curve_pair fresh = make_curve_pair();

    BOOST_REQUIRE(loop->replace_key(fresh.secret_key));

    zmq::socket_t late = connect(keys);
    BOOST_TEST(who(late, a_moment).empty());
    keys.broker = fresh.public_key;
    zmq::socket_t after = connect(keys);
    BOOST_TEST((who(after) == frames{"you", "a"}));
    for (zmq::socket_t& each : standing) {
      BOOST_TEST((who(each) == frames{"you", "a"}));
    }
  }
}

// The owner has another key: `b` is not touched, nor is whoever has none.
BOOST_FIXTURE_TEST_CASE(connections_of_a_revoked_key_end, secured_fixture) {
  zmq::socket_t first = connect(keys_of(a));
  zmq::socket_t second = connect(keys_of(b));
  BOOST_TEST((who(first) == frames{"you", "a"}));
  BOOST_TEST((who(second) == frames{"you", "b"}));

  revoke(a);
  loop->check_keys();

  BOOST_TEST(handler.expired.get_future().get() == "1 of a");
  BOOST_TEST(who(first, a_moment).empty());
  BOOST_TEST((who(second) == frames{"you", "b"}));
}

// A connection of which nothing was heard is found at its first message.
BOOST_FIXTURE_TEST_CASE(a_key_is_valid_when_its_first_message_comes_or_never, secured_fixture) {
  zmq::socket_t first = connect(keys_of(a));
  asked.get_future().wait();

  revoke(a);

  BOOST_TEST(who(first, a_moment).empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
