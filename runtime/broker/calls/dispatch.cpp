#include "runtime/broker/calls/router.hpp"
#include "runtime/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

// Calls that some node refused may wait for a busy one, ahead of others that need not: how many of
// them are looked past.
constexpr int looked_past_max = 8;

constexpr milliseconds refusal_wait_unknown{100};

bool was_tried(const call& what, std::uint32_t node) {
  return std::find(what.tried.begin(), what.tried.end(), node) != what.tried.end();
}

} // namespace

bool router::is_usable(const placement& placement, instant now) const {
  const node& at = nodes_.nodes[placement.node];
  return at.live && !at.draining && !placement.is_shut && placement.credit > 0
         && placement.blocked_until <= now;
}

/// With a key: the node with the greatest weight for it that has room (rendezvous hashing), so that
/// a node that comes or goes moves only its own keys. Without: the least loaded, ties in turn.
router::choice
router::choose(const capability& where, const broker::call& what, instant now) const {
  choice best;
  std::uint64_t best_weight = 0;
  std::uint32_t least = nowhere;
  bool is_open_somewhere = false;
  bool is_refused = !what.tried.empty();
  bool is_awaited = false;
  std::uint32_t shut = nowhere;
  best.refusal = what.refusal;
  best.refusal_wait = what.refusal_wait;
  const auto count = static_cast<std::uint32_t>(where.placements.size());
  const login_id kept_free = quarantine_.node();
  for (std::uint32_t step = 0, i = where.next_lane; step < count; ++step, ++i) {
    i = i >= count ? 0 : i;
    const placement& each = where.placements[i];
    const node& at = nodes_.nodes[each.node];
    if (!at.live || at.draining) {
      is_awaited = true; // It logs in again, and may serve what is shut elsewhere.
      continue;
    }
    if (each.is_shut) {
      shut = i;
      continue;
    }
    if (each.blocked_until > now) {
      const auto wait = each.blocked_until == instant::max()
                            ? each.retry_after
                            : std::chrono::ceil<milliseconds>(each.blocked_until - now);
      if (!is_refused || wait < best.refusal_wait) {
        best.refusal = each.breaker == "open" ? errc::circuit_open : errc::unavailable;
        best.refusal_wait = wait;
      }
      is_refused = true;
      continue;
    }
    if (each.credit == 0 || (!what.tried.empty() && was_tried(what, each.node))) {
      is_awaited = true;
      continue;
    }
    is_open_somewhere = true;
    if (each.outstanding >= each.credit || at.login == kept_free) {
      continue;
    }
    if (what.has_key) {
      const std::uint64_t weight = mixed(what.key_digest ^ at.digest * golden_ratio);
      if (best.placement == nowhere || weight > best_weight) {
        best.placement = i;
        best_weight = weight;
      }
    } else if (each.outstanding < least) {
      best.placement = i;
      least = each.outstanding;
    }
  }
  if (best.placement != nowhere) {
    best.is = choice::verdict::go;
  } else if (!is_open_somewhere && is_refused) {
    best.is = choice::verdict::exhausted;
  } else if (!is_open_somewhere && shut != nowhere && !is_awaited) {
    best.is = choice::verdict::exhausted;
    best.shut = shut;
  }
  return best;
}

/// Delivers a call that is in no list. `placement` must have room.
void router::send(std::uint32_t index, std::uint32_t placement, instant now, decisions& out) {
  broker::call& sent = calls_[index];
  const instant until = sent.latest_deadline();
  if (until <= now) {
    // Work whose time is up is not started.
    return expire(index, now, out);
  }
  ++counts_.delivered;
  counts_.redelivered += sent.was_delivered ? 1U : 0U;
  wire::patch_ttl(sent.bytes.data(), sent.ttl_at, wire::ttl_of(until - now));
  capability& where = nodes_.capabilities[sent.capability];
  where.next_lane = placement + 1;
  occupy(index, placement);
  out.actions.emplace_back(deliver{nodes_.nodes[where.placements[placement].node].login, index});
}

/// From here on the call uses credit of `number`, its placement.
void router::occupy(std::uint32_t index, std::uint32_t number) {
  broker::call& held = calls_[index];
  capability& where = nodes_.capabilities[held.capability];
  placement& at = where.placements[number];
  held.is = call::phase::outstanding;
  held.was_delivered = true;
  held.placement = number;
  ++at.outstanding;
  ++where.outstanding;
  calls_.push_back(nodes_.nodes[at.node].outstanding, index);
}

/// The worker has it no longer: the call is in no list then.
void router::release(std::uint32_t index) {
  broker::call& held = calls_[index];
  capability& where = nodes_.capabilities[held.capability];
  placement& at = where.placements[held.placement];
  --at.outstanding;
  --where.outstanding;
  calls_.unlink(nodes_.nodes[at.node].outstanding, index);
  held.is = call::phase::none;
  held.placement = nowhere;
}

/// Sends what the capability's queue holds, while there is room.
void router::pump(std::uint32_t where, instant now, decisions& out) {
  capability& from = nodes_.capabilities[where];
  int looked_past = 0;
  for (std::uint32_t index = from.queue.head; index != nowhere;) {
    broker::call& first = calls_[index];
    const std::uint32_t next = first.next;
    const choice found = choose(from, first, now);
    if (found.is == choice::verdict::wait) {
      if (first.tried.empty() || ++looked_past > looked_past_max) {
        return;
      }
    } else {
      calls_.unlink(from.queue, index);
      first.is = call::phase::none;
      if (found.is == choice::verdict::go) {
        send(index, found.placement, now, out);
      } else {
        give_up(index, found, out);
      }
    }
    index = next;
  }
}

/// Something changed at a node: more may be sent to it.
void router::pump_node(std::uint32_t number, instant now, decisions& out) {
  const node& at = nodes_.nodes[number];
  for (std::size_t i = 0; i < at.placements.size(); ++i) {
    pump(at.placements[i].capability, now, out);
  }
}

/// Which live node a person forced open, and why: that is not over by waiting.
std::string router::forced_words(const capability& where) const {
  for (const placement& each : where.placements) {
    const node& at = nodes_.nodes[each.node];
    if (at.live && each.blocked_until == instant::max()) {
      return fmt::format("; that of {} is {}", at.name, each.forced);
    }
  }
  return {};
}

/// Nobody takes the call, which is in no list: says so, with the smallest wait that was named.
void router::give_up(std::uint32_t index, const choice& why, decisions& out) {
  if (why.shut != nowhere) {
    return give_up_shut(index, why.shut, out);
  }
  const capability& where = nodes_.capabilities[calls_[index].capability];
  const std::string_view reason = why.refusal == errc::circuit_open ? "has an open circuit breaker"
                                  : why.refusal == errc::overloaded ? "is overloaded"
                                                                    : "is unavailable";
  // Those that refused it had no part in it; whoever is gone may have had.
  const broker::call& refused = calls_[index];
  const bool was_held = refused.was_left || (refused.was_delivered && refused.tried.empty());
  refuse_waiters(
      index,
      {.code = why.refusal,
       .possible = was_held ? effect::unknown : effect::none,
       .message = fmt::format(
           "every live node of `{}` {}{}",
           where.name,
           reason,
           why.refusal == errc::circuit_open ? forced_words(where) : std::string{}),
       .retry_after = why.refusal_wait.count() > 0 ? why.refusal_wait : refusal_wait_unknown},
      out);
  drop(index);
}

/// Nobody will take the call before a person has done something: passes on what that is.
void router::give_up_shut(std::uint32_t index, std::uint32_t number, decisions& out) {
  const broker::call& refused = calls_[index];
  const capability& where = nodes_.capabilities[refused.capability];
  const placement& at = where.placements[number];
  refuse_waiters(
      index,
      {.code = errc::unavailable,
       // Nobody refused it after it was sent, or that would be the answer: whoever had it is gone.
       .possible = refused.was_delivered ? effect::unknown : effect::none,
       .message = fmt::format(
           "every live node of `{}` is down; {}: {}",
           where.name,
           nodes_.nodes[at.node].name,
           at.why_shut)},
      out);
  drop(index);
}

/// Frees the slot of a call, from wherever it is.
void router::drop(std::uint32_t index) {
  unlist(index);
  timers_.cancel(index);
  calls_.remove(index);
}

/// Takes the call out of the list it is in.
void router::unlist(std::uint32_t index) {
  broker::call& listed = calls_[index];
  capability& where = nodes_.capabilities[listed.capability];
  switch (listed.is) {
  case call::phase::none:
    break;
  case call::phase::queued:
    calls_.unlink(where.queue, index);
    break;
  case call::phase::suspected:
    calls_.unlink(suspects_, index);
    break;
  case call::phase::awaiting:
    calls_.unlink(where.awaiting, index);
    break;
  case call::phase::outstanding:
    release(index);
    break;
  }
  listed.is = call::phase::none;
}

} // namespace troupe::broker
