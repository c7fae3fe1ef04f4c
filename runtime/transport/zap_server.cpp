#include "runtime/transport/zap_server.hpp"

#include "runtime/clock.hpp"
#include "runtime/quiet_thread.hpp"
#include "runtime/transport/socket.hpp"
#include "runtime/transport/wake.hpp"

#include <zmq.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <fmt/format.h>
#include <string_view>
#include <thread>
#include <utility>

namespace troupe::transport {

namespace {

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";

// Frames of a question: the requester's address, an empty frame, version, request id, domain,
// address, identity, mechanism, and the CURVE credentials.
struct at {
  enum place : std::size_t {
    asker,
    delimiter,
    version,
    request,
    domain,
    address,
    identity,
    mechanism,
    key,
    end
  };
};

// How long an answer is held back. The answer removes the peer's own routing id, so libzmq must
// have processed the peer's metadata first. libzmq asks just before it does so; without keys it
// asks up to half a round trip before the metadata arrives, about 50 us on loopback.
constexpr milliseconds name_awaited{2};

/// Encodes a ZMTP property.
/// @source RFC 23, "metadata": each length is in network order.
std::string property(std::string_view name, std::string_view value) {
  std::string bytes(1, static_cast<char>(name.size()));
  bytes += name;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(value.size() >> static_cast<unsigned>(shift) & 0xffU);
  }
  bytes += value;
  return bytes;
}

/// Removes the routing id that a peer chose: libzmq 4.3.4 takes an "Identity" in the answer as the
/// peer's, and assigns an id of its own if that is empty.
/// @source libzmq 4.3.4, mechanism.cpp, parse_metadata.
std::string no_name() {
  return property("Identity", {});
}

} // namespace

struct zap_server::state {
  state(context& zmq, key_owner whose, key_refusal refused)
      : owner{std::move(whose)}, tell{std::move(refused)}, socket{
                                                               zmq.zmq(),
                                                               zmq::socket_type::router} {
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(zap_endpoint);
  }

  struct zap_answer {
    /// "200", "400" (this peer is refused) or "500" (an error: every peer is refused).
    std::string_view status;
    std::string text;
    std::string user{};
    /// Properties attached to the connection's messages.
    /// @source RFC 27, "metadata".
    std::string metadata{};
  };

  /// Return address of a question.
  struct asked {
    zmq::message_t asker;
    std::string id;
  };

  /// A question to be answered later.
  struct waiting {
    asked question;
    zap_answer said;
    instant due;
  };

  void run();
  void take_question();
  void answer_due();
  void answer(asked& question, const zap_answer& said);
  zap_answer decide(std::size_t count) const;

  key_owner owner;
  key_refusal tell;
  zmq::socket_t socket;
  wake waker;
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> refusals{0};
  std::array<zmq::message_t, at::end> frames; // Reused for every question.
  system_clock time;
  std::deque<waiting> awaited; // Oldest first.
  std::thread thread;
};

void zap_server::state::run() {
  while (!stopping.load()) {
    std::array<zmq_pollitem_t, 2> watched{
        {{socket.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, waker.fd(), ZMQ_POLLIN, 0}}};
    const long wait = awaited.empty() ? -1 : static_cast<long>(name_awaited.count());
    if (zmq_poll(watched.data(), static_cast<int>(watched.size()), wait) < 0) {
      if (zmq_errno() == EINTR) {
        continue;
      }
      break; // The context was terminated.
    }
    if ((watched[0].revents & ZMQ_POLLIN) != 0) {
      take_question();
    }
    answer_due();
  }
  socket.close();
}

/// Reads one question. Refusals are answered at once.
void zap_server::state::take_question() {
  std::size_t count = 0;
  bool more = true;
  while (more) {
    zmq::message_t& frame = frames[std::min<std::size_t>(count, at::end - 1)];
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
    if (tell) {
      tell(count > at::address ? std::string{view(frames[at::address])} : "", said.text);
    }
  }
  asked question{
      std::move(frames[at::asker]),
      count > at::request ? std::string{view(frames[at::request])} : ""};
  if (said.status == "200") {
    return awaited.push_back({std::move(question), std::move(said), time.now() + name_awaited});
  }
  answer(question, said);
}

void zap_server::state::answer_due() {
  for (; !awaited.empty() && awaited.front().due <= time.now(); awaited.pop_front()) {
    answer(awaited.front().question, awaited.front().said);
  }
}

void zap_server::state::answer(asked& question, const zap_answer& said) {
  if (send_frame(socket, question.asker, true) != sent::queued) {
    return; // The connection has ended.
  }
  const std::array<std::string_view, 7> reply{
      "", "1.0", question.id, said.status, said.text, said.user, said.metadata};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    zmq::message_t frame{reply[i].data(), reply[i].size()};
    (void)send_frame(socket, frame, i + 1 < reply.size());
  }
}

zap_server::state::zap_answer zap_server::state::decide(std::size_t count) const {
  if (count <= at::mechanism || view(frames[at::version]) != "1.0") {
    return {"500", "libzmq asks in another way than ZAP 1.0 says"};
  }
  if (view(frames[at::domain]) == open_domain && view(frames[at::mechanism]) == "NULL") {
    return {"200", "", "", no_name()};
  }
  if (count != at::end || view(frames[at::domain]) != zap_domain) {
    return {"500", "libzmq asks in another way than ZAP 1.0 says"};
  }
  curve_public_key known{};
  if (view(frames[at::mechanism]) != "CURVE" || frames[at::key].size() != known.size()) {
    return {"400", fmt::format("no key: it uses {}", view(frames[at::mechanism]))};
  }
  std::copy_n(frames[at::key].data<std::uint8_t>(), known.size(), known.begin());
  std::string user = owner ? owner(known) : std::string{};
  if (user.empty()) {
    return {"400", fmt::format("nobody here has the key {}", to_z85(known))};
  }
  return {"200", "", std::move(user), property(key_property, to_z85(known)) + no_name()};
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
