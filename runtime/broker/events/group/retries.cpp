#include "runtime/broker/events/group/subscriber.hpp"

#include <algorithm>
#include <fmt/format.h>

// Events that were not handled in their turn: when they are delivered again, or given up.

namespace troupe::broker {

postponed_event& subscriber::postpone(
    std::uint32_t partition,
    const event_ref& what,
    const wire::postponed& said,
    std::string_view node,
    instant first,
    instant now) {
  event_partition& of = partitions_[partition];
  of.postponed.insert(said.position);
  postponed_event& added = postponed_.add(said.position, partition);
  added.said = said;
  added.node = node;
  added.first = first;
  added.due = said.attempts == 0 ? now : now + backoff(said.attempts);
  if (what == nullptr) {
    ++of.unfetched;
  } else {
    postponed_.give_body(said.position, added, what);
  }
  return added;
}

void subscriber::said_again(
    postponed_event& which, const wire::postponed& said, std::string_view node, instant now) {
  // The same again: it was not run, since the database knows of an earlier one of its key.
  const bool was_run = said.attempts > which.said.attempts;
  which.said = said;
  which.node = node;
  which.due = now + (was_run ? backoff(said.attempts) : instant::duration{options_.backoff_min});
  if (which.is == postponed_event::state::with_worker) {
    which.is = postponed_event::state::waiting;
    --partitions_[which.partition].again;
  }
}

/// @return the next of its key, or 0.
std::uint64_t subscriber::drop_postponed(std::uint64_t position) {
  const postponed_event* const dropped = postponed_.find(position);
  if (dropped == nullptr) {
    return 0;
  }
  event_partition& of = partitions_[dropped->partition];
  of.postponed.erase(position);
  of.ready.erase(position);
  of.suspects.erase(position);
  if (dropped->what == nullptr) {
    --of.unfetched;
  }
  if (dropped->is == postponed_event::state::with_worker) {
    --of.again;
    --workers_[of.owner].outstanding;
  }
  return postponed_.remove(position);
}

/// A postponed event is handled: the next of its key may go.
void subscriber::finish(std::uint64_t position, instant now) {
  const postponed_event* const done = postponed_.find(position);
  if (done == nullptr) {
    return;
  }
  ++handled_;
  convicted_.erase(position);
  if (done->what != nullptr) {
    forgive(done->what);
  }
  schedule(drop_postponed(position), now);
}

/// If it is this one's turn: delivers it again, now or when it is due.
void subscriber::schedule(std::uint64_t position, instant now) {
  const postponed_event* const which = postponed_.find(position);
  if (which == nullptr) {
    return;
  }
  event_partition& of = partitions_[which->partition];
  // An event that is not in memory yet may be an earlier one of the key.
  if (of.is != event_partition::phase::active || of.unfetched != 0
      || which->is != postponed_event::state::waiting || which->said.dead
      || !postponed_.is_first_of_key(position, *which)) {
    return;
  }
  if (which->due > now) {
    alarms_.push({which->due, position});
    return;
  }
  of.ready.insert(position);
  wake(which->partition);
  if (woken_.empty() || woken_.back() != of.owner) {
    woken_.push_back(of.owner);
  }
}

void subscriber::schedule_all(std::uint32_t partition, instant now) {
  for (const std::uint64_t each : partitions_[partition].postponed) {
    schedule(each, now);
  }
}

void subscriber::ring(instant now) {
  while (!alarms_.empty() && alarms_.top().at <= now) {
    const std::uint64_t position = alarms_.top().position;
    alarms_.pop();
    schedule(position, now);
  }
}

/// Doubles with each try; a quarter more or less at random.
instant::duration subscriber::backoff(std::uint32_t attempts) {
  const instant::duration wait =
      backoff_after(attempts, options_.backoff_min, options_.backoff_max);
  return jitter_.stretch(wait - wait / 4, 2.0 / 3);
}

void subscriber::bury_postponed(
    std::uint64_t position, postponed_event& which, instant now, group_decisions& out) {
  event_partition& of = partitions_[which.partition];
  of.ready.erase(position);
  of.suspects.erase(position);
  const auto by = convicted_.find(position);
  which.is = postponed_event::state::burying;
  if (by == convicted_.end()) {
    bury_event(which.what, which.said, which.node, which.first, now, out);
  } else {
    bury_event(which.what, crashed(position), by->second.node, which.first, now, out);
  }
}

wire::postponed subscriber::crashed(std::uint64_t position) {
  return {
      position,
      deaths_convicted,
      true,
      "crashed",
      fmt::format(
          "{} workers died while they handled this event, the last {} with nothing else in hand",
          deaths_convicted,
          deaths_convicted - deaths_suspected),
      0};
}

void subscriber::bury_event(
    const event_ref& what,
    const wire::postponed& said,
    std::string_view node,
    instant first,
    instant now,
    group_decisions& out) {
  if (!burying_.emplace(said.position, what->partition % wire::partition_count).second) {
    return;
  }
  bury order;
  // The same each time: what was asked for before a broker died is the same letter after it.
  order.letter.id = derived_id(what->id, fmt::format("{}:{}", options_.capability, said.position));
  order.letter.capability = options_.capability;
  order.letter.what = what;
  order.letter.cause = said.cause;
  order.letter.error = said.error;
  order.letter.attempts = said.attempts;
  order.letter.node = node;
  order.letter.replica = said.replica;
  order.tried_for = std::chrono::duration_cast<milliseconds>(now - first);
  out.events.push_back(
      {"event_buried",
       {{"capability", options_.capability},
        {"position", std::to_string(said.position)},
        {"topic", what->topic},
        {"cause", said.cause},
        {"error", said.error}}});
  out.actions.emplace_back(std::move(order));
}

void subscriber::buried(
    const std::vector<std::uint64_t>& positions, instant now, group_decisions& out) {
  for (const std::uint64_t position : positions) {
    add_grave(position);
    ++buried_;
    convicted_.erase(position);
    const auto ordered = burying_.find(position);
    if (ordered == burying_.end()) {
      continue;
    }
    const std::uint32_t partition = ordered->second;
    burying_.erase(ordered);
    const event_partition& of = partitions_[partition];
    if (const postponed_event* const known = postponed_.find(position); known != nullptr) {
      if (of.is == event_partition::phase::active) {
        say_buried(workers_[of.owner].login, position, out);
      }
      if (known->what != nullptr) {
        forgive(known->what);
      }
      schedule(drop_postponed(position), now);
      continue;
    }
    for (std::uint32_t i = of.line.first; i != nowhere; i = held_[i].next) {
      if (held_[i].position == position) {
        held_[i].is = held_event::fate::buried;
        forgive(held_[i].what);
        break;
      }
    }
    if (of.owner != nowhere) {
      wake(partition);
      woken_.push_back(of.owner);
    }
  }
  settle(now, out);
}

void subscriber::fetched(
    const std::vector<event_ref>& found,
    const std::vector<std::uint64_t>& missing,
    instant now,
    group_decisions& out) {
  auto has_all = [&](std::uint32_t partition) {
    if (partitions_[partition].unfetched == 0) {
      schedule_all(partition, now);
    }
  };
  for (const event_ref& each : found) {
    postponed_event* const known = postponed_.find(each->position);
    if (known == nullptr || known->what != nullptr) {
      continue;
    }
    postponed_.give_body(each->position, *known, each);
    --partitions_[known->partition].unfetched;
    if (known->said.dead) {
      bury_postponed(each->position, *known, now, out);
    }
    has_all(known->partition);
  }
  for (const std::uint64_t position : missing) {
    const postponed_event* const known = postponed_.find(position);
    if (known == nullptr || known->what != nullptr) {
      continue;
    }
    const std::uint32_t partition = known->partition;
    out.events.push_back(
        {"event_missing",
         {{"capability", options_.capability}, {"position", std::to_string(position)}}});
    if (partitions_[partition].is == event_partition::phase::active) {
      say_buried(workers_[partitions_[partition].owner].login, position, out);
    }
    (void)drop_postponed(position);
    has_all(partition);
  }
  settle(now, out);
}

} // namespace troupe::broker
