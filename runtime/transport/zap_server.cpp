#include "runtime/transport/zap_server.hpp"

#include "runtime/quiet_thread.hpp"
#include "runtime/transport/socket.hpp"
#include "runtime/transport/wake.hpp"

#include <zmq.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <fmt/format.h>
#include <string_view>
#include <thread>
#include <utility>

namespace troupe::transport {

namespace {

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";
// Version, request id, domain, address, identity, mechanism, credentials of CURVE.
constexpr std::size_t request_frames = 7;

struct zap_answer {
  /// "200", "400" (not you) or "500" (nobody, as something is wrong).
  std::string_view status;
  std::string text;
  std::string user{};
  /// Properties of the connection's messages. @source RFC 27, "metadata".
  std::string metadata{};
};

/// A property in the form of ZMTP. @source RFC 23, "metadata": each length in network order.
std::string property(std::string_view name, std::string_view value) {
  std::string bytes(1, static_cast<char>(name.size()));
  bytes += name;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(value.size() >> static_cast<unsigned>(shift) & 0xffU);
  }
  bytes += value;
  return bytes;
}

} // namespace

struct zap_server::state {
  state(context& zmq, key_owner whose, key_refusal refused)
      : owner{std::move(whose)}, tell{std::move(refused)}, socket{
                                                               zmq.zmq(), zmq::socket_type::rep} {
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(zap_endpoint);
  }

  void run();
  void answer();
  zap_answer decide(std::size_t count) const;

  key_owner owner;
  key_refusal tell;
  zmq::socket_t socket;
  wake waker;
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> refusals{0};
  std::array<zmq::message_t, request_frames> frames; // Reused.
  std::thread thread;
};

void zap_server::state::run() {
  while (!stopping.load()) {
    std::array<zmq_pollitem_t, 2> watched{
        {{socket.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, waker.fd(), ZMQ_POLLIN, 0}}};
    if (zmq_poll(watched.data(), static_cast<int>(watched.size()), -1) < 0) {
      if (zmq_errno() == EINTR) {
        continue;
      }
      break; // The context ends.
    }
    if ((watched[0].revents & ZMQ_POLLIN) != 0) {
      answer();
    }
  }
  socket.close();
}

/// Takes one question and answers it: RFC 27 has a REP socket answer each.
void zap_server::state::answer() {
  std::size_t count = 0;
  bool more = true;
  while (more) {
    zmq::message_t& frame = frames[std::min(count, request_frames - 1)];
    if (!receive_frame(socket, frame)) {
      return;
    }
    ++count;
    more = frame.more();
  }
  zap_answer said;
  try {
    said = decide(count);
  } catch (const std::exception& fault) {
    said = {"500", fault.what()};
  }
  if (said.status != "200") {
    ++refusals;
    tell(count > 3 ? std::string{view(frames[3])} : "", said.text);
  }
  const std::string id = count > 1 ? std::string{view(frames[1])} : "";
  const std::array<std::string_view, 6> reply{
      "1.0", id, said.status, said.text, said.user, said.metadata};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    zmq::message_t frame{reply[i].data(), reply[i].size()};
    (void)send_frame(socket, frame, i + 1 < reply.size());
  }
}

zap_answer zap_server::state::decide(std::size_t count) const {
  if (count != request_frames || view(frames[0]) != "1.0" || view(frames[2]) != zap_domain) {
    return {"500", "libzmq asks in another way than ZAP 1.0 says"};
  }
  curve_public_key key{};
  if (view(frames[5]) != "CURVE" || frames[6].size() != key.size()) {
    return {"400", fmt::format("no key: it uses {}", view(frames[5]))};
  }
  std::copy_n(frames[6].data<std::uint8_t>(), key.size(), key.begin());
  std::string user = owner(key);
  if (user.empty()) {
    return {"400", fmt::format("nobody here has the key {}", to_z85(key))};
  }
  return {"200", "", std::move(user), property(key_property, to_z85(key))};
}

zap_server::zap_server(std::unique_ptr<state> made) : state_{std::move(made)} {
}

outcome<std::unique_ptr<zap_server>>
zap_server::start(context& zmq, key_owner owner, key_refusal refused) {
  try {
    auto made = std::make_unique<state>(zmq, std::move(owner), std::move(refused));
    state* const running = made.get();
    made->thread = quiet_thread([running] { running->run(); });
    return std::unique_ptr<zap_server>{new zap_server{std::move(made)}};
  } catch (const zmq::error_t& fault) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format("cannot ask for keys at {}: {}", zap_endpoint, fault.what())}};
  }
}

zap_server::~zap_server() {
  if (state_) {
    state_->stopping.store(true);
    state_->waker.ring();
    state_->thread.join();
  }
}

std::uint64_t zap_server::refused() const {
  return state_->refusals.load(std::memory_order_relaxed);
}

} // namespace troupe::transport
