#pragma once

#include "runtime/broker/calls/suspects.hpp"

#include <string_view>
#include <vector>

namespace troupe::broker {

/// The workers' logins: what they serve, and the calls that they had in hand when they left.
/// Confined to the router.
class logins {
public:
  logins(
      const router_options& options,
      directory& nodes,
      held_calls& calls,
      callers& callers,
      counters& counts,
      dispatch& dispatch,
      suspects& suspects)
      : options_{options}, nodes_{nodes}, calls_{calls}, callers_{callers}, counts_{counts},
        dispatch_{dispatch}, suspects_{suspects} {}

  /// Whether the worker may serve these capabilities. @errors `forbidden`: the topology places one
  /// on other nodes.
  outcome<void> check(login_id login, const std::vector<wire::served>& serves) const;
  /// @errors see `router::hello`.
  outcome<void> hello(login_id login, const wire::hello& hello, instant now, decisions& out);
  void state(login_id login, const wire::state& state, instant now, decisions& out);
  void pong(login_id login, const wire::pong& progress, instant now);
  void gone(login_id login, std::string_view why, instant now, decisions& out);
  void bye(login_id login, std::string_view why, instant now, decisions& out);
  /// Ends the logins of workers that were silent for `silence_max`.
  void end_silent(instant now, decisions& out);

private:
  outcome<void> check(std::uint32_t number, const wire::hello& hello, instant now) const;
  outcome<void> check_placed(std::uint32_t number, const std::vector<wire::served>& serves) const;
  void take_serves(std::uint32_t number, const std::vector<wire::served>& serves, instant now);
  void adopt(std::uint32_t number, const wire::hello& hello, instant now, decisions& out);
  void adopt(
      const uuid& id,
      const brought_call& held,
      instant now,
      std::vector<std::uint32_t>& over,
      decisions& out);
  bool is_same(const call& known, const brought_call& held) const;
  void
  leave(std::uint32_t number, bool is_blamed, std::string_view why, instant now, decisions& out);
  void end(std::uint32_t number, bool is_blamed, bool was_cut, instant now, decisions& out);
  void return_outstanding(std::uint32_t number, bool is_blamed, bool was_alone, decisions& out);
  void return_awaiting(std::uint32_t number, bool is_new);
  void return_lined_up(std::uint32_t number);

  const router_options& options_;
  directory& nodes_;
  held_calls& calls_;
  callers& callers_;
  counters& counts_;
  dispatch& dispatch_;
  suspects& suspects_;
};

} // namespace troupe::broker
