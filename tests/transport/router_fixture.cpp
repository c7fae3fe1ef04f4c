#include "tests/transport/router_fixture.hpp"

namespace troupe::transport {

void telling_handler::received(
    peer from, framing how, std::string_view header, std::string_view body, instant now) {
  if (header == "who") {
    (void)loop->send(from, how, "you", loop->user_of_sender());
    return;
  }
  if (header == "watch me") {
    watched_ = from;
    ping(now);
    return;
  }
  if (header == "count me") {
    // Once it has left, each message finds out whether it is gone, as a ping at the worst moment
    // would.
    if (count_ == 0) {
      left.get_future().wait();
    }
    counted_peer_ = from;
    ++count_;
    ping(now);
    return;
  }
  if (header == "flood me") {
    // More than one frame may hold; the sum must arrive all the same.
    const std::uint32_t batch = loop->open_batch(from, true);
    const std::string kilobyte(1024, 'x');
    for (int i = 0; i < 1'000; ++i) {
      (void)loop->append(batch, "h", kilobyte);
    }
    return;
  }
  if (header == "fill me") {
    const std::string large(64U * 1024U, 'x');
    while (loop->send(from, framing::plain, "large", large) == sent::queued) {
    }
    const std::string unread = std::to_string(loop->unread_bytes());
    (void)loop->send(from, framing::plain, "full", unread, 1U << 20U);
    return;
  }
  if (header == "spin") {
    const instant until = time_.now() + std::chrono::microseconds{10};
    while (time_.now() < until) {
    }
    ++spun;
    return;
  }
  if (how == framing::batched) {
    if (!batch_) {
      batch_ = loop->open_batch(from, true);
    }
    (void)loop->append(*batch_, header, body);
    return;
  }
  const std::string seen = (how == framing::plain ? "plain:" : "delimited:") + std::string{header};
  (void)loop->send(from, how, seen, body);
}

void telling_handler::malformed(peer from, framing how, std::string_view why, instant) {
  const framing plain = how == framing::batched ? framing::plain : how;
  (void)loop->send(from, plain, "malformed", why);
}

void telling_handler::flooded(peer from, framing, std::string_view, instant) {
  (void)loop->send(from, framing::plain, "flooded", {});
}

void telling_handler::link_closed(instant now) {
  ping(now);
}

void telling_handler::gone(peer whom, instant) {
  if (counted_peer_ == whom) {
    counted_peer_.reset();
    counted.set_value(count_);
  }
}

void telling_handler::due(instant now) {
  due_ = now + 20ms;
  ping(now);
}

void telling_handler::ping(instant) {
  if (watched_ && loop->send(*watched_, framing::plain, "ping", {}) != sent::queued) {
    watched_.reset();
    found_gone.set_value(time_.now());
  }
  if (counted_peer_ && loop->send(*counted_peer_, framing::plain, "ping", {}) == sent::gone) {
    loop->note_gone(*counted_peer_);
  }
}

router_fixture::router_fixture() {
  auto bound = router_loop::bind(
      broker_zmq,
      time,
      {.endpoint = "tcp://127.0.0.1:*",
       .heartbeat = {},
       .body_bytes_max = 64U * 1024U,
       .parked_bytes_max = 1, // Four frames, then.
       .unread_bytes_max = 1});
  loop = std::move(bound.value());
  handler.loop = loop.get();
  runner = std::thread{[this] { loop->run(handler); }};
}

router_fixture::~router_fixture() {
  loop->stop();
  runner.join();
}

zmq::socket_t router_fixture::connect(zmq::socket_type type, std::string_view routing_id) {
  zmq::socket_t socket{peer_zmq, type};
  socket.set(zmq::sockopt::linger, 0);
  if (!routing_id.empty()) {
    socket.set(zmq::sockopt::routing_id, routing_id);
  }
  socket.connect(loop->endpoint());
  return socket;
}

void router_fixture::send(zmq::socket_t& socket, const frames& message) {
  // A socket whose connection was refused has nobody to send to, and would wait forever.
  socket.set(zmq::sockopt::sndtimeo, static_cast<int>(milliseconds{5s}.count()));
  for (std::size_t i = 0; i < message.size(); ++i) {
    (void)socket.send(
        zmq::buffer(message[i]),
        i + 1 < message.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

router_fixture::frames
router_fixture::receive(zmq::socket_t& socket, std::chrono::milliseconds wait) {
  socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(wait.count()));
  frames all;
  zmq::message_t frame;
  do {
    if (!socket.recv(frame)) {
      return all;
    }
    all.push_back(frame.to_string());
  } while (frame.more());
  return all;
}

router_fixture::frames router_fixture::ask(zmq::socket_t& socket, const frames& message) {
  send(socket, message);
  return receive(socket);
}

int router_fixture::port() const {
  const std::string endpoint = loop->endpoint();
  return std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
}

} // namespace troupe::transport
