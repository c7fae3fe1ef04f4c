#include "runtime/http/connection.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <utility>

namespace utf = boost::unit_test;

namespace troupe::http {

namespace {

using namespace std::chrono_literals;
using boost::system::error_code;

/// A connection whose peer is the test.
class played_stream final : public byte_stream {
public:
  struct peer {
    boost::asio::mutable_buffer into;
    read_done reads;
    std::string written;
    bool has_sent_more = false;
    bool has_ended = false;
  };

  played_stream(boost::asio::io_context& loop, peer& other) : loop_{loop}, peer_{other} {}

  void handshake(done then) override { then({}); }

  void read_some(boost::asio::mutable_buffer into, read_done then) override {
    peer_.into = into;
    peer_.reads = std::move(then);
  }

  bool has_input() override { return peer_.has_sent_more; }

  std::size_t write_now(std::string_view bytes) override {
    peer_.written += bytes;
    return bytes.size();
  }

  void write(std::string bytes, done then) override {
    peer_.written += bytes;
    boost::asio::post(loop_, [then = std::move(then)] { then({}); });
  }

  void end_sending(done then) override {
    peer_.has_ended = true;
    then({});
  }

  void discard_some(boost::asio::mutable_buffer, read_done) override {}

  void cancel() override {
    if (auto reads = std::exchange(peer_.reads, {})) {
      boost::asio::post(
          loop_, [reads = std::move(reads)] { reads(boost::asio::error::operation_aborted, 0); });
    }
  }

  void close() override {}

private:
  boost::asio::io_context& loop_;
  peer& peer_;
};

struct connection_fixture {
  connection_fixture() {
    host.options.request.idle = 1ms;
    host.options.request.farewell = 1ms;
    made->start();
  }

  ~connection_fixture() { made->cut(); }

  void send(std::string_view bytes) {
    BOOST_REQUIRE(peer.reads);
    std::memcpy(peer.into.data(), bytes.data(), bytes.size());
    std::exchange(peer.reads, {})({}, bytes.size());
  }

  boost::asio::io_context loop;
  shared_counts counts;
  int asked = 0;
  connection_host host{
      server_options{.address = ""},
      [this](request, const responder& answers) {
        ++asked;
        answers.respond(with_body(200, "text/plain", "hello"));
      },
      {},
      std::make_shared<loop_mailbox>(loop),
      counts,
      [](connection&) {},
      body_room{1'000}};
  played_stream::peer peer;
  std::shared_ptr<connection> made = std::make_shared<connection>(
      std::make_unique<played_stream>(loop, peer),
      loop.get_executor(),
      peer_address{"192.0.2.1", 4711, false},
      host);
};

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_http_connection, connection_fixture, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_connection_is_closed_when_nothing_was_asked_for_its_time) {
  send(get);
  loop.poll();
  BOOST_TEST(asked == 1);

  loop.run_for(5s);

  BOOST_TEST(peer.has_ended);
}

// Else the request would be thrown away: a client repeats none that may have changed something.
BOOST_AUTO_TEST_CASE(a_request_that_came_just_in_time_is_answered) {
  send(get);
  loop.poll();
  peer.has_sent_more = true;

  loop.run_for(50ms);
  BOOST_REQUIRE(!peer.has_ended);
  send(get);
  loop.poll();

  BOOST_TEST(asked == 2);
}

// Old clients end a body with a line more than it has.
BOOST_AUTO_TEST_CASE(an_empty_line_before_a_request_is_passed_over) {
  host.options.request.idle = 1h;
  send(get);
  loop.poll();
  send("\r\n");
  loop.poll();
  BOOST_TEST(asked == 1);
  send("\r\n" + std::string{get});
  loop.poll();
  BOOST_TEST(asked == 1, "there may be one, not two");
  BOOST_TEST(peer.written.find("HTTP/1.1 400 ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_empty_line_is_passed_over_piece_by_piece_and_begins_no_request) {
  host.options.request.idle = 1h;
  send(get);
  loop.poll();
  send("\r");
  host.options.request.idle = 1ms;
  send("\n");
  loop.poll();

  loop.run_for(5s);

  BOOST_TEST(peer.has_ended);
  BOOST_TEST(peer.written.find(" 408 ") == std::string::npos, "nothing was asked");
}

BOOST_AUTO_TEST_CASE(a_request_behind_an_empty_line_is_answered) {
  send("\r\n" + std::string{get});
  loop.poll();

  BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::http
