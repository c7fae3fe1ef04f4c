#include "runtime/broker/events/group/subscriber.hpp"

#include <algorithm>

// Which event goes to its worker next, and what the worker says of it.

namespace troupe::broker {

bool subscriber::has_something(const event_partition& of) const {
  if (!of.ready.empty()) {
    return true;
  }
  if (of.line.next == nowhere) {
    return false;
  }
  const held_event& next = held_[of.line.next];
  if (next.is == held_event::fate::buried) {
    // Said to be handled, it would take those before it along.
    return !of.line.has_in_flight();
  }
  return next.is == held_event::fate::handled && !is_suspect(next.what);
}

/// If the partition has something to deliver: puts it in line at its worker.
void subscriber::wake(std::uint32_t partition) {
  event_partition& woken = partitions_[partition];
  if (woken.is_listed || woken.is != event_partition::phase::active || woken.is_leaving()
      || !has_something(woken)) {
    return;
  }
  event_worker& at = workers_[woken.owner];
  woken.is_listed = true;
  woken.next_listed = nowhere;
  if (at.last_listed == nowhere) {
    at.first_listed = partition;
  } else {
    partitions_[at.last_listed].next_listed = partition;
  }
  at.last_listed = partition;
}

void subscriber::unlist(std::uint32_t partition) {
  if (!partitions_[partition].is_listed) {
    return;
  }
  event_worker& at = workers_[partitions_[partition].owner];
  std::uint32_t each = at.first_listed;
  at.first_listed = at.last_listed = nowhere;
  while (each != nowhere) {
    const std::uint32_t next = partitions_[each].next_listed;
    partitions_[each].next_listed = nowhere;
    if (each != partition) {
      (at.last_listed == nowhere ? at.first_listed : partitions_[at.last_listed].next_listed) =
          each;
      at.last_listed = each;
    }
    each = next;
  }
  partitions_[partition].is_listed = false;
}

/// Gives the worker what it has room for, one event of each partition in turn.
void subscriber::pump(std::uint32_t worker, instant now, group_decisions& out) {
  event_worker& to = workers_[worker];
  if (to.is_kept_free || !to.is_live) {
    return;
  }
  while (to.outstanding < to.credit && to.first_listed != nowhere) {
    const std::uint32_t number = to.first_listed;
    event_partition& first = partitions_[number];
    to.first_listed = first.next_listed;
    if (to.first_listed == nowhere) {
      to.last_listed = nowhere;
    }
    first.is_listed = false;
    if (!first.is_leaving() && has_something(first)) {
      deliver_one(number, now, out);
      wake(number);
    }
  }
}

void subscriber::deliver_one(std::uint32_t partition, instant now, group_decisions& out) {
  event_partition& from = partitions_[partition];
  if (!from.ready.empty()) {
    const std::uint64_t position = *from.ready.begin();
    from.ready.erase(from.ready.begin());
    if (is_suspect(postponed_.find(position)->what)) {
      from.suspects.insert(position);
    } else {
      send_again(partition, position, out);
    }
  } else if (held_[from.line.next].is == held_event::fate::buried) {
    skip_buried(partition, out);
  } else {
    send_next(partition, now, out);
  }
}

void subscriber::send_next(std::uint32_t partition, instant now, group_decisions& out) {
  event_partition& from = partitions_[partition];
  held_event& next = held_[from.line.next];
  from.line.next = next.next;
  if (next.delivered_at == instant{}) {
    next.delivered_at = now;
  }
  event_worker& to = workers_[from.owner];
  ++to.outstanding;
  ++delivered_;
  out.actions.emplace_back(deliver_event{to.login, next.what});
}

void subscriber::send_again(std::uint32_t partition, std::uint64_t position, group_decisions& out) {
  event_partition& from = partitions_[partition];
  postponed_event& next = *postponed_.find(position);
  next.is = postponed_event::state::with_worker;
  ++from.again;
  event_worker& to = workers_[from.owner];
  ++to.outstanding;
  ++delivered_;
  out.actions.emplace_back(deliver_event{to.login, next.what});
}

/// The next of the line are dead letters.
void subscriber::skip_buried(std::uint32_t partition, group_decisions& out) {
  event_partition& from = partitions_[partition];
  while (from.line.first != nowhere && held_[from.line.first].is == held_event::fate::buried) {
    say_buried(workers_[from.owner].login, held_[from.line.first].position, out);
    (void)held_.pop(from.line);
  }
}

void subscriber::say_buried(login_id to, std::uint64_t position, group_decisions& out) {
  if (!out.actions.empty()) {
    auto* const last = std::get_if<send_buried>(&out.actions.back());
    if (last != nullptr && last->to == to) {
      last->positions.push_back(position);
      return;
    }
  }
  out.actions.emplace_back(send_buried{to, {position}});
}

void subscriber::handled(
    login_id from, const wire::handled& what, instant now, group_decisions& out) {
  const std::uint32_t worker = find(from);
  if (worker == nowhere) {
    return;
  }
  waiting_.clear();
  for (const wire::postponed& each : what.waiting) {
    waiting_.push_back(&each);
  }
  std::sort(waiting_.begin(), waiting_.end(), [](const auto* one, const auto* other) {
    return one->position < other->position;
  });
  auto has = [&](std::uint32_t partition) {
    return partitions_[partition].owner == worker
           && partitions_[partition].is == event_partition::phase::active;
  };
  for (const wire::progress& each : what.upto) {
    if (each.partition < partitions_.size() && has(each.partition)) {
      acknowledge(each.partition, each.position, now, out);
    }
  }
  for (const wire::postponed* const each : waiting_) {
    postponed_event* const known = postponed_.find(each->position);
    if (known != nullptr && known->is == postponed_event::state::with_worker
        && has(known->partition)) {
      forgive(known->what);
      said_again(*known, *each, workers_[worker].node, now);
      --workers_[worker].outstanding;
      after_return(each->position, *known, now, out);
    }
  }
  for (const std::uint64_t each : what.done) {
    const postponed_event* const known = postponed_.find(each);
    if (known != nullptr && known->is != postponed_event::state::burying && has(known->partition)) {
      const std::uint32_t partition = known->partition;
      finish(each, now);
      give_if_idle(partition, out);
    }
  }
  pump(worker, now, out);
  settle(now, out);
}

/// What the worker has of the partition up to `position` is handled, except what is in `waiting_`.
void subscriber::acknowledge(
    std::uint32_t partition, std::uint64_t position, instant now, group_decisions& out) {
  event_partition& from = partitions_[partition];
  event_worker& worker = workers_[from.owner];
  auto waiting = waiting_.begin();
  while (from.line.has_in_flight() && held_[from.line.first].position <= position) {
    const held_event& first = held_[from.line.first];
    const std::uint64_t at = first.position;
    const instant delivered_at = first.delivered_at;
    from.reached = std::max(from.reached, at);
    --worker.outstanding;
    const event_ref what = held_.pop(from.line);
    forgive(what);
    while (waiting != waiting_.end() && (*waiting)->position < at) {
      ++waiting;
    }
    if (waiting == waiting_.end() || (*waiting)->position != at) {
      ++handled_;
      continue;
    }
    postponed_event& added = postpone(partition, what, **waiting, worker.node, delivered_at, now);
    after_return(at, added, now, out);
  }
  give_if_idle(partition, out);
  wake(partition);
}

/// A postponed event is back from its worker.
void subscriber::after_return(
    std::uint64_t position, postponed_event& which, instant now, group_decisions& out) {
  const std::uint32_t partition = which.partition;
  if (which.said.dead) {
    bury_postponed(position, which, now, out);
  } else {
    schedule(position, now);
  }
  give_if_idle(partition, out);
}

} // namespace troupe::broker
