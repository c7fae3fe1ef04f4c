#include "runtime/transport/socket.hpp"
#include "tests/transport/router_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <poll.h>

namespace troupe::transport {

namespace utf = boost::unit_test;

namespace {

/// A clock that jumps, as if the process had been stopped.
class jumping_clock final : public clock {
public:
  instant now() const override { return system_clock{}.now() + jumped_.load(); }

  wall_time wall() const override { return system_clock{}.wall(); }

  void jump(instant::duration by) { jumped_ = jumped_.load() + by; }

private:
  std::atomic<instant::duration> jumped_{instant::duration{0}};
};

/// Stands still at "stand still", and says of other messages how old they may be.
class standing_handler final : public telling_handler {
public:
  explicit standing_handler(jumping_clock& time) : telling_handler{time}, time_{time} {}

  std::promise<void> is_held;
  /// "hold" lasts until this is set.
  std::promise<void> may_go_on;
  instant::duration stands{0};
  std::promise<void> has_stood;

  void received(
      peer from, framing how, std::string_view header, std::string_view, instant now) override {
    if (header == "hold") {
      is_held.set_value();
      may_go_on.get_future().wait();
    } else if (header == "stand still") {
      time_.jump(stands);
    } else {
      const auto age = std::chrono::duration_cast<milliseconds>(loop->waited(now));
      (void)loop->send(from, how, header, std::to_string(age.count()));
    }
  }

  void stood_still(instant::duration, instant) override { has_stood.set_value(); }

private:
  jumping_clock& time_;
};

struct stopped_fixture {
  jumping_clock time;
  context broker_zmq;
  zmq::context_t peer_zmq{1};
  std::unique_ptr<router_loop> loop;
  standing_handler handler{time};
  std::thread runner;
  zmq::socket_t dealer{peer_zmq, zmq::socket_type::dealer};

  stopped_fixture() {
    auto bound = router_loop::bind(
        broker_zmq,
        time,
        {.endpoint = "tcp://127.0.0.1:*", .heartbeat = {}, .body_bytes_max = 64U * 1024U});
    loop = std::move(bound.value());
    handler.loop = loop.get();
    dealer.set(zmq::sockopt::linger, 0);
    dealer.connect(loop->endpoint());
  }

  ~stopped_fixture() {
    loop->stop();
    runner.join();
  }

  void send(const char* what) { router_fixture::send(dealer, {what, ""}); }

  /// Has the loop stand still between two messages that it reads in one pass.
  void stop_in_a_pass(instant::duration stands) {
    handler.stands = stands;
    runner = std::thread{[this] { loop->run(handler); }};
    send("hold");
    handler.is_held.get_future().wait();
    send("stand still");
    send("behind it");
    await_arrival();
    handler.may_go_on.set_value();
  }

  /// What was sent before is at the loop when a later connection stands: one thread reads for all.
  void await_arrival() {
    zmq::socket_t later{peer_zmq, zmq::socket_type::dealer};
    later.set(zmq::sockopt::linger, 0);
    monitor news{peer_zmq, later};
    later.connect(loop->endpoint());
    for (auto event = news.next(); event != monitor::event::connected; event = news.next()) {
      if (event == monitor::event::none) {
        pollfd watched{news.descriptor(), POLLIN, 0};
        BOOST_REQUIRE(::poll(&watched, 1, 10'000) >= 0);
      }
    }
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_transport_stopped_pass, stopped_fixture, *utf::label("integration") * utf::timeout(60))

// The pass began before: its time says nothing of a message that came while nobody looked.
BOOST_AUTO_TEST_CASE(a_message_that_came_while_the_loop_stood_still_in_a_pass_is_as_old_as_that) {
  stop_in_a_pass(500ms);

  const auto answer = router_fixture::receive(dealer);

  BOOST_REQUIRE(answer.size() == 2U);
  BOOST_TEST(std::stoi(answer[1]) >= 500);
}

BOOST_AUTO_TEST_CASE(what_came_before_peers_gave_the_loop_up_is_dropped_in_the_middle_of_a_pass) {
  stop_in_a_pass(5s);
  handler.has_stood.get_future().wait();

  send("later");

  const auto answer = router_fixture::receive(dealer);
  BOOST_REQUIRE(answer.size() == 2U);
  BOOST_TEST(answer[0] == "later");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
