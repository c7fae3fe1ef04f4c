#include "runtime/broker/calls/router.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

outcome<void>
router::check_hello(std::uint32_t number, const wire::hello& hello, instant now) const {
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
  if (hello.plan != options_.plan_digest) {
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
  return {};
}

outcome<void> router::hello(login_id login, const wire::hello& hello, instant now, decisions& out) {
  const std::uint32_t number = nodes_.find_node(hello.node);
  if (auto checked = check_hello(number, hello, now); !checked) {
    ++counts_.logins_refused;
    return failure{std::move(checked).error()};
  }
  node& joined = nodes_.nodes[number];
  const bool is_same_process = joined.incarnation == hello.incarnation;
  if (joined.live) {
    // The same process on a new connection lost only its link; another one has outlived the first.
    counts_.workers_lost += 1;
    end_login(number, !is_same_process, out);
  }
  if (is_same_process) {
    take_back_deaths(number);
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
  const std::uint32_t own = nodes_.find_capability("troupe.node." + joined.name);
  nodes_.capabilities[own].placements[nodes_.lane_of(own, number)].credit = options_.node_credit;
  adopt(number, hello, now);
  out.log.push_back(make_event(
      "worker_joined",
      {{"node", joined.name},
       {"incarnation", to_string(joined.incarnation)},
       {"pid", std::to_string(joined.pid)}}));
  out.actions.emplace_back(send_roster{});
  isolate_next(now, out);
  pump_node(number, now, out);
  return {};
}

/// It did not die: only its link did, with whatever it had answered.
void router::take_back_deaths(std::uint32_t number) {
  for (const uuid& id : nodes_.nodes[number].blamed) {
    const std::uint8_t deaths = blamed_.deaths_of(id);
    if (deaths == 0) {
      continue; // It was answered since.
    }
    if (deaths == 1) {
      blamed_.clear(id);
    } else {
      blamed_.set(id, static_cast<std::uint8_t>(deaths - 1));
    }
    if (const std::uint32_t index = calls_.find(id); index != nowhere) {
      calls_[index].deaths = static_cast<std::uint8_t>(deaths - 1);
    }
  }
}

/// Calls the worker still has in hand from an earlier login are outstanding there, not here.
void router::adopt(std::uint32_t number, const wire::hello& hello, instant now) {
  for (const uuid& id : hello.in_flight) {
    const std::uint32_t index = calls_.find(id);
    if (index == nowhere) {
      (void)held_.add(id, number);
      continue;
    }
    broker::call& known = calls_[index];
    const bool is_waiting = known.is == call::phase::queued
                            || (known.is == call::phase::suspected && isolation_.call != index);
    if (!is_waiting || known.latest_deadline() <= now) {
      continue; // Somebody has it: the inbox makes the second run harmless.
    }
    unlist(index);
    ++counts_.adopted;
    occupy(index, nodes_.lane_of(known.capability, number));
  }
}

void router::take_serves(
    std::uint32_t number, const std::vector<wire::served>& serves, instant now) {
  for (const wire::served& each : serves) {
    const std::uint32_t where = nodes_.find_capability(each.capability);
    if (where == nowhere || each.capability.starts_with("troupe.")) {
      continue; // Not in the topology: nobody can call it either.
    }
    placement& at = nodes_.capabilities[where].placements[nodes_.lane_of(where, number)];
    at.credit = each.credit;
    at.inbox = each.inbox;
    at.replicas = each.replicas;
    at.breaker = each.breaker;
    at.forced = each.forced.value_or("");
    at.retry_after = milliseconds{each.retry_after_ms};
    const bool is_avoided = each.breaker == "open" || each.breaker == "down";
    at.is_shut = each.shut.has_value();
    at.why_shut = each.shut.value_or("");
    // Nobody knows when a person will give back what is forced open: until a STATE says so.
    const bool is_forced_open = each.breaker == "open" && !at.forced.empty();
    at.blocked_until = is_forced_open ? instant::max()
                       : is_avoided   ? now + at.retry_after
                                      : instant{};
  }
}

void router::state(login_id login, const wire::state& state, instant now, decisions& out) {
  const std::uint32_t number = nodes_.node_of(login);
  if (number == nowhere) {
    return;
  }
  node& changed = nodes_.nodes[number];
  changed.heard = now;
  if (changed.draining != state.draining) {
    changed.draining = state.draining;
    out.log.push_back(make_event(
        state.draining ? "worker_draining" : "worker_resumed", {{"node", changed.name}}));
  }
  take_serves(number, state.serves, now);
  if (isolation_.node == number && !isolation_.is_running) {
    isolation_ = {}; // It may not take the suspect any more: choose again.
  }
  isolate_next(now, out);
  pump_node(number, now, out);
}

void router::pong(login_id login, const wire::pong& progress, instant now) {
  const std::uint32_t number = nodes_.node_of(login);
  if (number != nowhere) {
    nodes_.nodes[number].heard = now;
    nodes_.nodes[number].progress = progress;
  }
}

void router::gone(login_id login, std::string_view why, instant now, decisions& out) {
  if (is_worker(login)) {
    ++counts_.workers_lost;
    leave(login, true, why, now, out);
  }
}

void router::bye(login_id login, std::string_view why, instant now, decisions& out) {
  if (is_worker(login)) {
    ++counts_.workers_left;
    leave(login, false, why, now, out);
  }
}

void router::leave(
    login_id login, bool is_blamed, std::string_view why, instant now, decisions& out) {
  const std::uint32_t number = nodes_.node_of(login);
  const node& left = nodes_.nodes[number];
  out.log.push_back(make_event(
      is_blamed ? "worker_lost" : "worker_left",
      {{"node", left.name},
       {"incarnation", to_string(left.incarnation)},
       {"why", std::string{why}},
       {"outstanding", std::to_string(left.outstanding.size)}}));
  end_login(number, is_blamed, out);
  out.actions.emplace_back(send_roster{});
  isolate_next(now, out);
  pump_node(number, now, out);
}

/// Takes back all that a node had, and sends nothing yet.
void router::end_login(std::uint32_t number, bool is_blamed, decisions& out) {
  node& ended = nodes_.nodes[number];
  out.actions.emplace_back(forget{ended.login, is_blamed});
  nodes_.unbind(ended.login);
  ended.live = false;
  ended.login = login_id{nowhere};
  held_.forget_node(number);
  if (isolation_.node == number) {
    // A suspect that was on its way is in the node's list, one that waited still in its own.
    isolation_ = {};
    quarantine_.release(suspect_of::calls);
  }
  return_awaiting(number);
  return_outstanding(number, is_blamed, out);
  for (const node::place& each : ended.placements) {
    placement& at = nodes_.capabilities[each.capability].placements[each.placement];
    at.credit = 0;
    at.breaker = "closed";
    at.blocked_until = {};
    at.is_shut = false;
    at.why_shut.clear();
    at.forced.clear();
  }
}

/// What the worker had in hand goes back to the front of the queues, in the order it was sent.
void router::return_outstanding(std::uint32_t number, bool is_blamed, decisions& out) {
  node& ended = nodes_.nodes[number];
  scratch_.clear();
  for (std::uint32_t i = ended.outstanding.head; i != nowhere; i = calls_[i].next) {
    scratch_.push_back(i);
  }
  for (auto each = scratch_.rbegin(); each != scratch_.rend(); ++each) {
    broker::call& held = calls_[*each];
    release(*each);
    held.was_left = true;
    if (is_blamed) {
      ended.blamed.push_back(held.id);
    }
    if (is_blamed && held.waiters.empty()) {
      blamed_.set(
          held.id, static_cast<std::uint8_t>(std::min<int>(held.deaths + 1, deaths_convicted)));
    }
    if (held.waiters.empty()) {
      drop(*each); // Its time was up long ago.
    } else if (is_blamed) {
      blame(*each, ended.name, out);
    } else {
      put_back(*each);
    }
  }
}

/// Calls that were answered "pending" are asked again: whoever would have answered may be gone. All
/// of the capability, not only those of this node, since any node may have taken them over; the
/// inbox answers "pending" once more.
void router::return_awaiting(std::uint32_t number) {
  for (const node::place& each : nodes_.nodes[number].placements) {
    capability& where = nodes_.capabilities[each.capability];
    while (where.awaiting.tail != nowhere) {
      const std::uint32_t index = where.awaiting.tail;
      calls_.unlink(where.awaiting, index);
      put_back(index);
    }
  }
}

void router::tick(instant now, decisions& out) {
  due_.clear();
  timers_.collect(now, due_);
  for (const std::uint32_t index : due_) {
    // One that was answered on the way, because another ended, has nobody waiting any more.
    if (!calls_[index].waiters.empty()) {
      expire(index, now, out);
    }
  }
  bool is_blocked_somewhere = false;
  for (std::uint32_t number = 0; number < nodes_.nodes.size(); ++number) {
    const node& each = nodes_.nodes[number];
    if (each.live && now - each.heard > options_.silence_max) {
      gone(each.login, "it fell silent", now, out);
    } else if (each.live) {
      for (const node::place& at : each.placements) {
        const capability& where = nodes_.capabilities[at.capability];
        is_blocked_somewhere =
            is_blocked_somewhere
            || (where.queue.size != 0 && where.placements[at.placement].blocked_until != instant{});
      }
    }
  }
  if (suspects_.size != 0) {
    isolate_next(now, out);
  }
  if (is_blocked_somewhere) {
    // A breaker may let calls through again that nothing else would set moving.
    for (std::uint32_t number = 0; number < nodes_.nodes.size(); ++number) {
      pump_node(number, now, out);
    }
  }
}

login_id router::login_of(std::string_view name) const {
  const std::uint32_t number = nodes_.find_node(name);
  return number == nowhere ? login_id{nowhere} : nodes_.nodes[number].login;
}

wire::roster router::roster() const {
  wire::roster all;
  for (const node& each : nodes_.nodes) {
    if (each.live) {
      all.workers.push_back({each.name, each.incarnation});
    }
  }
  return all;
}

} // namespace troupe::broker
