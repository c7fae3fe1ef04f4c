#include "runtime/transport/router_loop.hpp"

#include "runtime/contains.hpp"
#include "runtime/transport/backlog_drain.hpp"
#include "runtime/transport/crowd.hpp"
#include "runtime/transport/key_watch.hpp"
#include "runtime/transport/listener.hpp"
#include "runtime/transport/named_peers.hpp"
#include "runtime/transport/outgoing.hpp"
#include "runtime/transport/parked_messages.hpp"
#include "runtime/transport/socket.hpp"
#include "runtime/transport/standstill.hpp"
#include "runtime/transport/stuck_links.hpp"
#include "runtime/transport/wake.hpp"
#include "runtime/transport/zap_server.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/limits.hpp"

#include <zmq.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace troupe::transport {

namespace {

// Limits on reading in one pass, in messages and in time, so that a flood of input cannot starve
// the answers.
constexpr int messages_read_max = 256;
constexpr std::chrono::milliseconds reading_time{4};
// Time per pass for one frame; its remaining envelopes wait for the sender's next turn. A frame of
// the usual size fits.
constexpr std::chrono::microseconds frame_time{500};
// Time per pass for all parked messages together.
constexpr std::chrono::milliseconds parked_time{2};
// Messages, and envelopes, handled between two readings of the clock.
constexpr int messages_between_looks = 16;
constexpr std::uint32_t envelopes_between_looks = 32;
// Bytes that one peer may leave unread, and the number of frames always admitted.
constexpr std::size_t unread_of_peer_max = std::size_t{64} << 20U;
constexpr std::size_t frames_least = 4;
// Allowance above the largest message, for the delimiter, frame lengths and a handshake.
constexpr std::size_t bytes_beyond = std::size_t{64} * 1024;
// A message with more frames than this does not come from a faulty peer of ours, so its connection
// is cut.
constexpr std::size_t frames_read_most = 1'024;
// While messages keep coming, the poll is skipped; this many passes later at most, the other
// descriptors are polled anyway.
constexpr int passes_before_poll = 32;
// Under a load that never lets the socket run empty, a lost peer counts as read to its end after
// this many passes.
constexpr int passes_before_gone_max = 1'024;
// Delimiter, header, body. A message with more frames is read to its end and refused.
constexpr std::size_t frames_max = 3;

/// Reads the number in a routing id made by libzmq: a zero byte and 32 bits.
/// @source libzmq 4.3.4, router.cpp, identify_peer.
bool read_peer(std::string_view bytes, peer& from) {
  if (bytes.size() != 5 || bytes[0] != '\0') {
    return false;
  }
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data() + 1, sizeof number);
  from = static_cast<peer>(number);
  return true;
}

/// The descriptor of the connection that delivered a message.
int connection_of(parked_messages::message& what) {
  return zmq_msg_get(what.frames[0].handle(), ZMQ_SRCFD);
}

} // namespace

struct router_loop::state {
  state(context& zmq, const clock& clock, const options& settings)
      : time{clock}, heartbeat{settings.heartbeat}, frame_bytes_max{wire::frame_bytes_max(
                                                        settings.body_bytes_max)},
        keys{settings.is_valid_key}, door{settings.open_files_max},
        stuck{frame_bytes_max + bytes_beyond}, parked{at_least_frames(settings.parked_bytes_max)},
        socket{zmq.zmq(), zmq::socket_type::router}, out{socket,
                                                         named,
                                                         {at_least_frames(
                                                              settings.unread_bytes_max),
                                                          at_least_frames(unread_of_peer_max)}} {
    prepare(socket, heartbeat, static_cast<std::int64_t>(frame_bytes_max));
    // By default ZeroMQ drops messages to unknown peers silently.
    socket.set(zmq::sockopt::router_mandatory, true);
    socket.set(zmq::sockopt::backlog, 1024);
    connections.emplace(zmq.zmq(), socket);
    listening.listen(settings.endpoint, settings.open_endpoint, settings.key);
    descriptor = descriptor_of(socket);
  }

  using message = parked_messages::message;

  std::size_t at_least_frames(std::size_t bytes) const {
    return std::max(bytes, frames_least * frame_bytes_max);
  }

  int read(router_handler& handler, instant& now);
  bool receive(router_handler& handler, instant& now);
  void end_expired(router_handler& handler, instant now);
  bool deliver(router_handler& handler, peer from, message& what, instant now);
  bool deliver_batch(router_handler& handler, peer from, message& what, instant now);
  void park(router_handler& handler, peer from, instant now);
  void take_parked(router_handler& handler, instant now);
  void watch_connections(router_handler& handler, instant now);
  void watch_door(router_handler& handler, instant now);
  instant next_due(const router_handler& handler) const;
  void report_gone(router_handler& handler, instant now);
  void wait(instant until);
  /// Waits until input arrives or `due`, then handles everything except messages: connection
  /// events, expired keys, the door.
  void look(router_handler& handler, instant due);
  /// @param since when the thread was last known to run; @param expected when it should have
  /// resumed.
  /// @return whether everything received has been dropped.
  bool notice_standstill(router_handler& handler, instant since, instant expected, instant now);

  const clock& time;
  heartbeat_options heartbeat;
  std::size_t frame_bytes_max;
  key_watch keys;
  crowd door;
  stuck_links stuck;
  backlog_drain excess;
  named_peers named;
  parked_messages parked;
  zmq::socket_t socket;
  listener listening{socket};
  outgoing out;
  int descriptor = -1;
  std::optional<monitor> connections;
  /// True if the last read found nothing and nothing was sent since. (A send can consume libzmq's
  /// notice of new input; without one, the descriptor signals all input from now on.)
  bool drained = false;
  /// True while connection events may be pending.
  bool has_news = true;
  wake waker;
  std::atomic<bool> stopping{false};
  std::vector<peer> lost; // Peers to report through `gone`.
  int passes_with_lost = 0;
  standstill still;
  // Reused for every message.
  zmq::message_t routing;
  message received;
  /// The message being processed.
  message* current = &received;
};

/// Reads messages for at most one pass.
/// @param now is advanced if the thread stalled during the pass.
/// @return the number of messages.
int router_loop::state::read(router_handler& handler, instant& now) {
  int messages = 0;
  instant until = instant::max();
  while (messages < messages_read_max && receive(handler, now)) {
    ++messages;
    if (messages % messages_between_looks == 0 || current->read != 0) {
      const instant at = time.now();
      until = until == instant::max() ? at + reading_time : until;
      if (at >= until) {
        break;
      }
    }
  }
  return messages;
}

bool router_loop::state::receive(router_handler& handler, instant& now) {
  (void)out.take_has_sent(); // The receive below takes up libzmq's notice of all earlier input.
  drained = !receive_frame(socket, routing);
  if (drained) {
    return false;
  }
  received.count = 0;
  received.read = 0;
  // A process that was suspended after its last reading of the clock resumes here, with a message
  // that arrived meanwhile.
  if (const instant at = time.now(); at - now >= standstill::least) {
    const instant began = std::exchange(now, at);
    if (notice_standstill(handler, began, began, now)) {
      return true;
    }
  }
  bool more = routing.more();
  while (more) {
    // Surplus frames overwrite each other in the last slot.
    zmq::message_t& frame = received.frames[std::min(received.count, frames_max - 1)];
    if (!receive_frame(socket, frame)) {
      break;
    }
    ++received.count;
    more = frame.more();
  }
  if (received.count > frames_read_most) {
    // libzmq delivers messages whole, so the next one of this size would stall all other peers
    // again: cut the connection.
    (void)::shutdown(connection_of(received), SHUT_RDWR);
    handler.stuck(1, now);
  }
  if (const int from_where = received.count != 0 ? connection_of(received) : -1; from_where >= 0) {
    stuck.heard(from_where, bytes_received);
  }
  peer from{};
  const std::string_view name = view(routing);
  if (!read_peer(name, from)) {
    if (name.empty() || name.size() > named_peers::name_bytes_max) {
      // libzmq took the first message for a routing id because another peer already has the
      // sender's name.
      handler.malformed(
          static_cast<peer>(named_peers::first), framing::plain, "no routing id", now);
      return true;
    }
    from = static_cast<peer>(named.number_of(name));
    if (listening.has_key()) {
      // zap_server removes the name in nearly every case. If one remains, another peer could take
      // the same name later and receive the answers.
      const bool is_delimited = received.count > 1 && view(received.frames[0]).empty();
      handler.malformed(
          from,
          is_delimited ? framing::delimited : framing::plain,
          "a routing id of its own (ZMQ_ROUTING_ID, identity): a broker with keys takes none; "
          "leave it out",
          now);
      return true;
    }
  }
  if (received.count != 0 && !keys.takes(from, received.frames[0])) {
    return true;
  }
  if (parked.has(static_cast<std::uint64_t>(from)) || !deliver(handler, from, received, now)) {
    park(handler, from, now);
  }
  return true;
}

/// Hands a message to the handler.
/// @return false if it is a batch and part of it waits for the sender's next turn.
bool router_loop::state::deliver(router_handler& handler, peer from, message& what, instant now) {
  current = &what;
  if (what.count == 0) {
    handler.malformed(from, framing::plain, "a message without frames", now);
    return true;
  }
  const std::string_view first = view(what.frames[0]);
  if (what.count == 1 && wire::batch_reader::is_batch(first)) {
    return deliver_batch(handler, from, what, now);
  }
  const bool delimited = first.empty();
  const framing how = delimited ? framing::delimited : framing::plain;
  const std::size_t header_at = delimited ? 1 : 0;
  if (what.count <= header_at || what.count > header_at + 2) {
    handler.malformed(
        from, how, "expected the frames [header][body], after an empty one from REQ", now);
    return true;
  }
  const std::string_view header = view(what.frames[header_at]);
  const std::string_view body =
      what.count == header_at + 2 ? view(what.frames[header_at + 1]) : std::string_view{};
  handler.received(from, how, header, body, now);
  return true;
}

bool router_loop::state::deliver_batch(
    router_handler& handler, peer from, message& what, instant now) {
  const std::string_view frame = view(what.frames[0]);
  wire::batch_reader envelopes{frame, what.read};
  wire::envelope_view next;
  const instant until = time.now() + frame_time;
  std::uint32_t count = 0;
  bool has_next = envelopes.next(next);
  if (has_next && !handler.takes_batches(from, now)) {
    return true;
  }
  for (; has_next; has_next = envelopes.next(next)) {
    handler.received(from, framing::batched, next.header, next.body, now);
    if (++count % envelopes_between_looks == 0 && time.now() >= until && !envelopes.at_end()) {
      what.read = envelopes.read_of(frame);
      return false;
    }
  }
  if (envelopes.malformed()) {
    handler.malformed(from, framing::batched, "the lengths in a batch do not fit", now);
  }
  return true;
}

/// Parks the message just received until its sender's next turn.
void router_loop::state::park(router_handler& handler, peer from, instant now) {
  const auto number = static_cast<std::uint64_t>(from);
  if (parked.add(number, received)) {
    return;
  }
  parked.drop(number);
  current = &received;
  const std::string_view first = view(received.frames[0]);
  const bool is_delimited = first.empty() && received.count > 1;
  const framing how = received.count == 1 && wire::batch_reader::is_batch(first)
                          ? framing::batched
                          : (is_delimited ? framing::delimited : framing::plain);
  handler.flooded(from, how, is_delimited ? view(received.frames[1]) : first, now);
}

/// Continues with the parked messages, peer by peer.
void router_loop::state::take_parked(router_handler& handler, instant now) {
  if (parked.is_empty()) {
    return;
  }
  const instant until = time.now() + parked_time;
  do {
    const std::uint64_t number = parked.next();
    // Each peer gets the time of one frame, whatever its messages are.
    const instant until_next = time.now() + frame_time;
    while (parked.has(number)) {
      const bool is_over = deliver(handler, static_cast<peer>(number), parked.front(number), now);
      if (is_over) {
        parked.pop(number);
      }
      if (!is_over || time.now() >= until_next) {
        break;
      }
    }
  } while (!parked.is_empty() && time.now() < until);
  current = &received;
  drained = drained && !out.take_has_sent();
}

void router_loop::state::watch_connections(router_handler& handler, instant now) {
  bool closed = false;
  bool is_full = false;
  for (auto event = connections->next(); event != monitor::event::none;
       event = connections->next()) {
    switch (event) {
    case monitor::event::accepted:
      door.accepted(connections->value(), now);
      stuck.accepted(connections->value());
      break;
    case monitor::event::disconnected:
      door.ended(connections->value());
      keys.ended(connections->value());
      stuck.ended(connections->value());
      handler.connection_ended(connections->value(), now);
      closed = true;
      break;
    case monitor::event::listening:
      excess.listens(connections->value());
      listening.listens(connections->value());
      break;
    case monitor::event::not_accepted:
      is_full = true;
      break;
    default:
      break;
    }
  }
  if (is_full) {
    door.hurry(excess.turn_away(door.mark()), now);
  }
  if (closed) {
    handler.link_closed(now);
  }
}

/// Ends connections whose keys have expired, and drops their parked messages.
void router_loop::state::end_expired(router_handler& handler, instant now) {
  const auto expired = keys.end_expired();
  for (const peer each : expired.peers) {
    parked.drop(static_cast<std::uint64_t>(each));
  }
  if (!expired.peers.empty()) {
    handler.keys_expired(expired.owners, expired.peers.size(), now);
  }
}

/// Cuts connections for which there is no room, and connections whose bytes never form a message;
/// reports both.
void router_loop::state::watch_door(router_handler& handler, instant now) {
  if (stuck.is_due(now)) {
    // After a stall, libzmq too must first read what arrived meanwhile.
    const bool is_all_read =
        drained && parked.is_empty() && still.waited(now) == instant::duration{0};
    const auto ending = stuck.look(is_all_read, bytes_received, now);
    for (const int each : ending) {
      (void)::shutdown(each, SHUT_RDWR);
    }
    if (!ending.empty()) {
      handler.stuck(ending.size(), now);
    }
  }
  for (const int each : door.overdue(now)) {
    // libzmq closes a connection that was shut down. If the descriptor has been reused meanwhile,
    // the wrong connection is cut, and its peer reconnects.
    (void)::shutdown(each, SHUT_RDWR);
  }
  if (door.is_worth_telling(now)) {
    handler.crowded(now);
  }
}

instant router_loop::state::next_due(const router_handler& handler) const {
  const instant due = std::min(handler.next_due(), stuck.next_due());
  return door.is_any_in_reserve() ? std::min(due, door.next_due()) : due;
}

/// Reports lost peers, but only after their last messages have been read: a worker that stops in
/// good order sends its last replies and closes the connection at once.
void router_loop::state::report_gone(router_handler& handler, instant now) {
  const bool is_all_read = drained && parked.is_empty();
  if (lost.empty() || (!is_all_read && ++passes_with_lost < passes_before_gone_max)) {
    return;
  }
  passes_with_lost = 0;
  for (const peer each : std::exchange(lost, {})) {
    handler.gone(each, now);
  }
}

/// Waits for input, at most until `until`.
void router_loop::state::wait(instant until) {
  std::array<pollfd, 3> watched{
      {{descriptor, POLLIN, 0}, {connections->descriptor(), POLLIN, 0}, {waker.fd(), POLLIN, 0}}};
  const instant now = time.now();
  std::chrono::nanoseconds left{0};
  drained = drained && !out.take_has_sent();
  const bool is_idle = !has_news && lost.empty() && parked.is_empty();
  if (until > now && is_idle && (drained || !can_receive(socket))) {
    left = std::min<std::chrono::nanoseconds>(until - now, std::chrono::hours{1});
  }
  const timespec patience{left / std::chrono::seconds{1}, (left % std::chrono::seconds{1}).count()};
  (void)::ppoll(watched.data(), watched.size(), &patience, nullptr);
  if (watched[2].revents != 0) {
    waker.clear();
    listening.take_new_keys();
  }
  has_news = has_news || watched[1].revents != 0;
}

void router_loop::state::look(router_handler& handler, instant due) {
  wait(due);
  if (std::exchange(has_news, false)) {
    watch_connections(handler, time.now());
  }
  if (keys.is_asked()) {
    end_expired(handler, time.now());
  }
}

/// Timers fire every few milliseconds and passes are short, so a gap means that the process was
/// suspended or starved.
bool router_loop::state::notice_standstill(
    router_handler& handler, instant since, instant expected, instant now) {
  const auto late = now - expected;
  if (late < standstill::least) {
    return false;
  }
  still.ended(since, now);
  stuck.stood_still(now);
  if (late <= heartbeat.timeout) {
    return false;
  }
  // The peers have logged in elsewhere by now, so their messages here are out of date.
  parked.clear();
  while (receive_frame(socket, routing)) {
  }
  handler.stood_still(late, now);
  return true;
}

router_loop::router_loop(std::unique_ptr<state> made) : state_{std::move(made)} {
}

router_loop::~router_loop() {
  if (state_) {
    state_->connections.reset();
    // Uses the C function, since cppzmq throws. If the call fails, at worst the last answers are
    // lost.
    (void)zmq_setsockopt(
        state_->socket.handle(), ZMQ_LINGER, &linger_at_stop_ms, sizeof linger_at_stop_ms);
  }
}

outcome<std::unique_ptr<router_loop>>
router_loop::bind(context& zmq, const clock& clock, const options& settings) {
  try {
    return std::unique_ptr<router_loop>{
        new router_loop{std::make_unique<state>(zmq, clock, settings)}};
  } catch (const zmq::error_t& fault) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format(
             "cannot listen on {}: {}; is another broker running there?",
             settings.endpoint,
             fault.what())}};
  }
}

sent router_loop::send(
    peer to, framing how, std::string_view header, std::string_view body, std::size_t beyond) {
  return state_->out.send(to, how, header, body, beyond);
}

bool router_loop::has_room(peer to, std::size_t bytes) {
  return state_->out.has_room(to, bytes);
}

std::size_t router_loop::unread_bytes() const {
  return state_->out.unread_bytes();
}

std::uint32_t router_loop::open_batch(peer to, bool is_bounded) {
  return state_->out.open_batch(to, is_bounded);
}

sent router_loop::append(
    std::uint32_t batch, std::string_view header, std::string_view body, std::size_t beyond) {
  return state_->out.append(batch, header, body, beyond);
}

void router_loop::close_batch(std::uint32_t batch) {
  state_->out.close_batch(batch);
}

void router_loop::run(router_handler& handler) {
  state& self = *state_;
  int passes_without_poll = 0;
  instant now = self.time.now();
  while (!self.stopping.load(std::memory_order_relaxed)) {
    const int messages = self.read(handler, now);
    self.take_parked(handler, now);
    if (self.drained && self.parked.is_empty()) {
      self.still.found_empty(now);
    }
    self.report_gone(handler, now);
    if (handler.next_due() <= now) {
      handler.due(now);
    }
    self.watch_door(handler, now);
    self.out.flush(self.lost);
    instant expected = now;
    const bool is_idle = messages == 0 && self.parked.is_empty();
    if (is_idle || ++passes_without_poll == passes_before_poll) {
      passes_without_poll = 0;
      expected = is_idle ? std::max(self.next_due(handler), now) : now;
      self.look(handler, expected);
    }
    const instant began = std::exchange(now, self.time.now());
    (void)self.notice_standstill(handler, began, expected, now);
  }
  self.out.flush(self.lost);
}

void router_loop::note_gone(peer whom) {
  if (!contains(state_->lost, whom)) {
    state_->lost.push_back(whom);
  }
}

instant::duration router_loop::waited(instant now) const {
  return state_->still.waited(now);
}

bool router_loop::is_in_reserve() const {
  return state_->door.is_any_in_reserve()
         && state_->door.is_in_reserve(connection_of(*state_->current));
}

int router_loop::connection_of_sender() const {
  return connection_of(*state_->current);
}

std::string_view router_loop::user_of_sender() const {
  // The owner of the key; null without one.
  // @source zmq_msg_gets(3); RFC 27 names the property "User-Id".
  const char* const user = zmq_msg_gets(state_->current->frames[0].handle(), "User-Id");
  return user == nullptr ? std::string_view{} : std::string_view{user};
}

std::optional<curve_public_key> router_loop::key_of_sender() const {
  const char* const text = zmq_msg_gets(state_->current->frames[0].handle(), key_property);
  return text == nullptr ? std::nullopt : key_of_z85(text);
}

outcome<void> router_loop::replace_key(const curve_secret_key& key) {
  auto replaced = state_->listening.replace_key(key);
  state_->waker.ring();
  return replaced;
}

void router_loop::check_keys() {
  state_->keys.ask();
  state_->waker.ring();
}

void router_loop::keep_connection() {
  state_->door.keep(connection_of(*state_->current));
}

std::uint64_t router_loop::turned_away() const {
  return state_->door.turned_away();
}

std::string router_loop::endpoint() const {
  return state_->listening.endpoint();
}

void router_loop::wake_up() {
  state_->waker.ring();
}

void router_loop::stop() {
  state_->stopping.store(true, std::memory_order_relaxed);
  state_->waker.ring();
}

} // namespace troupe::transport
