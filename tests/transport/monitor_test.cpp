#include "runtime/transport/context.hpp"
#include "runtime/transport/socket.hpp"

#include <boost/test/unit_test.hpp>
#include <zmq.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe::transport {

namespace {

using namespace std::chrono_literals;

/// Connects over TCP, and goes without a word.
void knock(std::uint16_t port) {
  const int knocking = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  BOOST_REQUIRE(knocking >= 0);
  ::sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE(
      ::connect(knocking, reinterpret_cast<const ::sockaddr*>(&where), sizeof where) == 0);
  ::close(knocking);
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_transport_monitor, *utf::label("integration") * utf::timeout(60))

// libzmq tells of a connection on the thread that serves all of them, and would wait for room.
BOOST_AUTO_TEST_CASE(a_crowd_at_the_door_stops_nobody_while_no_news_is_taken) {
  context zmq;
  zmq::socket_t router{zmq.zmq(), zmq::socket_type::router};
  prepare(router, {}, -1);
  router.set(zmq::sockopt::backlog, 4'096);
  monitor watching{zmq.zmq(), router};
  router.bind("tcp://127.0.0.1:*");
  const std::string endpoint = router.get(zmq::sockopt::last_endpoint);
  const auto port = static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  for (int i = 0; i < 2'000; ++i) {
    knock(port);
  }

  zmq::socket_t dealer{zmq.zmq(), zmq::socket_type::dealer};
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect(endpoint);
  (void)dealer.send(zmq::str_buffer("hello"));
  router.set(zmq::sockopt::rcvtimeo, 10'000);
  zmq::message_t who;

  BOOST_TEST(router.recv(who).has_value());
  int news = 0;
  while (watching.next() != monitor::event::none) {
    ++news;
  }
  BOOST_TEST(news >= 4'000); // None was lost.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
