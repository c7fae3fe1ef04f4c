#include "runtime/broker/calls/callers.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

// The `retry_after` for a call whose id is in hand at a worker of an earlier release.
constexpr milliseconds held_wait{100};

// The most calls that are told as failed after one input: a ring of spans keeps no more.
constexpr std::size_t failed_max = 1'024;

} // namespace

void callers::add(std::uint32_t index, origin whom, instant deadline) {
  call& wanted = calls_[index];
  const auto same = std::ranges::find(wanted.waiters, whom, &waiter::to);
  if (same != wanted.waiters.end()) {
    same->deadline = std::max(same->deadline, deadline);
  } else {
    wanted.waiters.push_back({whom, deadline});
  }
  timers_.set(index, wanted.waiters.size() == 1 ? deadline : wanted.earliest_deadline());
}

void callers::refuse(origin to, const uuid& id, error why, decisions& out) {
  ++counts_.refused;
  out.actions.emplace_back(broker::refuse{to, id, static_cast<std::uint32_t>(out.errors.size())});
  out.errors.push_back(std::move(why));
}

void callers::refuse_for(std::uint32_t index, const brought_call& held, decisions& out) {
  call& known = calls_[index];
  const effect possible = known.was_delivered ? effect::unknown : effect::none;
  for (const waiter& each : known.waiters) {
    refuse_for(each.to, known.id, held, possible, out);
  }
  known.waiters.clear();
  timers_.clear(index);
}

void callers::refuse_for(
    origin to, const uuid& id, const brought_call& held, effect possible, decisions& out) {
  ++counts_.conflicts;
  const std::string& node = nodes_.nodes[held.node].name;
  if (held.digest) {
    return refuse(
        to,
        id,
        {.code = errc::conflict,
         .possible = possible,
         .message = fmt::format(
             "{} has another call with this id in hand; use a new id for a new request", node),
         .details = {{"reason", "id_reused"}}},
        out);
  }
  refuse(
      to,
      id,
      {.code = errc::unavailable,
       .possible = possible,
       .message = fmt::format(
           "{} has a call with this id in hand and does not say what it asks for; try again once "
           "it is answered",
           node),
       .retry_after = held_wait},
      out);
}

void callers::end(std::uint32_t index, const error& why, decisions& out) {
  refuse_all(index, why, out);
  nodes_.capabilities[calls_[index].capability].times.refused.add();
  calls_.remove(index);
}

void callers::refuse_all(std::uint32_t index, const error& why, decisions& out) {
  call& refused = calls_[index];
  if (!refused.waiters.empty()) {
    note_failure(refused, why.code, out);
  }
  for (const waiter& each : refused.waiters) {
    refuse(each.to, refused.id, why, out);
  }
  refused.waiters.clear();
  timers_.clear(index);
}

void callers::answer_all(
    std::uint32_t index, std::string_view header, std::string_view body, decisions& out) {
  call& answered = calls_[index];
  for (const waiter& each : answered.waiters) {
    ++counts_.answered;
    out.actions.emplace_back(answer{each.to, header, body});
  }
  answered.waiters.clear();
  timers_.clear(index);
}

void callers::note_failure(const call& which, errc why, decisions& out) {
  if (out.failed.size() == failed_max) {
    return;
  }
  out.failed.push_back({which.id, std::string{which.header()}, why, which.arrived});
}

bool callers::expire(std::uint32_t index, instant now, decisions& out) {
  call& late = calls_[index];
  capability& where = nodes_.capabilities[late.capability];
  const auto is_late = [&](const waiter& each) {
    if (each.deadline > now) {
      return false;
    }
    ++counts_.expired;
    error why{
        .code = errc::deadline_exceeded,
        .possible = effect::none,
        .message = fmt::format("no worker of `{}` was free in time", where.name)};
    if (late.was_delivered) {
      why.possible = effect::unknown;
      why.message =
          fmt::format("`{}` did not answer in time; ask again with the same id", where.name);
    }
    refuse(each.to, late.id, std::move(why), out);
    return true;
  };
  late.waiters.erase(
      std::remove_if(late.waiters.begin(), late.waiters.end(), is_late), late.waiters.end());
  if (late.waiters.empty()) {
    where.times.expired.record(now - late.arrived);
    note_failure(late, errc::deadline_exceeded, out);
    timers_.clear(index);
    return true;
  }
  timers_.set(index, late.earliest_deadline());
  return false;
}

void callers::forget(origin whom) {
  if (calls_.awaiting_bytes(whom) == 0) {
    return;
  }
  for (const capability& where : nodes_.capabilities) {
    for (std::uint32_t index = where.awaiting.head; index != nowhere;) {
      call& awaiting = calls_[index];
      index = awaiting.next;
      const auto is_gone = [&](const waiter& each) { return each.to == whom; };
      awaiting.waiters.erase(
          std::remove_if(awaiting.waiters.begin(), awaiting.waiters.end(), is_gone),
          awaiting.waiters.end());
      if (awaiting.waiters.empty()) {
        const std::uint32_t over = calls_.find(awaiting.id);
        timers_.clear(over);
        calls_.remove(over);
      }
    }
  }
}

} // namespace troupe::broker
