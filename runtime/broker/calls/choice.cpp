#include "runtime/broker/calls/choice.hpp"

#include "runtime/bytes.hpp"

#include <limits>

namespace troupe::broker {

namespace {

/// The finalizer of MurmurHash3. Brokers of all releases must choose the same node for a key.
std::uint64_t weight_of(std::uint64_t key, std::uint64_t node) {
  std::uint64_t value = key ^ (node * golden_ratio);
  value = (value ^ value >> 33U) * 0xff51afd7ed558ccdULL;
  value = (value ^ value >> 33U) * 0xc4ceb9fe1a85ec53ULL;
  return value ^ value >> 33U;
}

constexpr std::uint64_t weight_max = std::numeric_limits<std::uint64_t>::max();

} // namespace

choice choose(
    const directory& nodes,
    const capability& where,
    const call& what,
    const key_hold& hold,
    login_id kept_free,
    instant now) {
  choice best;
  bool has_room = false;
  std::uint64_t best_weight = 0;
  std::uint32_t least = nowhere;
  bool is_open_somewhere = false;
  bool is_refused = !what.tried.empty();
  bool is_awaited = false;
  std::uint32_t shut = nowhere;
  best.refusal = what.refusal;
  best.refusal_wait = what.refusal_wait;
  const auto count = static_cast<std::uint32_t>(where.placements.size());
  for (std::uint32_t step = 0, i = where.next_placement; step < count; ++step, ++i) {
    i = i >= count ? 0 : i;
    const placement& each = where.placements[i];
    const node& at = nodes.nodes[each.node];
    if (!at.live || at.draining) {
      // The node may log in again and serve a capability that is shut at the others.
      is_awaited = true;
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
    if (each.credit == 0 || (!what.tried.empty() && what.was_tried_at(each.node))) {
      is_awaited = true;
      continue;
    }
    is_open_somewhere = true;
    const bool is_free = each.outstanding < each.credit && at.login != kept_free;
    if (what.has_key) {
      const std::uint64_t weight =
          i == hold.placement ? weight_max : weight_of(what.key_digest, at.digest);
      if (best.placement == nowhere || weight > best_weight) {
        best.placement = i;
        best_weight = weight;
        has_room = is_free;
      }
    } else if (is_free && each.outstanding < least) {
      best.placement = i;
      least = each.outstanding;
      has_room = true;
    }
  }
  const bool is_elsewhere = best.placement != hold.placement || hold.elsewhere != 0;
  if (hold.placement != nowhere && best.placement != nowhere && is_elsewhere) {
    // A worker with calls of the key in hand accepts no more: until these are done no other node
    // may begin one.
    best.placement = hold.placement;
    has_room = false;
  }
  if (best.placement != nowhere) {
    best.is = has_room ? choice::verdict::go : choice::verdict::wait;
  } else if (!is_open_somewhere && is_refused) {
    best.is = choice::verdict::exhausted;
  } else if (!is_open_somewhere && shut != nowhere && !is_awaited) {
    best.is = choice::verdict::exhausted;
    best.shut = shut;
  }
  return best;
}

choice
choose_alone(const directory& nodes, const capability& where, const call& what, instant now) {
  choice best;
  best.refusal = what.refusal;
  best.refusal_wait = what.refusal_wait;
  std::uint32_t least = nowhere;
  for (std::uint32_t i = 0; i < where.placements.size(); ++i) {
    const placement& each = where.placements[i];
    const node& at = nodes.nodes[each.node];
    if (!at.live || at.draining || each.is_shut || each.credit == 0 || each.blocked_until > now) {
      continue;
    }
    if (best.is == choice::verdict::wait) {
      // The verdict stays `exhausted` only if every node has refused the suspect already.
      best.is = choice::verdict::exhausted;
    }
    if (!what.was_tried_at(each.node) && at.outstanding.size < least) {
      best.is = choice::verdict::go;
      best.placement = i;
      least = at.outstanding.size;
    }
  }
  return best;
}

} // namespace troupe::broker
