#pragma once

#include "runtime/broker/blame_book.hpp"
#include "runtime/broker/calls/actions.hpp"
#include "runtime/broker/calls/counters.hpp"
#include "runtime/broker/calls/deadline_wheel.hpp"
#include "runtime/broker/calls/directory.hpp"
#include "runtime/broker/calls/held_calls.hpp"
#include "runtime/broker/calls/held_ids.hpp"
#include "runtime/broker/calls/router_options.hpp"
#include "runtime/broker/quarantine.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/login.hpp"

#include <string_view>
#include <vector>

namespace troupe::broker {

/// Decides where every call goes and what becomes of it. Pure: no socket, no clock, no thread.
///
/// Each input appends to the decisions given; the caller carries them out in order and before the
/// next input, as `answer` borrows from the input and `deliver` names a slot that may be used
/// again. Times must not go backwards. The rules and their reasons are in README.md.
class router {
public:
  router(router_options options, quarantine& alone);
  router(const router&) = delete;
  router& operator=(const router&) = delete;
  ~router() = default;

  /// A worker logs in on the connection that the shell calls `login`.
  /// @errors `forbidden`: no such node; `conflict`: another topology, or another live process of
  /// that name; `invalid`: a worker that cannot batch. Nothing has changed then.
  outcome<void> hello(login_id login, const wire::hello& hello, instant now, decisions& out);
  /// Its connection ended, or it fell silent: it may have died of what it had in hand.
  void gone(login_id login, std::string_view why, instant now, decisions& out);
  /// It ends of its own will, or the broker itself lost touch: nothing is to blame.
  void bye(login_id login, std::string_view why, instant now, decisions& out);
  void state(login_id login, const wire::state& state, instant now, decisions& out);
  void pong(login_id login, const wire::pong& progress, instant now);

  /// @param header as scanned from `header_bytes`; of kind `call`.
  void call(
      origin from,
      const wire::header_view& header,
      std::string_view header_bytes,
      std::string_view body,
      instant now,
      decisions& out);
  /// @param header as scanned from `header_bytes`; of kind `reply`.
  void reply(
      login_id from,
      const wire::header_view& header,
      std::string_view header_bytes,
      std::string_view body,
      instant now,
      decisions& out);
  /// To be called about every 10 ms while `has_timers`, and at each heartbeat anyway.
  void tick(instant now, decisions& out);

  /// The quarantine has changed: sends to the node that was freed, and the suspect whose turn it
  /// is.
  void follow_quarantine(instant now, decisions& out);

  /// From now on new calls are refused; those that are here go on.
  void drain() { draining_ = true; }

  /// What a `deliver` sends.
  std::string_view header_of(std::uint32_t call) const { return calls_[call].header(); }

  std::string_view body_of(std::uint32_t call) const { return calls_[call].body(); }

  /// The login that a node of this name has now, or `login_id{nowhere}`.
  login_id login_of(std::string_view node) const;

  bool is_worker(login_id login) const { return nodes_.node_of(login) != nowhere; }

  wire::roster roster() const;

  bool has_timers() const { return timers_.size() != 0; }

  /// Calls somebody waits for.
  std::size_t waited_for() const { return timers_.size(); }

  /// Calls held, those nobody waits for included.
  std::size_t size() const { return calls_.size(); }

  std::size_t suspects() const { return suspects_.size; }

  const directory& nodes() const { return nodes_; }

  const counters& counts() const { return counts_; }

private:
  /// Where a call can go: a placement, or why there is none.
  struct choice {
    enum class verdict : std::uint8_t {
      /// To `placement`.
      go,
      /// Some node serves it and has no room now, or none is logged in: wait.
      wait,
      /// Every node there is refuses it, for now.
      exhausted,
    };

    verdict is = verdict::wait;
    std::uint32_t placement = nowhere;
    errc refusal = errc::unavailable;
    milliseconds refusal_wait{0};
    /// A placement that is shut, if nothing else is left of the capability.
    std::uint32_t shut = nowhere;
  };

  /// The suspect that is in quarantine, or in line for it, and the node that it is to have.
  struct isolation {
    std::uint32_t call = nowhere;
    std::uint32_t node = nowhere;
    bool is_running = false;
  };

  // router_calls.cpp
  void attach(
      std::uint32_t index,
      origin from,
      const wire::header_view& header,
      std::string_view body,
      instant now,
      decisions& out);
  bool accept(origin from, const wire::header_view& header, std::uint32_t where, decisions& out);
  void place(std::uint32_t index, std::uint32_t where, instant now, decisions& out);
  bool adopt_held(std::uint32_t index, std::uint32_t where);
  void refuse_call(origin to, const uuid& id, error why, decisions& out);
  void refuse_waiters(std::uint32_t index, const error& why, decisions& out);
  void expire(std::uint32_t index, instant now, decisions& out);

  // router_dispatch.cpp
  bool is_usable(const placement& placement, instant now) const;
  choice choose(const capability& where, const broker::call& what, instant now) const;
  void send(std::uint32_t index, std::uint32_t placement, instant now, decisions& out);
  void occupy(std::uint32_t index, std::uint32_t placement);
  void release(std::uint32_t index);
  void pump(std::uint32_t where, instant now, decisions& out);
  void pump_node(std::uint32_t number, instant now, decisions& out);
  void give_up(std::uint32_t index, const choice& why, decisions& out);
  void give_up_shut(std::uint32_t index, std::uint32_t number, decisions& out);
  std::string forced_words(const capability& where) const;
  void drop(std::uint32_t index);
  void unlist(std::uint32_t index);

  // router_suspects.cpp
  void blame(std::uint32_t index, std::string_view node, decisions& out);
  void put_back(std::uint32_t index);
  void convict(std::uint32_t index, decisions& out);
  void suspect(std::uint32_t index, decisions& out);
  void isolate_next(instant now, decisions& out);
  bool isolate(std::uint32_t index, instant now, decisions& out);
  void advance_isolation(instant now, decisions& out);
  void end_isolation_of(std::uint32_t index, instant now, decisions& out);

  // router_replies.cpp
  void take_pending(std::uint32_t index, instant now, decisions& out);
  bool try_elsewhere(
      std::uint32_t index,
      bool is_mine,
      const wire::header_view& header,
      instant now,
      decisions& out);
  void take_answer(
      std::uint32_t index,
      bool is_mine,
      std::string_view header,
      std::string_view body,
      instant now,
      decisions& out);
  void after_release(std::uint32_t number, std::uint32_t where, instant now, decisions& out);

  // router_sessions.cpp
  outcome<void> check_hello(std::uint32_t number, const wire::hello& hello, instant now) const;
  void end_login(std::uint32_t number, bool is_blamed, decisions& out);
  void return_outstanding(std::uint32_t number, bool is_blamed, decisions& out);
  void return_awaiting(std::uint32_t number);
  void leave(login_id login, bool is_blamed, std::string_view why, instant now, decisions& out);
  void take_serves(std::uint32_t number, const std::vector<wire::served>& serves, instant now);
  void take_back_deaths(std::uint32_t number);
  void adopt(std::uint32_t number, const wire::hello& hello, instant now);

  router_options options_;
  directory nodes_;
  held_calls calls_;
  deadline_wheel timers_{calls_};
  blame_book blamed_;
  held_ids held_;
  call_list suspects_;
  isolation isolation_;
  quarantine& quarantine_;
  /// The node that was kept free when the quarantine was last followed.
  login_id kept_free_{nowhere};
  counters counts_;
  bool draining_ = false;
  // Reused.
  std::vector<std::uint32_t> scratch_;
  std::vector<std::uint32_t> due_;
};

/// A log_event from pairs: `event("worker_lost", {{"node", name}})`.
log_event make_event(std::string name, std::vector<std::pair<std::string, std::string>> fields);

} // namespace troupe::broker
