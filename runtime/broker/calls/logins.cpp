#include "runtime/broker/calls/logins.hpp"

#include <fmt/format.h>

namespace troupe::broker {

outcome<void> logins::check(std::uint32_t number, const wire::hello& hello, instant now) const {
  if (number == nowhere) {
    return failure{
        {.code = errc::forbidden,
         .message = fmt::format(
             "there is no node `{}` in the topology; workers are started with one of its nodes",
             hello.node)}};
  }
  if (!hello.batch) {
    return failure{invalid("a worker must be able to read batches: `batch: true` in HELLO")};
  }
  // An equal text is enough, as another release may count more as common. A worker in another
  // language sends as `plan` the digest that `troupe check` prints, which is that of the common
  // parts.
  if (hello.plan != options_.plan_digest && hello.plan != options_.shared_plan_digest
      && hello.shared_plan != options_.shared_plan_digest) {
    return failure{
        {.code = errc::conflict,
         .message = fmt::format(
             "node `{}` has read another version of the topology than this broker; give both the "
             "same file and restart the older one",
             hello.node),
         .details = {{"reason", "other_topology"}}}};
  }
  const node& known = nodes_.nodes[number];
  const bool is_same = known.incarnation == hello.incarnation;
  if (known.live && !is_same && now - known.heard <= options_.silence_max) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - known.since);
    return failure{
        {.code = errc::conflict,
         .message = fmt::format(
             "node `{}` is logged in already, for {} s, by process {}; stop that one first, or "
             "start this one as another node",
             hello.node,
             age.count(),
             known.pid),
         .retry_after = options_.silence_max,
         .details = {{"reason", "name_taken"}, {"pid", std::to_string(known.pid)}}}};
  }
  return check_placed(number, hello.serves);
}

outcome<void>
logins::check_placed(std::uint32_t number, const std::vector<wire::served>& serves) const {
  for (const wire::served& each : serves) {
    const std::uint32_t where = nodes_.find_capability(each.capability);
    if (where != nowhere && !nodes_.is_placed(where, number)) {
      return failure{
          {.code = errc::forbidden,
           .message = fmt::format(
               "node `{}` says that it serves `{}`, which the topology places on other nodes",
               nodes_.nodes[number].name,
               each.capability)}};
    }
  }
  return {};
}

outcome<void> logins::check(login_id login, const std::vector<wire::served>& serves) const {
  const std::uint32_t number = nodes_.node_of(login);
  return number == nowhere ? outcome<void>{} : check_placed(number, serves);
}

outcome<void> logins::hello(login_id login, const wire::hello& hello, instant now, decisions& out) {
  const std::uint32_t number = nodes_.find_node(hello.node);
  if (auto checked = check(number, hello, now); !checked) {
    ++counts_.logins_refused;
    return failure{std::move(checked).error()};
  }
  node& joined = nodes_.nodes[number];
  const bool is_same_process = joined.incarnation == hello.incarnation;
  if (joined.live) {
    // The same process on a new connection has lost only its link; another one has outlived the
    // first.
    counts_.workers_lost += 1;
    end(number, !is_same_process, true, now, out);
  }
  if (is_same_process) {
    suspects_.take_back(joined.blamed, hello.incarnation);
    suspects_.note_return(joined, hello.in_flight, out);
  } else {
    suspects_.allow_again();
  }
  joined.blamed.clear();
  joined.live = true;
  joined.draining = false;
  joined.login = login;
  joined.incarnation = hello.incarnation;
  joined.pid = hello.pid;
  joined.since = now;
  joined.heard = now;
  joined.progress = {};
  nodes_.bind(login, number);
  ++counts_.workers_joined;
  take_serves(number, hello.serves, now);
  // An answer that this worker gave without a link here was lost.
  return_awaiting(number, true);
  const std::uint32_t own = nodes_.find_capability("troupe.node." + joined.name);
  placement& itself = nodes_.capabilities[own].placements[nodes_.placement_of(own, number)];
  itself.credit = options_.node_credit;
  itself.is_served = true;
  adopt(number, hello, now, out);
  out.log.push_back(
      {"worker_joined",
       {{"node", joined.name},
        {"incarnation", to_string(joined.incarnation)},
        {"pid", std::to_string(joined.pid)}}});
  out.actions.emplace_back(send_roster{});
  suspects_.send_next(now, out);
  dispatch_.pump_node(number, now, out);
  return {};
}

/// Calls the worker still has in hand from an earlier login are outstanding there, not here.
/// Nothing is sent before all of them are known.
void logins::adopt(std::uint32_t number, const wire::hello& hello, instant now, decisions& out) {
  std::vector<std::uint32_t> over;
  if (!hello.held) {
    for (const uuid& id : hello.in_flight) {
      adopt(id, {.node = number}, now, over, out);
    }
  } else {
    for (const wire::held_call& each : *hello.held) {
      const brought_call held{number, nodes_.find_capability(each.capability), each.digest};
      adopt(each.id, held, now, over, out);
    }
  }
  for (const std::uint32_t index : over) {
    suspects_.end_turn_of(index, now, out);
    calls_.remove(index);
  }
}

/// @param over gets the call here if it has ended, as the worker has a different one under its id.
void logins::adopt(
    const uuid& id,
    const brought_call& held,
    instant now,
    std::vector<std::uint32_t>& over,
    decisions& out) {
  const std::uint32_t index = calls_.find(id);
  // A worker of an earlier release does not say which capability the call is for.
  const std::uint32_t where =
      held.digest || index == nowhere ? held.capability : calls_[index].capability;
  if (where == nowhere ? held.digest.has_value() : !nodes_.serves(held.node, where)) {
    ++counts_.stray_replies; // The worker would answer a call that nobody gave it.
    return;
  }
  if (index == nowhere) {
    return nodes_.bring(id, held);
  }
  call& known = calls_[index];
  if (known.is == call::phase::none) {
    return; // The call is over, by an earlier word about the same id.
  }
  if (!is_same(known, held)) {
    // The worker's answer belongs to the callers of its own call, not to those waiting here.
    nodes_.bring(id, held);
    callers_.refuse_for(index, held, out);
    if (known.is != call::phase::outstanding) {
      calls_.take_out(index);
      over.push_back(index);
    }
    return;
  }
  const bool is_waiting =
      known.is_waiting() || (known.is == call::phase::suspected && !suspects_.has_turn(index));
  if (!is_waiting || known.latest_deadline() <= now) {
    return; // Another worker has the call: the inbox makes its second run harmless.
  }
  calls_.take_out(index);
  ++counts_.adopted;
  calls_.occupy(index, nodes_.placement_of(known.capability, held.node));
}

/// Whether a worker's call in hand is the one known here. If the worker does not say, it is if this
/// broker has delivered the call before.
bool logins::is_same(const call& known, const brought_call& held) const {
  return held.digest ? held.is_for(known.capability, known.op(), known.body())
                     : known.was_delivered;
}

void logins::take_serves(
    std::uint32_t number, const std::vector<wire::served>& serves, instant now) {
  for (const wire::served& each : serves) {
    const std::uint32_t where = nodes_.find_capability(each.capability);
    if (where == nowhere || each.capability.starts_with("troupe.")) {
      continue; // A capability that is not in the topology is ignored: nobody can call it.
    }
    placement& at = nodes_.capabilities[where].placements[nodes_.placement_of(where, number)];
    at.credit = each.credit;
    at.is_served = true;
    at.inbox = each.inbox;
    at.replicas = each.replicas;
    at.breaker = each.breaker;
    at.forced = each.forced.value_or("");
    at.retry_after = milliseconds{each.retry_after_ms};
    nodes_.capabilities[where].may_move = true;
    const bool is_avoided = each.breaker == "open" || each.breaker == "down";
    at.is_shut = each.shut.has_value();
    at.why_shut = each.shut.value_or("");
    // A breaker that a person forced open is avoided until a STATE says otherwise, since nobody
    // knows when it is given back.
    const bool is_forced_open = each.breaker == "open" && !at.forced.empty();
    at.blocked_until = is_forced_open ? instant::max()
                       : is_avoided   ? now + at.retry_after
                                      : instant{};
  }
}

void logins::state(login_id login, const wire::state& state, instant now, decisions& out) {
  const std::uint32_t number = nodes_.node_of(login);
  if (number == nowhere) {
    return;
  }
  node& changed = nodes_.nodes[number];
  changed.heard = now;
  if (changed.draining != state.draining) {
    changed.draining = state.draining;
    out.log.push_back(
        {state.draining ? "worker_draining" : "worker_resumed", {{"node", changed.name}}});
  }
  take_serves(number, state.serves, now);
  suspects_.choose_again(number);
  suspects_.send_next(now, out);
  dispatch_.pump_node(number, now, out);
}

void logins::pong(login_id login, const wire::pong& progress, instant now) {
  const std::uint32_t number = nodes_.node_of(login);
  if (number != nowhere) {
    nodes_.nodes[number].heard = now;
    nodes_.nodes[number].progress = progress;
  }
}

void logins::gone(login_id login, std::string_view why, instant now, decisions& out) {
  if (const std::uint32_t number = nodes_.node_of(login); number != nowhere) {
    ++counts_.workers_lost;
    leave(number, true, why, now, out);
  }
}

void logins::bye(login_id login, std::string_view why, instant now, decisions& out) {
  if (const std::uint32_t number = nodes_.node_of(login); number != nowhere) {
    ++counts_.workers_left;
    leave(number, false, why, now, out);
  }
}

void logins::end_silent(instant now, decisions& out) {
  for (const node& each : nodes_.nodes) {
    if (each.live && now - each.heard > options_.silence_max) {
      gone(each.login, "it fell silent", now, out);
    }
  }
}

void logins::leave(
    std::uint32_t number, bool is_blamed, std::string_view why, instant now, decisions& out) {
  const node& left = nodes_.nodes[number];
  out.log.push_back(
      {is_blamed ? "worker_lost" : "worker_left",
       {{"node", left.name},
        {"incarnation", to_string(left.incarnation)},
        {"why", std::string{why}},
        {"outstanding", std::to_string(left.outstanding.size)}}});
  end(number, is_blamed, is_blamed, now, out);
  out.actions.emplace_back(send_roster{});
  suspects_.send_next(now, out);
  dispatch_.pump_node(number, now, out);
}

/// Takes back all calls of a node, and sends nothing yet.
/// @param was_cut its link ended, and neither side said that it would.
void logins::end(std::uint32_t number, bool is_blamed, bool was_cut, instant now, decisions& out) {
  node& ended = nodes_.nodes[number];
  suspects_.note_end(ended, was_cut, now);
  out.actions.emplace_back(forget{ended.login, is_blamed});
  nodes_.unbind(ended.login);
  ended.live = false;
  ended.login = login_id{nowhere};
  const bool was_alone = suspects_.is_alone(number);
  nodes_.forget_brought(number);
  suspects_.login_ended(number);
  return_awaiting(number, false);
  return_lined_up(number);
  return_outstanding(number, is_blamed, was_alone, out);
  for (const node::place& each : ended.placements) {
    placement& at = nodes_.capabilities[each.capability].placements[each.placement];
    at.credit = 0;
    at.is_served = false;
    at.breaker = "closed";
    at.blocked_until = {};
    at.is_shut = false;
    at.why_shut.clear();
    at.forced.clear();
  }
}

/// Puts the worker's calls in hand back to the front of the queues, in the order in which they were
/// sent.
void logins::return_outstanding(
    std::uint32_t number, bool is_blamed, bool was_alone, decisions& out) {
  node& ended = nodes_.nodes[number];
  while (ended.outstanding.tail != nowhere) {
    const std::uint32_t index = ended.outstanding.tail;
    call& held = calls_[index];
    calls_.take_out(index);
    held.was_left = true;
    held.given_to = number;
    held.may_come_late = true;
    if (is_blamed) {
      ended.blamed.push_back(held.id);
      suspects_.blame(index, ended, was_alone, out);
    } else if (held.waiters.empty()) {
      calls_.remove(index); // Its time was up long ago.
    } else {
      calls_.put_back(index);
    }
  }
}

/// Lets calls that waited for the worker because of their key wait for any worker, behind those it
/// had in hand.
void logins::return_lined_up(std::uint32_t number) {
  for (const node::place& each : nodes_.nodes[number].placements) {
    const call_list& line = nodes_.capabilities[each.capability].placements[each.placement].line;
    while (line.tail != nowhere) {
      const std::uint32_t index = line.tail;
      calls_.take_out(index);
      calls_.put_back(index);
    }
  }
}

/// Calls that were answered "pending" are sent again: the process that would have answered may be
/// gone, or had no link when it did. All of the capability, not only those of this node, since any
/// node may have taken them over; the inbox answers "pending" again, or with the stored answer.
///
/// @param is_new the node has logged in: without an inbox nothing is run a second time.
void logins::return_awaiting(std::uint32_t number, bool is_new) {
  for (const node::place& each : nodes_.nodes[number].placements) {
    capability& where = nodes_.capabilities[each.capability];
    if (is_new && !where.placements[each.placement].inbox) {
      continue;
    }
    while (where.awaiting.tail != nowhere) {
      const std::uint32_t index = where.awaiting.tail;
      calls_.take_out(index);
      calls_.put_back(index);
    }
  }
}

} // namespace troupe::broker
