#include "runtime/broker/calls/dispatch.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

// The most calls at the head of a queue that are skipped because every node with room has refused
// them, so that the calls behind them can be sent.
constexpr int looked_past_max = 8;

constexpr milliseconds refusal_wait_unknown{100};

} // namespace

void dispatch::place(std::uint32_t index, instant now, decisions& out) {
  call& made = calls_[index];
  capability& to = nodes_.capabilities[made.capability];
  choice found;
  if (to.queue.size == 0) {
    found = choose_for(made, now);
    if (const std::uint32_t at = line_of_key(made); at != nowhere) {
      found.is = choice::verdict::wait;
      found.placement = at; // The call waits behind those that came before it.
    }
    if (found.is == choice::verdict::go
        && (!made.has_key || to.placements[found.placement].line.size == 0)) {
      return send(index, found.placement, now, out);
    }
    if (found.is == choice::verdict::exhausted) {
      return give_up(index, found, out);
    }
  }
  if (to.waiting() >= to.queue_max) {
    ++counts_.overloaded;
    return callers_.end(
        index,
        {.code = errc::overloaded,
         .message = fmt::format("{} calls wait for `{}`, the limit", to.waiting(), to.name),
         .retry_after = to.rate.time_for(to.waiting() + 1)},
        out);
  }
  if (found.placement != nowhere) {
    calls_.line_up(index, found.placement);
    if (found.is == choice::verdict::go) {
      pump(made.capability, now, out); // The placement has room, and others are first.
    }
    return;
  }
  calls_.queue(index);
  if (to.queue.size > 1) {
    // The calls ahead may wait for nodes that this call does not need.
    pump(made.capability, now, out);
  }
}

choice dispatch::choose_for(const call& what, instant now) const {
  return choose(
      nodes_,
      nodes_.capabilities[what.capability],
      what,
      what.has_key ? calls_.hold_of_key(what) : key_hold{},
      quarantine_.node(),
      now);
}

/// The placement in whose line a call of the same key waits, if that can be another one than the
/// key would be given to now; else `nowhere`.
std::uint32_t dispatch::line_of_key(const call& what) const {
  const capability& where = nodes_.capabilities[what.capability];
  if (!what.has_key || !where.may_move || where.lined_up == 0) {
    return nowhere;
  }
  for (std::uint32_t i = 0; i < where.placements.size(); ++i) {
    for (std::uint32_t at = where.placements[i].line.head; at != nowhere; at = calls_[at].next) {
      if (calls_[at].key_digest == what.key_digest) {
        return i;
      }
    }
  }
  return nowhere;
}

void dispatch::send(std::uint32_t index, std::uint32_t placement, instant now, decisions& out) {
  call& sent = calls_[index];
  const instant until = sent.latest_deadline();
  if (until <= now) {
    // Expired work is not started.
    (void)callers_.expire(index, now, out);
    return calls_.remove(index);
  }
  ++counts_.delivered;
  sent.has_more_time = false;
  wire::patch_ttl(sent.bytes.data(), sent.ttl_at, wire::ttl_of(until - now));
  capability& where = nodes_.capabilities[sent.capability];
  if (sent.was_delivered) {
    ++counts_.redelivered;
  } else {
    where.times.queue.record(now - sent.arrived);
  }
  where.next_placement = placement + 1;
  calls_.occupy(index, placement);
  const login_id to = nodes_.nodes[where.placements[placement].node].login;
  cuts_.sent(to, {.id = sent.id, .bytes = sent.body().size()}, now);
  out.actions.emplace_back(deliver{to, index});
}

void dispatch::pump(std::uint32_t where, instant now, decisions& out) {
  capability& from = nodes_.capabilities[where];
  int looked_past = 0;
  for (std::uint32_t index = from.queue.head; index != nowhere;) {
    if (from.lined_up != 0) {
      // Neither the queue nor the lines may use all the room of the other.
      pump_lines(where, &calls_[from.queue.head], now, out);
    }
    call& first = calls_[index];
    const std::uint32_t next = first.next;
    const choice found = choose_for(first, now);
    if (found.is == choice::verdict::wait && found.placement == nowhere) {
      if (first.tried.empty() || ++looked_past > looked_past_max) {
        break;
      }
    } else {
      calls_.take_out(index);
      if (found.is == choice::verdict::go) {
        send(index, found.placement, now, out);
      } else if (found.is == choice::verdict::wait) {
        calls_.line_up(index, found.placement);
      } else {
        give_up(index, found, out);
      }
    }
    index = next;
  }
  if (from.lined_up != 0) {
    pump_lines(where, nullptr, now, out);
  }
}

/// Sends the first calls in the lines of capability `where`, while there is room; with `before`
/// only those that arrived earlier than that call. A call that waits although its placement has
/// room (its key is in hand elsewhere) delays no other key.
void dispatch::pump_lines(std::uint32_t where, const call* before, instant now, decisions& out) {
  capability& from = nodes_.capabilities[where];
  for (const placement& each : from.placements) {
    int looked_past = 0;
    for (std::uint32_t index = each.line.head; index != nowhere;) {
      const bool is_full = each.outstanding >= each.credit && each.credit != 0;
      if (is_full || (before != nullptr && before->came_before(calls_[index]))) {
        break;
      }
      const std::uint32_t next = calls_[index].next;
      if (!advance_line(index, now, out)) {
        from.may_move = true;
        if (++looked_past > looked_past_max) {
          break;
        }
      }
      index = next;
    }
  }
}

/// Checks all calls in the lines of capability `where`, also of full placements.
void dispatch::review_lines(std::uint32_t where, instant now, decisions& out) {
  capability& of = nodes_.capabilities[where];
  of.may_move = std::ranges::any_of(of.placements, [&](const placement& each) {
    return each.blocked_until > now && each.blocked_until != instant::max();
  });
  for (std::uint32_t i = 0; i < of.placements.size(); ++i) {
    for (std::uint32_t index = of.placements[i].line.head; index != nowhere;) {
      const std::uint32_t next = calls_[index].next;
      if (!advance_line(index, now, out)) {
        const choice free = choose(nodes_, of, calls_[index], {}, quarantine_.node(), now);
        of.may_move = of.may_move || free.placement != i || free.is == choice::verdict::go;
      }
      index = next;
    }
  }
}

/// Sends or gives up a call of a line, if possible.
/// @return whether the call has left its line: it was sent, given up, or belongs elsewhere by now.
bool dispatch::advance_line(std::uint32_t index, instant now, decisions& out) {
  const choice found = choose_for(calls_[index], now);
  if (found.is == choice::verdict::wait
      && (found.placement == nowhere || found.placement == calls_[index].placement)) {
    return false;
  }
  calls_.take_out(index);
  if (found.is == choice::verdict::go) {
    send(index, found.placement, now, out);
  } else if (found.is == choice::verdict::wait) {
    calls_.line_up(index, found.placement);
  } else {
    give_up(index, found, out);
  }
  return true;
}

void dispatch::pump_node(std::uint32_t number, instant now, decisions& out) {
  const node& at = nodes_.nodes[number];
  for (std::size_t i = 0; i < at.placements.size(); ++i) {
    review_lines(at.placements[i].capability, now, out);
    pump(at.placements[i].capability, now, out);
  }
}

void dispatch::pump_unblocked(instant now, decisions& out) {
  for (std::uint32_t where = 0; where < nodes_.capabilities.size(); ++where) {
    const capability& each = nodes_.capabilities[where];
    const bool was_blocked =
        each.waiting() != 0 && std::ranges::any_of(each.placements, [](const placement& at) {
          return at.blocked_until != instant{};
        });
    if (each.may_move && each.lined_up != 0) {
      review_lines(where, now, out);
    }
    if (was_blocked) {
      pump(where, now, out);
    }
  }
}

void dispatch::give_up(std::uint32_t index, const choice& why, decisions& out) {
  if (why.shut != nowhere) {
    return give_up_shut(index, why.shut, out);
  }
  const capability& where = nodes_.capabilities[calls_[index].capability];
  const std::string_view reason = why.refusal == errc::circuit_open ? "has an open circuit breaker"
                                  : why.refusal == errc::overloaded ? "is overloaded"
                                                                    : "is unavailable";
  // A node that refused the call did not run it; one that left with it in hand may have.
  const call& refused = calls_[index];
  const bool was_held = refused.was_left || (refused.was_delivered && refused.tried.empty());
  if (why.refusal == errc::unknown_operation) {
    return callers_.end(
        index,
        {.code = why.refusal,
         .possible = was_held ? effect::unknown : effect::none,
         .message =
             fmt::format("no live node of `{}` has the operation `{}`", where.name, refused.op())},
        out);
  }
  const std::string forced =
      why.refusal == errc::circuit_open ? forced_words(where) : std::string{};
  error told{
      .code = why.refusal,
      .possible = was_held ? effect::unknown : effect::none,
      .message = fmt::format("every live node of `{}` {}{}", where.name, reason, forced),
      .retry_after = why.refusal_wait.count() > 0 ? why.refusal_wait : refusal_wait_unknown};
  if (!forced.empty()) {
    told.details.emplace_back("fault", "forced");
  }
  callers_.end(index, told, out);
}

/// Ends a call whose capability is shut at every live node. The error says what a person must do.
void dispatch::give_up_shut(std::uint32_t index, std::uint32_t number, decisions& out) {
  const call& refused = calls_[index];
  const capability& where = nodes_.capabilities[refused.capability];
  const placement& at = where.placements[number];
  callers_.end(
      index,
      {.code = errc::unavailable,
       // The worker that had the call is gone: if a worker had refused it, that refusal would be
       // the answer.
       .possible = refused.was_delivered ? effect::unknown : effect::none,
       .message = fmt::format(
           "every live node of `{}` is down; {}: {}",
           where.name,
           nodes_.nodes[at.node].name,
           at.why_shut),
       .details = {{"fault", "shut"}}},
      out);
}

/// The live node whose breaker a person forced open, and the reason, since waiting does not end a
/// forced state.
std::string dispatch::forced_words(const capability& where) const {
  for (const placement& each : where.placements) {
    const node& at = nodes_.nodes[each.node];
    if (at.live && each.blocked_until == instant::max()) {
      return fmt::format("; that of {} is {}", at.name, each.forced);
    }
  }
  return {};
}

} // namespace troupe::broker
