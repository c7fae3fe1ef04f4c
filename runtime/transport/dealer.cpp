#include "runtime/transport/dealer.hpp"

namespace troupe::transport {

namespace {

// libzmq adds a random delay of up to the same length, so that the peers of a restarted broker do
// not all reconnect at once.
constexpr int reconnect_first_ms = 10;
constexpr int reconnect_most_ms = 500;

} // namespace

dealer::dealer(
    context& zmq,
    const heartbeat_options& heartbeat,
    std::size_t frame_bytes_max,
    const curve_link_keys* keys)
    : socket_{zmq.zmq(), zmq::socket_type::dealer}, connection_{zmq.zmq(), socket_},
      descriptor_{descriptor_of(socket_)} {
  prepare(socket_, heartbeat, static_cast<std::int64_t>(frame_bytes_max));
  if (keys != nullptr) {
    connect_with_keys(socket_, *keys);
  }
  // Do not queue messages while the broker is unreachable: they would be delivered minutes late.
  socket_.set(zmq::sockopt::immediate, true);
  socket_.set(zmq::sockopt::reconnect_ivl, reconnect_first_ms);
  socket_.set(zmq::sockopt::reconnect_ivl_max, reconnect_most_ms);
}

std::string dealer::connect(const std::string& endpoint) {
  return zmq_connect(socket_.handle(), endpoint.c_str()) == 0 ? "" : zmq_strerror(zmq_errno());
}

bool dealer::send(std::string_view bytes, bool more) {
  is_drained_ = false;
  zmq::message_t frame{bytes.data(), bytes.size()};
  return send_frame(socket_, frame, more) == sent::queued;
}

bool dealer::receive(zmq::message_t& message) {
  is_drained_ = !receive_frame(socket_, message);
  return !is_drained_;
}

monitor::event dealer::next_news() {
  const auto news = has_news_ ? connection_.next() : monitor::event::none;
  has_news_ = news != monitor::event::none;
  return news;
}

bool dealer::may_wait() {
  return !has_news_ && (is_drained_ || !can_receive(socket_));
}

void dealer::watch(std::vector<pollfd>& watched) const {
  watched.push_back({descriptor_, POLLIN, 0});
  watched.push_back({connection_.descriptor(), POLLIN, 0});
}

} // namespace troupe::transport
