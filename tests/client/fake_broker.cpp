#include "tests/client/fake_broker.hpp"

#include "runtime/wire/login.hpp"

namespace troupe::test {

namespace {

constexpr auto patience = std::chrono::seconds{20};

std::string_view view(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

void send(
    zmq::socket_t& socket, const std::string& to, std::string_view one, std::string_view two) {
  (void)socket.send(zmq::buffer(to), zmq::send_flags::sndmore);
  (void)socket.send(zmq::buffer(one), zmq::send_flags::sndmore);
  (void)socket.send(zmq::buffer(two), zmq::send_flags::none);
}

} // namespace

fake_broker::fake_broker(answerer answer, bool keeps_journal)
    : answer_{std::move(answer)}, keeps_journal_{keeps_journal} {
  start();
}

void fake_broker::start() {
  is_stopping_ = false;
  peers_.clear();
  socket_.emplace(context_, zmq::socket_type::router);
  socket_->set(zmq::sockopt::linger, 0);
  // The port may still be held for a moment by the socket of before.
  const auto until = std::chrono::steady_clock::now() + patience;
  while (zmq_bind(socket_->handle(), endpoint_.c_str()) != 0
         && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  endpoint_ = socket_->get(zmq::sockopt::last_endpoint);
  thread_ = std::thread{[this] { run(); }};
}

void fake_broker::stop() {
  if (thread_.joinable()) {
    is_stopping_ = true;
    thread_.join();
    socket_.reset();
  }
}

void fake_broker::run() {
  auto pinged_at = std::chrono::steady_clock::now();
  while (!is_stopping_) {
    zmq::pollitem_t item{socket_->handle(), 0, ZMQ_POLLIN, 0};
    (void)zmq::poll(&item, 1, std::chrono::milliseconds{2});
    if (is_mute_) {
      continue;
    }
    if (to_forget_.exchange(false)) {
      for (auto& [name, peer] : peers_) {
        peer.is_known = false;
      }
    }
    receive(*socket_);
    if (std::chrono::steady_clock::now() - pinged_at > std::chrono::milliseconds{20}) {
      pinged_at = std::chrono::steady_clock::now();
      ping_all();
    }
    flush(*socket_);
  }
}

void fake_broker::receive(zmq::socket_t& socket) {
  for (int i = 0; i < 100; ++i) {
    zmq::message_t from;
    if (!socket.recv(from, zmq::recv_flags::dontwait)) {
      return;
    }
    std::vector<zmq::message_t> frames;
    for (bool more = from.more(); more; more = frames.back().more()) {
      (void)socket.recv(frames.emplace_back(), zmq::recv_flags::none);
    }
    const std::string name{view(from)};
    if (frames.size() == 2) {
      login(socket, name, view(frames[1]));
    } else if (frames.size() == 1 && wire::batch_reader::is_batch(view(frames[0]))) {
      wire::batch_reader envelopes{view(frames[0])};
      for (wire::envelope_view envelope; envelopes.next(envelope);) {
        take(socket, name, envelope);
      }
    }
  }
}

void fake_broker::login(zmq::socket_t& socket, const std::string& from, std::string_view body) {
  const auto hello = wire::checked_decode<wire::hello>(body);
  std::string header;
  const std::lock_guard lock{mutex_};
  if (!hello || to_refuse_ > 0) {
    --to_refuse_;
    ++refusals_;
    wire::append_error_header(
        header, {}, {.code = errc::forbidden, .message = "not you, and not today"});
    send(socket, from, header, {});
  } else {
    peers_[from].is_known = true;
    ++logins_;
    wire::append_plain_header(header, wire::kind::welcome);
    wire::welcome welcome;
    welcome.broker = "fake";
    welcome.heartbeat_ms = 50;
    welcome.timeout_ms = 300;
    welcome.body_bytes_max = body_bytes_max_;
    welcome.journal = keeps_journal_;
    send(socket, from, header, wire::encoded(welcome));
  }
  changed_.notify_all();
}

void fake_broker::take(
    zmq::socket_t& socket, const std::string& from, const wire::envelope_view& envelope) {
  const auto header = wire::scan_header(envelope.header);
  if (!header) {
    return;
  }
  session& peer = peers_[from];
  if (header->kind == wire::kind::bye) {
    const std::lock_guard lock{mutex_};
    ++byes_;
    changed_.notify_all();
  }
  if (!peer.is_known) {
    std::string complaint;
    wire::append_error_header(
        complaint, {}, {.code = errc::unauthenticated, .message = "say HELLO first"});
    return send(socket, from, complaint, {});
  }
  if (header->kind != wire::kind::call) {
    return;
  }
  {
    const std::lock_guard lock{mutex_};
    calls_.push_back(header->id);
    ttls_.push_back(header->ttl);
    ++call_count_;
    changed_.notify_all();
  }
  const auto answer = answer_(*header, envelope.body);
  if (!answer) {
    return;
  }
  std::string reply;
  if (*answer) {
    wire::append_reply_header(reply, header->id, wire::status::ok);
    peer.out.append(reply, **answer);
  } else {
    wire::append_error_header(reply, header->id, answer->error());
    peer.out.append(reply, {});
  }
}

void fake_broker::ping_all() {
  std::string header;
  wire::append_plain_header(header, wire::kind::ping);
  for (auto& [name, peer] : peers_) {
    if (peer.is_known) {
      peer.out.append(header, {});
    }
  }
}

void fake_broker::flush(zmq::socket_t& socket) {
  for (auto& [name, peer] : peers_) {
    if (!peer.out.empty()) {
      (void)socket.send(zmq::buffer(name), zmq::send_flags::sndmore);
      (void)socket.send(zmq::buffer(peer.out.frame()), zmq::send_flags::none);
      peer.out.clear();
    }
  }
}

bool fake_broker::wait(const std::size_t& figure, std::size_t count) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [&] { return figure >= count; });
}

bool fake_broker::wait_for_calls(std::size_t count) {
  return wait(call_count_, count);
}

bool fake_broker::wait_for_logins(std::size_t count) {
  return wait(logins_, count);
}

bool fake_broker::wait_for_refusals(std::size_t count) {
  return wait(refusals_, count);
}

bool fake_broker::wait_for_byes(std::size_t count) {
  return wait(byes_, count);
}

std::vector<uuid> fake_broker::calls() const {
  const std::lock_guard lock{mutex_};
  return calls_;
}

std::vector<std::uint32_t> fake_broker::ttls() const {
  const std::lock_guard lock{mutex_};
  return ttls_;
}

} // namespace troupe::test
