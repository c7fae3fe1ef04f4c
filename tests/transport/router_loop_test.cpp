#include "runtime/transport/router_loop.hpp"

#include "runtime/transport/zap_server.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/limits.hpp"
#include "tests/transport/router_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <random>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::transport {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_transport_router_loop, *utf::label("integration") * utf::timeout(240))

using frames = router_fixture::frames;

BOOST_FIXTURE_TEST_CASE(the_system_chooses_a_port, router_fixture) {
  BOOST_TEST(port() > 0);
}

BOOST_FIXTURE_TEST_CASE(a_port_in_use_is_said, router_fixture) {
  const auto second = router_loop::bind(
      broker_zmq, time, {.endpoint = loop->endpoint(), .heartbeat = {}, .body_bytes_max = 1024});

  BOOST_REQUIRE(!second);
  BOOST_TEST((second.error().code == errc::unavailable));
  BOOST_TEST(second.error().message.find(loop->endpoint()) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(plain_and_delimited_peers_are_answered_in_kind, router_fixture) {
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);
  zmq::socket_t req = connect(zmq::socket_type::req);

  BOOST_TEST((ask(dealer, {"header", "body"}) == frames{"plain:header", "body"}));
  BOOST_TEST((ask(dealer, {"header"}) == frames{"plain:header", ""}));
  BOOST_TEST((ask(dealer, {"", "header", "body"}) == frames{"", "delimited:header", "body"}));
  BOOST_TEST((ask(req, {"header", "body"}) == frames{"delimited:header", "body"}));
  BOOST_TEST((ask(req, {"header"}) == frames{"delimited:header", ""}));
}

BOOST_FIXTURE_TEST_CASE(a_batch_is_taken_apart_and_answered_by_one, router_fixture) {
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);
  wire::batch_writer out;
  for (int i = 0; i < 100; ++i) {
    out.append("h" + std::to_string(i), "b" + std::to_string(i));
  }

  const frames answer = ask(dealer, {out.take()});

  BOOST_REQUIRE(answer.size() == 1U);
  BOOST_REQUIRE(wire::batch_reader::is_batch(answer[0]));
  wire::batch_reader envelopes{answer[0]};
  wire::envelope_view each;
  int count = 0;
  while (envelopes.next(each)) {
    BOOST_TEST(each.header == "h" + std::to_string(count));
    BOOST_TEST(each.body == "b" + std::to_string(count));
    ++count;
  }
  BOOST_TEST(count == 100);
}

BOOST_FIXTURE_TEST_CASE(a_full_batch_leaves_in_several_frames, router_fixture) {
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);
  send(dealer, {"flood me", ""});

  std::size_t envelopes_read = 0;
  std::size_t largest = 0;
  while (envelopes_read < 1'000) {
    const frames next = receive(dealer);
    BOOST_REQUIRE(next.size() == 1U);
    largest = std::max(largest, next[0].size());
    wire::batch_reader envelopes{next[0]};
    wire::envelope_view each;
    while (envelopes.next(each)) {
      ++envelopes_read;
    }
  }

  BOOST_TEST(envelopes_read == 1'000U);
  BOOST_TEST(largest <= wire::batch_bytes_target + 2'048);
}

BOOST_FIXTURE_TEST_CASE(wrong_frame_counts_and_lengths_are_told, router_fixture) {
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);

  BOOST_TEST(ask(dealer, {"1", "2", "3", "4", "5"}).at(0) == "malformed");
  BOOST_TEST(ask(dealer, {"1", "2", "3"}).at(0) == "malformed");
  BOOST_TEST(ask(dealer, {"", "1", "2", "3"}).at(1) == "malformed");
  BOOST_TEST(ask(dealer, {""}).at(1) == "malformed");
  BOOST_TEST(ask(dealer, {std::string{"\xc1\x01garbage", 9}}).at(0) == "malformed");
  BOOST_TEST((ask(dealer, {"still", "here"}) == frames{"plain:still", "here"}));
}

BOOST_FIXTURE_TEST_CASE(garbage_harms_nobody, router_fixture) {
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);
  zmq::socket_t hostile = connect(zmq::socket_type::dealer);
  std::mt19937 random{7};

  for (int i = 0; i < 500; ++i) {
    frames message(1 + random() % 6);
    for (std::string& frame : message) {
      frame.resize(random() % 300);
      std::ranges::generate(frame, [&] { return static_cast<char>(random()); });
    }
    if (i % 3 == 0) {
      message[0].insert(0, "\xc1\x01");
    }
    send(hostile, message);
  }

  BOOST_TEST((ask(dealer, {"header", "body"}) == frames{"plain:header", "body"}));
}

// Many libraries set one. A name of five bytes that begins with a zero looks like one of libzmq's.
BOOST_FIXTURE_TEST_CASE(who_chooses_its_own_name_is_served_by_it, router_fixture) {
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);
  using namespace std::string_view_literals;
  for (const std::string_view name : {"n1"sv, "\0\1\2\3\4"sv, "\0\1\2\3\4\5"sv}) {
    zmq::socket_t chosen = connect(zmq::socket_type::dealer, name);
    zmq::socket_t asking = connect(zmq::socket_type::req, std::string{name} + "r");

    BOOST_TEST((ask(chosen, {"header", "body"}) == frames{"plain:header", "body"}));
    BOOST_TEST((ask(asking, {"header", "body"}) == frames{"delimited:header", "body"}));
    BOOST_TEST((ask(dealer, {"header", "body"}) == frames{"plain:header", "body"}));
  }
}

// Names are taken off. A peer that says its own late keeps it: not every try has to make it.
BOOST_FIXTURE_TEST_CASE(of_two_with_one_name_each_is_served, router_fixture) {
  const auto names = zap_server::start(broker_zmq, {}, {});
  BOOST_REQUIRE(names);
  zmq::socket_t first = connect(zmq::socket_type::dealer, "n1");
  BOOST_TEST((ask(first, {"header", "body"}) == frames{"plain:header", "body"}));
  bool is_served = false;
  for (int i = 0; i < 20 && !is_served; ++i) {
    zmq::socket_t second = connect(zmq::socket_type::req, "n1");
    send(second, {"header", "body"});
    is_served = receive(second, 500ms) == frames{"delimited:header", "body"};
    BOOST_TEST((ask(first, {"header", "body"}) == frames{"plain:header", "body"}));
  }

  BOOST_TEST(is_served);
  BOOST_TEST((*names)->refused() == 0U);
}

// Without a zap_server names stay, and libzmq reads the first connection alone.
BOOST_FIXTURE_TEST_CASE(what_is_sent_under_a_name_that_is_taken_is_bounded, router_fixture) {
  zmq::socket_t first = connect(zmq::socket_type::dealer, "n1");
  BOOST_TEST((ask(first, {"header", "body"}) == frames{"plain:header", "body"}));
  auto found = handler.found_stuck.get_future();
  zmq::socket_t second = connect(zmq::socket_type::dealer, "n1");
  second.set(zmq::sockopt::sndhwm, 0);
  const std::string body(64U * 1024U, 'x');
  for (int i = 0; i < 500; ++i) {
    send(second, {"header", body});
  }

  BOOST_REQUIRE((found.wait_for(10s) == std::future_status::ready));
  BOOST_TEST((ask(first, {"header", "body"}) == frames{"plain:header", "body"}));
}

BOOST_FIXTURE_TEST_CASE(a_message_of_very_many_frames_ends_its_connection, router_fixture) {
  auto found = handler.found_stuck.get_future();
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);
  send(dealer, frames(10'000, "x"));

  BOOST_REQUIRE((found.wait_for(10s) == std::future_status::ready));
  zmq::socket_t other = connect(zmq::socket_type::dealer);
  BOOST_TEST((ask(other, {"header", "body"}) == frames{"plain:header", "body"}));
}

// Nothing of a peer that sends much, and is heard, is taken for stuck.
BOOST_FIXTURE_TEST_CASE(who_sends_much_is_not_stuck, router_fixture) {
  auto found = handler.found_stuck.get_future();
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);
  const std::string body(64U * 1024U, 'x');
  for (int i = 0; i < 500; ++i) {
    BOOST_REQUIRE(ask(dealer, {"header", body}).size() == 2U);
  }

  BOOST_TEST((found.wait_for(0s) == std::future_status::timeout));
}

// A worker that ends well sends its last replies and closes the connection.
BOOST_FIXTURE_TEST_CASE(what_a_peer_sent_before_it_went_is_read_before_it_is_gone, router_fixture) {
  // Less than a socket of the system holds: else it is in one that a ping to who left would
  // discard.
  constexpr int messages = 3'000;
  auto counted = handler.counted.get_future();
  {
    zmq::context_t its_own;
    zmq::socket_t dealer{its_own, zmq::socket_type::dealer};
    dealer.set(zmq::sockopt::linger, -1);
    dealer.set(zmq::sockopt::sndhwm, 0);
    dealer.connect(loop->endpoint());
    for (int i = 0; i < messages; ++i) {
      send(dealer, {"count me", ""});
    }
  } // Ends once all has left.

  handler.left.set_value();

  BOOST_REQUIRE((counted.wait_for(10s) == std::future_status::ready));
  BOOST_TEST(counted.get() == messages);
}

// Not every try has to make it in 50 ms: the machine may be busy with other things.
BOOST_AUTO_TEST_CASE(a_peer_that_vanishes_is_noticed_within_50_ms) {
  auto best = std::chrono::nanoseconds::max();
  for (int i = 0; i < 5; ++i) {
    router_fixture fixture;
    zmq::socket_t dealer = fixture.connect(zmq::socket_type::dealer);
    fixture.send(dealer, {"watch me", ""});
    BOOST_REQUIRE(fixture.receive(dealer).at(0) == "ping");
    auto found = fixture.handler.found_gone.get_future();

    const instant closed = fixture.time.now();
    dealer.close();

    BOOST_REQUIRE((found.wait_for(2s) == std::future_status::ready));
    best = std::min<std::chrono::nanoseconds>(best, found.get() - closed);
  }

  BOOST_TEST((best < 50ms));
  BOOST_TEST_MESSAGE("noticed after " << best.count() / 1000 << " us");
}

/// Connections that never say anything, closed at the end.
class silent_connections {
public:
  silent_connections(int port, std::size_t wanted) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (open_.size() < wanted) {
      const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (made < 0) {
        break;
      }
      open_.push_back(made);
      if (::connect(made, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
        break;
      }
    }
  }

  ~silent_connections() {
    for (const int each : open_) {
      ::close(each);
    }
  }

  silent_connections(const silent_connections&) = delete;
  silent_connections& operator=(const silent_connections&) = delete;

  std::size_t count() const { return open_.size(); }

private:
  std::vector<int> open_;
};

/// The median time of a question and its answer.
std::chrono::nanoseconds round_trip(router_fixture& fixture, zmq::socket_t& dealer) {
  std::vector<std::chrono::nanoseconds> all;
  for (int i = 0; i < 200; ++i) {
    const instant start = fixture.time.now();
    BOOST_REQUIRE((fixture.ask(dealer, {"header", "body"}) == frames{"plain:header", "body"}));
    all.emplace_back(fixture.time.now() - start);
  }
  std::nth_element(all.begin(), all.begin() + 100, all.end());
  return all[100];
}

BOOST_FIXTURE_TEST_CASE(two_thousand_silent_connections_do_not_hurt, router_fixture) {
  rlimit files{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = files.rlim_max;
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
  zmq::socket_t dealer = connect(zmq::socket_type::dealer);
  const auto before = round_trip(*this, dealer);

  // Both ends are in this process, which has to keep some descriptors for itself.
  const std::size_t wanted = std::min<std::size_t>(2'000, files.rlim_cur / 2 - 100);
  const silent_connections silent{port(), wanted};
  BOOST_TEST(silent.count() == wanted);
  const auto after = round_trip(*this, dealer);
  zmq::socket_t late = connect(zmq::socket_type::dealer);

  BOOST_TEST((ask(late, {"header", "body"}) == frames{"plain:header", "body"}));
  BOOST_TEST_MESSAGE(
      "round trip " << before.count() / 1000 << " us, with " << silent.count()
                    << " silent connections " << after.count() / 1000 << " us");
  BOOST_TEST((after < 10 * before + 2ms));
}

// Answers that nobody reads are bounded in bytes, whatever libzmq's own bound in messages is.
BOOST_FIXTURE_TEST_CASE(what_a_peer_does_not_read_is_bounded_in_bytes, router_fixture) {
  zmq::socket_t idle = connect(zmq::socket_type::dealer);
  send(idle, {"fill me", ""});
  zmq::socket_t other = connect(zmq::socket_type::dealer);
  BOOST_TEST(ask(other, {"hello", "x"}).at(0) == "plain:hello");

  std::size_t large = 0;
  frames got = receive(idle);
  for (; got.at(0) == "large"; got = receive(idle)) {
    ++large;
  }
  BOOST_TEST(got.at(0) == "full");
  BOOST_TEST(std::stoul(got.at(1)) < 8U << 20U); // Four frames are the bound here.
  BOOST_TEST(std::stoul(got.at(1)) > 1U << 20U);
  BOOST_TEST(large > 10U);

  // It has read everything, and is served as before.
  BOOST_TEST(ask(idle, {"fill me", ""}).at(0) == "large");
}

std::string batch_of(int envelopes, std::string_view header) {
  wire::batch_writer made;
  for (int i = 0; i < envelopes; ++i) {
    made.append(header, {});
  }
  return made.take();
}

// Peers take turns by time: a frame of many envelopes waits while others have something to say.
BOOST_FIXTURE_TEST_CASE(a_large_batch_does_not_hold_others_up, router_fixture) {
  constexpr int envelopes = 80'000;
  zmq::socket_t busy = connect(zmq::socket_type::dealer);
  zmq::socket_t other = connect(zmq::socket_type::dealer);
  BOOST_TEST(ask(other, {"hello", "x"}).at(0) == "plain:hello");
  send(busy, {batch_of(envelopes, "spin")});
  send(busy, {"last", "x"});

  int asked = 0;
  while (handler.spun < envelopes) {
    BOOST_REQUIRE(ask(other, {"hello", "x"}).at(0) == "plain:hello");
    ++asked;
  }
  BOOST_TEST(asked > 20);
  BOOST_TEST(receive(busy).at(0) == "plain:last"); // In the order in which it was sent.
}

BOOST_FIXTURE_TEST_CASE(
    a_peer_that_sends_more_than_its_share_loses_it_and_is_told, router_fixture) {
  zmq::socket_t busy = connect(zmq::socket_type::dealer);
  const std::string frame = batch_of(80'000, "spin");
  for (int i = 0; i < 20; ++i) {
    send(busy, {frame});
  }

  BOOST_TEST(receive(busy).at(0) == "flooded");
  BOOST_TEST(ask(busy, {"hello", "x"}).size() != 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
