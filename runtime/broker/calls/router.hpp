#pragma once

#include "runtime/broker/calls/arrivals.hpp"
#include "runtime/broker/calls/dispatch.hpp"
#include "runtime/broker/calls/logins.hpp"
#include "runtime/broker/calls/replies.hpp"
#include "runtime/broker/calls/suspects.hpp"

#include <string_view>
#include <vector>

namespace troupe::broker {

/// Decides where every call goes and how it ends. Pure: no socket, no clock, no thread.
///
/// A call passes through the parts in this order: `arrivals` accepts it, `dispatch` sends it,
/// `replies` passes its answer on. `logins` has the workers, `suspects` the calls that kill them.
///
/// Each input appends to the decisions given; the caller carries them out in order and before the
/// next input, as `answer` borrows from the input and `deliver` names a slot that may be used
/// again. Times must not go backwards. The rules and their reasons are in runtime/broker/README.md.
class router {
public:
  /// The time between two `tick`s while `has_timers`.
  static constexpr milliseconds tick_interval{10};

  /// @param quarantine, cuts decide which suspect is sent alone, and which message has cut links;
  /// shared with this broker's bus.
  router(router_options options, quarantine& quarantine, cut_links& cuts);
  router(const router&) = delete;
  router& operator=(const router&) = delete;
  ~router() = default;

  /// A worker logs in on the connection that the shell calls `login`.
  /// @errors `forbidden`: no such node, or it serves what is placed on others; `conflict`: another
  /// topology, or another live process of that name; `invalid`: a worker that cannot batch. Nothing
  /// has changed then.
  outcome<void> hello(login_id login, const wire::hello& hello, instant now, decisions& out) {
    return logins_.hello(login, hello, now, out);
  }

  /// The worker's connection ended, or it fell silent: it may have died of a call in hand.
  void gone(login_id login, std::string_view why, instant now, decisions& out) {
    logins_.gone(login, why, now, out);
  }

  /// The worker stops in order, or the broker itself lost touch: no call is blamed.
  void bye(login_id login, std::string_view why, instant now, decisions& out) {
    logins_.bye(login, why, now, out);
  }

  /// Whether a worker may send this STATE. @errors as `hello`, for the capabilities it serves.
  outcome<void> check(login_id login, const std::vector<wire::served>& serves) const {
    return logins_.check(login, serves);
  }

  void state(login_id login, const wire::state& state, instant now, decisions& out) {
    logins_.state(login, state, now, out);
  }

  void pong(login_id login, const wire::pong& progress, instant now) {
    logins_.pong(login, progress, now);
  }

  /// @param header as scanned from `header_bytes`; of kind `call`.
  void call(
      origin from,
      const wire::header_view& header,
      std::string_view header_bytes,
      std::string_view body,
      instant now,
      decisions& out) {
    arrivals_.take(from, header, header_bytes, body, now, out);
  }

  /// @param header as scanned from `header_bytes`; of kind `reply`.
  void reply(
      login_id from,
      const wire::header_view& header,
      std::string_view header_bytes,
      std::string_view body,
      instant now,
      decisions& out) {
    replies_.take(from, header, header_bytes, body, now, out);
  }

  /// Handles due timers. Called every `tick_interval` while `has_timers`, and at each heartbeat in
  /// any case.
  void tick(instant now, decisions& out);

  /// Follows the quarantine. Called when `quarantine::changes` has risen.
  void follow_quarantine(instant now, decisions& out) { suspects_.follow(now, out); }

  /// A client's login has ended, and with it its connection.
  void client_left(origin whom) { callers_.forget(whom); }

  /// Refuses new calls from now on; held ones go on.
  void drain() { arrivals_.drain(); }

  const broker::call& call_at(std::uint32_t index) const { return calls_[index]; }

  /// The login that a node of this name has now, or `login_id{nowhere}`.
  login_id login_of(std::string_view node) const;

  /// Whether the topology places a capability on the node of this login.
  bool is_placed_at(login_id login, std::string_view capability) const;

  bool is_worker(login_id login) const { return nodes_.node_of(login) != nowhere; }

  wire::roster roster() const { return nodes_.roster(); }

  bool has_timers() const { return waited_for() != 0; }

  /// The number of calls with a waiting caller.
  std::size_t waited_for() const { return callers_.waited_for(); }

  /// The number of held calls, including those without a waiting caller.
  std::size_t size() const { return calls_.size(); }

  /// The number of calls that wait to be sent alone.
  std::size_t suspects() const { return calls_.suspects().size; }

  const directory& nodes() const { return nodes_; }

  const counters& counts() const { return counts_; }

private:
  router_options options_;
  directory nodes_;
  held_calls calls_;
  counters counts_;
  callers callers_;
  dispatch dispatch_;
  broker::suspects suspects_;
  arrivals arrivals_;
  replies replies_;
  logins logins_;
  std::vector<std::uint32_t> due_; // Reused by `tick`.
};

} // namespace troupe::broker
