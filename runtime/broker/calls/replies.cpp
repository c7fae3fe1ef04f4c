#include "runtime/broker/calls/router.hpp"

#include <algorithm>

namespace troupe::broker {

namespace {

/// Whether another node may be asked: this one did nothing, and not because of the call.
bool is_worth_another_try(const error& why) {
  return why.possible == effect::none
         && (why.code == errc::circuit_open || why.code == errc::overloaded
             || why.code == errc::unavailable);
}

} // namespace

void router::reply(
    login_id from,
    const wire::header_view& header,
    std::string_view header_bytes,
    std::string_view body,
    instant now,
    decisions& out) {
  const std::uint32_t number = nodes_.node_of(from);
  if (number == nowhere) {
    ++counts_.stray_replies;
    return;
  }
  ++counts_.replies;
  nodes_.nodes[number].heard = now;
  const std::uint32_t index = calls_.find(header.id);
  if (index == nowhere) {
    ++counts_.late_replies;
    if (!held_.empty()) {
      (void)held_.take(header.id);
    }
    return;
  }
  const broker::call& known = calls_[index];
  const std::uint32_t where = known.capability;
  // The answer counts whoever sends it: a call may have been handed on while the first worker,
  // whose link was lost for a moment, was finishing it. Only the one it was sent to gives credit
  // back.
  const bool is_mine = known.is == call::phase::outstanding
                       && nodes_.capabilities[where].placements[known.placement].node == number;
  if (header.status == wire::status::pending) {
    if (!is_mine) {
      ++counts_.late_replies;
      return;
    }
    take_pending(index, now, out);
  } else if (
      header.status != wire::status::error || !try_elsewhere(index, is_mine, header, now, out)) {
    take_answer(index, is_mine, header_bytes, body, now, out);
  }
  if (is_mine) {
    after_release(number, where, now, out);
  }
}

void router::take_pending(std::uint32_t index, instant now, decisions& out) {
  broker::call& known = calls_[index];
  ++counts_.pending;
  release(index);
  end_isolation_of(index, now, out);
  if (known.waiters.empty()) {
    return drop(index);
  }
  known.is = call::phase::awaiting;
  calls_.push_back(nodes_.capabilities[known.capability].awaiting, index);
}

/// True if `header` is a refusal that is not passed on: another node is asked, or it came too late.
bool router::try_elsewhere(
    std::uint32_t index,
    bool is_mine,
    const wire::header_view& header,
    instant now,
    decisions& out) {
  const auto why = wire::read_error(header.error);
  if (!why || !is_worth_another_try(*why)) {
    return false;
  }
  if (!is_mine) {
    ++counts_.late_replies;
    return true;
  }
  broker::call& known = calls_[index];
  capability& where = nodes_.capabilities[known.capability];
  const std::uint32_t number = where.placements[known.placement].node;
  release(index);
  end_isolation_of(index, now, out);
  if (known.waiters.empty()) {
    drop(index);
    return true;
  }
  ++counts_.tried_elsewhere;
  if (nodes_.nodes[number].draining) {
    // It says no more than what is known: the next of its name may be asked.
    put_back(index);
    isolate_next(now, out);
    return true;
  }
  const milliseconds wait = why->retry_after.value_or(milliseconds{0});
  if (known.tried.empty() || wait < known.refusal_wait) {
    known.refusal = why->code;
    known.refusal_wait = wait;
  }
  known.tried.push_back(number);
  put_back(index);
  isolate_next(now, out); // Its queue is pumped by after_release.
  return true;
}

/// Passes a final answer on to all who wait.
void router::take_answer(
    std::uint32_t index,
    bool is_mine,
    std::string_view header,
    std::string_view body,
    instant now,
    decisions& out) {
  broker::call& known = calls_[index];
  for (const waiter& each : known.waiters) {
    ++counts_.answered;
    out.actions.emplace_back(answer{each.to, header, body});
  }
  known.waiters.clear();
  timers_.cancel(index);
  nodes_.capabilities[known.capability].rate.note(now);
  if (known.is == call::phase::outstanding && !is_mine) {
    return; // Uses credit at another worker until that one replies too.
  }
  if (known.deaths != 0) {
    blamed_.clear(known.id);
  }
  unlist(index);
  end_isolation_of(index, now, out);
  drop(index);
}

/// A worker has room again.
void router::after_release(std::uint32_t number, std::uint32_t where, instant now, decisions& out) {
  if (nodes_.nodes[number].login == quarantine_.node()) {
    advance_isolation(now, out);
  }
  if (nodes_.capabilities[where].queue.size != 0) {
    pump(where, now, out);
  }
}

} // namespace troupe::broker
