#pragma once

#include "runtime/broker/server/login_table.hpp"
#include "runtime/error.hpp"
#include "runtime/transport/router_loop.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::broker {

/// The connection and the framing of a caller, as the one number by which the router and the bus
/// know it.
inline origin origin_of(transport::peer from, transport::framing how) {
  return static_cast<origin>(
      (std::uint64_t{static_cast<std::uint8_t>(how)} << 40U) | static_cast<std::uint64_t>(from));
}

inline transport::peer peer_of(origin from) {
  return static_cast<transport::peer>(static_cast<std::uint64_t>(from) & 0xff'ffff'ffffU);
}

inline transport::framing framing_of(origin from) {
  return static_cast<transport::framing>(static_cast<std::uint64_t>(from) >> 40U);
}

/// Plain frames instead of a batch, for a peer whose batch is not open.
inline origin unbatched(origin from) {
  return framing_of(from) == transport::framing::batched
             ? origin_of(peer_of(from), transport::framing::plain)
             : from;
}

/// Sends envelopes: answers in the framing of their requests, messages to logins in their batches.
/// Undeliverable ones are counted and dropped, as callers repeat their requests.
///
/// Belongs to the server's thread; the loop outlives it.
class peer_sender {
public:
  /// @param body_bytes_max the largest body of an answer; the caller of a larger one gets an error.
  peer_sender(transport::router_loop& loop, std::size_t body_bytes_max)
      : loop_{loop}, body_bytes_max_{body_bytes_max} {}

  /// The table of logins.
  login_table& logins() { return logins_; }

  const login_table& logins() const { return logins_; }

  /// Begins a login, with a batch towards its peer. `login_table::bind` binds it to the connection.
  login_id open(transport::peer whom, bool is_worker) {
    return logins_.add(whom, is_worker, loop_.open_batch(whom, !is_worker));
  }

  /// Ends a login, with the rest of its batch.
  void close(login_id whom);

  /// Answers a caller. If there is no room, as the caller has not read earlier messages, it gets an
  /// error instead of the answer; once there is no room for errors either, these are dropped.
  void answer(origin to, std::string_view header, std::string_view body);
  void refuse(origin to, const uuid& id, const error& why);

  /// Whether an answer to this peer would have room, so that it is worth making.
  bool has_room(origin to) { return loop_.has_room(peer_of(to), 0); }

  /// Tells the caller that there is no room for its answer.
  void refuse_unread(origin to, const uuid& id, effect possible);

  /// Appends to the batch of a login, which is sent when the loop's pass ends.
  void append(login_id to, std::string_view header, std::string_view body) {
    (void)loop_.append(logins_[to].batch, header, body, words_bytes);
  }

  /// Sends an unrequested message at once, in plain or delimited frames.
  transport::sent send(origin to, std::string_view header, std::string_view body) {
    return loop_.send(peer_of(to), framing_of(to), header, body, 2 * words_bytes);
  }

  /// Notes that `send` found the peer gone: its login ends once all its messages are read.
  void note_gone(login_id whom) { loop_.note_gone(logins_[whom].peer); }

  /// Answers that reached nobody.
  std::uint64_t undeliverable() const { return undeliverable_; }

  /// Answers that were omitted, as the caller had not read earlier ones.
  std::uint64_t unread() const { return unread_; }

private:
  /// The most that a peer that reads nothing may have beyond its share, in refusals.
  static constexpr std::size_t words_bytes = std::size_t{1} << 20U;

  transport::sent
  pass(origin to, std::string_view header, std::string_view body, std::size_t beyond);
  /// The largest body of an answer to this peer.
  std::size_t body_bytes_max(origin to);
  void refuse_too_large(origin to, std::string_view header, std::size_t bytes);

  transport::router_loop& loop_;
  const std::size_t body_bytes_max_;
  login_table logins_;
  std::uint64_t undeliverable_ = 0;
  std::uint64_t unread_ = 0;
  std::string header_; // Reused.
};

} // namespace troupe::broker
