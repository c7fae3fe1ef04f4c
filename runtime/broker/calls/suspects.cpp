#include "runtime/broker/calls/router.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

/// A worker died with this call, which is in no list, in hand: queue it at the front, suspect it,
/// or convict it. Whose turn it is next is for the caller to see to.
void router::blame(std::uint32_t index, std::string_view node, decisions& out) {
  broker::call& blamed = calls_[index];
  ++blamed.deaths;
  blamed_.set(blamed.id, blamed.deaths);
  if (blamed.deaths >= deaths_convicted) {
    out.log.push_back(make_event(
        "call_convicted",
        {{"id", to_string(blamed.id)},
         {"capability", nodes_.capabilities[blamed.capability].name},
         {"operation", std::string{blamed.op()}},
         {"node", std::string{node}}}));
    ++counts_.convicted;
    return convict(index, out);
  }
  if (blamed.deaths >= deaths_suspected) {
    return suspect(index, out); // Behind the others, whom its next death would hold up.
  }
  put_back(index);
}

/// Puts a call, which is in no list, where it is next: at the front of its queue, or of the
/// suspects.
void router::put_back(std::uint32_t index) {
  broker::call& what = calls_[index];
  const bool is_suspect = what.deaths >= deaths_suspected;
  what.is = is_suspect ? call::phase::suspected : call::phase::queued;
  calls_.push_front(is_suspect ? suspects_ : nodes_.capabilities[what.capability].queue, index);
}

/// Answers a call that too many workers died of. It is in no list.
void router::convict(std::uint32_t index, decisions& out) {
  refuse_waiters(
      index,
      {.code = errc::crashed,
       .possible = effect::unknown,
       .message = fmt::format(
           "{} workers died while they handled this call, the last {} with nothing else in hand; "
           "it is not tried again",
           deaths_convicted,
           deaths_convicted - deaths_suspected)},
      out);
  drop(index);
}

/// Puts a call, which is in no list, in line to be sent alone.
void router::suspect(std::uint32_t index, decisions& out) {
  broker::call& what = calls_[index];
  ++counts_.suspects;
  what.is = call::phase::suspected;
  calls_.push_back(suspects_, index);
  out.log.push_back(make_event(
      "call_suspected",
      {{"id", to_string(what.id)},
       {"capability", nodes_.capabilities[what.capability].name},
       {"operation", std::string{what.op()}},
       {"deaths", std::to_string(what.deaths)}}));
}

/// If no suspect has its turn: gives it to the first one that some node can take.
void router::isolate_next(instant now, decisions& out) {
  for (std::uint32_t index = suspects_.head; index != nowhere && isolation_.call == nowhere;) {
    const std::uint32_t next = calls_[index].next;
    if (isolate(index, now, out)) {
      break;
    }
    index = next;
  }
  if (isolation_.call == nowhere) {
    quarantine_.release(suspect_of::calls);
  }
  advance_isolation(now, out);
}

/// Keeps the least loaded node that serves the suspect free for it. True if there is one.
bool router::isolate(std::uint32_t index, instant now, decisions& out) {
  const broker::call& what = calls_[index];
  const capability& where = nodes_.capabilities[what.capability];
  std::uint32_t best = nowhere;
  bool is_usable_anywhere = false;
  for (const placement& each : where.placements) {
    if (!is_usable(each, now)) {
      continue;
    }
    is_usable_anywhere = true;
    const bool tried =
        std::find(what.tried.begin(), what.tried.end(), each.node) != what.tried.end();
    if (!tried
        && (best == nowhere
            || nodes_.nodes[each.node].outstanding.size < nodes_.nodes[best].outstanding.size)) {
      best = each.node;
    }
  }
  if (best != nowhere) {
    isolation_ = {index, best, false};
    quarantine_.request(suspect_of::calls, nodes_.nodes[best].login);
    return true;
  }
  if (is_usable_anywhere) {
    unlist(index);
    give_up(
        index,
        {.is = choice::verdict::exhausted,
         .placement = nowhere,
         .refusal = what.refusal,
         .refusal_wait = what.refusal_wait},
        out);
  }
  return false;
}

/// Says so if the node that is kept free has no call in hand, and sends the suspect if that is all
/// it waited for.
void router::advance_isolation(instant now, decisions& out) {
  const std::uint32_t kept_free = nodes_.node_of(quarantine_.node());
  if (kept_free == nowhere || nodes_.nodes[kept_free].outstanding.size == 0) {
    quarantine_.emptied(quarantine::work::calls);
  }
  const std::uint32_t index = isolation_.call;
  if (index == nowhere || isolation_.is_running || !quarantine_.is_granted(suspect_of::calls)) {
    return;
  }
  const std::uint32_t placement = nodes_.lane_of(calls_[index].capability, isolation_.node);
  if (calls_[index].latest_deadline() <= now) {
    return; // The next tick answers it and ends its turn.
  }
  unlist(index);
  isolation_.is_running = true;
  send(index, placement, now, out);
}

/// If it was the turn of `index`: frees its node for others and goes on with the next suspect.
void router::end_isolation_of(std::uint32_t index, instant now, decisions& out) {
  if (isolation_.call != index || index == nowhere) {
    return;
  }
  const std::uint32_t number = isolation_.node;
  if (calls_[index].is == call::phase::suspected) {
    unlist(index);
  }
  isolation_ = {};
  quarantine_.release(suspect_of::calls);
  isolate_next(now, out);
  pump_node(number, now, out);
}

void router::follow_quarantine(instant now, decisions& out) {
  const std::uint32_t freed = nodes_.node_of(kept_free_);
  const bool is_freed = quarantine_.node() != kept_free_ && freed != nowhere;
  kept_free_ = quarantine_.node();
  advance_isolation(now, out);
  if (is_freed) {
    pump_node(freed, now, out);
  }
}

} // namespace troupe::broker
