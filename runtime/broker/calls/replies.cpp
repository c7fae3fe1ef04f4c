#include "runtime/broker/calls/replies.hpp"

#include "runtime/config.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

// The `retry_after` of a caller whose pending call is not kept here: each attempt is delivered.
constexpr milliseconds pending_wait{5'000};
// The time between two log lines about answers of the wrong workers.
constexpr std::chrono::seconds log_interval{10};

/// Whether the node may answer a call that it does not have in hand: the last node that got it, or
/// one with the capability's database, which has the call's record.
bool may_answer(const directory& nodes, const call& what, std::uint32_t node) {
  const std::vector<placement>& placements = nodes.capabilities[what.capability].placements;
  return (what.may_come_late && what.given_to == node)
         || std::ranges::any_of(
             placements, [&](const placement& each) { return each.node == node && each.inbox; });
}

/// Whether another node may be asked: this one did nothing, and not because of the call.
bool is_worth_another_try(const error& why) {
  return why.possible == effect::none && !why.is_final && verdict_on(why.code).asks_for_patience;
}

/// Whether the worker ran out of time for a call with a later deadline than it was told: only that
/// transmission has expired, not the call.
bool is_out_of_time(const call& what, const error& why, instant now) {
  return why.code == errc::deadline_exceeded && why.possible == effect::none && what.has_more_time
         && !what.waiters.empty() && what.latest_deadline() > now;
}

/// Whether another node may know an operation that the last one does not, or has already refused
/// only for lack of time.
bool may_be_known_elsewhere(const directory& nodes, const call& what) {
  if (!what.tried.empty() && what.refusal != errc::unknown_operation) {
    return true;
  }
  const capability& where = nodes.capabilities[what.capability];
  for (std::uint32_t i = 0; i < where.placements.size(); ++i) {
    const placement& each = where.placements[i];
    const node& at = nodes.nodes[each.node];
    if (i != what.placement && at.live && !at.draining && !each.is_shut && each.credit != 0
        && !what.was_tried_at(each.node)) {
      return true;
    }
  }
  return false;
}

/// The refusal in `header`, for a call that another, lost worker had. A blind refusal does not know
/// the call's fate there, so its effect is unknown, whatever it says. Nothing if the answer may be
/// passed on unchanged.
std::optional<error> refusal_of_one_try(const call& what, const wire::header_view& header) {
  if (header.status != wire::status::error || !what.was_left) {
    return std::nullopt;
  }
  auto why = wire::read_error(header.error);
  if (!why || why->is_final || why->possible == effect::unknown
      || !verdict_on(why->code).is_blind) {
    return std::nullopt;
  }
  why->possible = effect::unknown;
  return std::move(*why);
}

} // namespace

void replies::take(
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
  suspects_.note_word(from, header.id);
  const std::uint32_t index = calls_.find(header.id);
  if (index == nowhere) {
    ++counts_.late_replies;
    return nodes_.end_brought(header.id, number);
  }
  const call& known = calls_[index];
  const std::uint32_t where = known.capability;
  // The answer of a worker that has the call no longer counts as well: it may have been handed on
  // while its first worker, whose link was lost for a moment, was finishing it. Only the worker
  // that has it now gives credit back.
  const bool is_mine = known.is == call::phase::outstanding
                       && nodes_.capabilities[where].placements[known.placement].node == number;
  if (!is_mine && nodes_.find_brought(header.id) != nullptr) {
    // The answer to a different call under this id, which the worker listed.
    ++counts_.late_replies;
    return nodes_.end_brought(header.id, number);
  }
  if (!is_mine && !may_answer(nodes_, known, number)) {
    return drop_stray(number, where, now, out);
  }
  if (header.status == wire::status::pending) {
    if (!is_mine) {
      ++counts_.late_replies;
      return;
    }
    take_pending(index, now, out);
  } else if (
      header.status != wire::status::error || !try_elsewhere(index, is_mine, header, now, out)) {
    note_time(calls_[index], header.status, now);
    take_answer(index, is_mine, header, header_bytes, body, now, out);
  }
  if (is_mine) { // The worker has room again.
    suspects_.released(number, now, out);
    if (nodes_.capabilities[where].waiting() != 0) {
      dispatch_.pump(where, now, out);
    }
  }
}

/// An answer to a call that the worker was not given: the callers wait for the right one.
void replies::drop_stray(std::uint32_t number, std::uint32_t where, instant now, decisions& out) {
  ++counts_.stray_replies;
  if (now < log_stray_at_) {
    return;
  }
  log_stray_at_ = now + log_interval;
  out.log.push_back(
      {"stray_reply",
       {{"node", nodes_.nodes[number].name},
        {"capability", nodes_.capabilities[where].name},
        {"what", "it answers a call that it was not given; the answer is dropped"},
        {"in_all", std::to_string(counts_.stray_replies)}}});
}

void replies::take_pending(std::uint32_t index, instant now, decisions& out) {
  ++counts_.pending;
  call& pending = calls_[index];
  pending.given_to = nodes_.capabilities[pending.capability].placements[pending.placement].node;
  pending.may_come_late = true;
  // From now on the call is on record. If its node dies, those who refused it earlier may finish
  // it.
  pending.was_left = true;
  pending.tried.clear();
  calls_.take_out(index);
  suspects_.end_turn_of(index, now, out);
  if (pending.waiters.empty()) {
    return calls_.remove(index);
  }
  if (!calls_.may_await(index)) {
    ++counts_.overloaded;
    return callers_.end(
        index,
        {.code = errc::overloaded,
         .possible = effect::unknown,
         .message = fmt::format(
             "`{}` has taken the call and answers later; this broker keeps no more of your calls "
             "until then ({} of all await an answer): ask again with the same id",
             nodes_.capabilities[pending.capability].name,
             size_text(calls_.awaiting_bytes())),
         .retry_after = pending_wait},
        out);
  }
  calls_.await(index);
}

/// True if `header` is a refusal that is not passed on: another node is asked, or it came too late.
bool replies::try_elsewhere(
    std::uint32_t index,
    bool is_mine,
    const wire::header_view& header,
    instant now,
    decisions& out) {
  const auto why = wire::read_error(header.error);
  // One node may have an operation that another does not know, in a rolling upgrade. The answer of
  // the last one is passed on as it is.
  const bool is_unknown = why && why->code == errc::unknown_operation;
  if (why && is_mine && is_out_of_time(calls_[index], *why, now)) {
    calls_.take_out(index);
    suspects_.end_turn_of(index, now, out);
    calls_.put_back(index);
    suspects_.send_next(now, out);
    return true;
  }
  if (!why
      || (is_unknown ? is_mine && !may_be_known_elsewhere(nodes_, calls_[index])
                     : !is_worth_another_try(*why))) {
    return false;
  }
  if (!is_mine) {
    ++counts_.late_replies;
    return true;
  }
  call& known = calls_[index];
  const placement& at = nodes_.capabilities[known.capability].placements[known.placement];
  const std::uint32_t number = at.node;
  calls_.take_out(index);
  suspects_.end_turn_of(index, now, out);
  if (known.waiters.empty()) {
    calls_.remove(index);
    return true;
  }
  ++counts_.tried_elsewhere;
  // A draining node is not noted as tried: the next process under its name may take the call.
  if (!nodes_.nodes[number].draining) {
    // The answer is, of two refusals, the one that may end.
    const milliseconds wait =
        is_unknown ? milliseconds::max() : why->retry_after.value_or(milliseconds{0});
    if (known.tried.empty() || wait < known.refusal_wait) {
      known.refusal = why->code;
      known.refusal_wait = wait;
    }
    known.tried.push_back(number);
  }
  calls_.put_back(index);
  // Sends the call on if it is a suspect; `take` sends the calls in the queue.
  suspects_.send_next(now, out);
  return true;
}

/// A call without waiting callers has been counted as expired.
void replies::note_time(const call& answered, wire::status how, instant now) {
  if (!answered.waiters.empty()) {
    call_times& times = nodes_.capabilities[answered.capability].times;
    (how == wire::status::error ? times.failed : times.answered).record(now - answered.arrived);
  }
}

/// Passes a final answer on to all waiting callers.
void replies::take_answer(
    std::uint32_t index,
    bool is_mine,
    const wire::header_view& header,
    std::string_view header_bytes,
    std::string_view body,
    instant now,
    decisions& out) {
  const call& known = calls_[index];
  if (const auto refusal = refusal_of_one_try(known, header)) {
    callers_.refuse_all(index, *refusal, out);
  } else {
    callers_.answer_all(index, header_bytes, body, out);
  }
  nodes_.capabilities[known.capability].rate.note(now);
  if (known.is == call::phase::outstanding && !is_mine) {
    return; // The call uses credit at another worker until that worker replies, too.
  }
  suspects_.acquit(known);
  calls_.take_out(index);
  suspects_.end_turn_of(index, now, out);
  calls_.remove(index);
}

} // namespace troupe::broker
