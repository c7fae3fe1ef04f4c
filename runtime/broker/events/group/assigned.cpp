#include "runtime/broker/events/group/subscriber.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

// What a capability's database says when a partition's new epoch is in it. It is the authority.

namespace troupe::broker {

namespace {

bool is_before(const wire::postponed* one, const wire::postponed* other) {
  return one->position < other->position;
}

const wire::postponed*
find_in(const std::vector<const wire::postponed*>& sorted, std::uint64_t position) {
  const wire::postponed wanted{.position = position, .cause = {}, .error = {}};
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), &wanted, is_before);
  return place != sorted.end() && (*place)->position == position ? *place : nullptr;
}

} // namespace

void subscriber::assigned(
    login_id from, const wire::assigned& state, instant now, group_decisions& out) {
  const std::uint32_t worker = find(from);
  if (worker == nowhere) {
    return;
  }
  auto is_awaited = [&](const event_partition& each) {
    return each.owner == worker && each.is == event_partition::phase::assigning
           && each.epoch == state.epoch;
  };
  if (!state.refused.empty()) {
    bool is_news = false;
    for (event_partition& each : partitions_) {
      if (is_awaited(each)) {
        each.is = event_partition::phase::refused;
        is_news = true;
      }
    }
    if (is_news) {
      report_trouble(state.refused, out);
    }
    return;
  }
  for (const wire::partition_state& each : state.partitions) {
    if (each.partition < partitions_.size() && is_awaited(partitions_[each.partition])) {
      take_over(each.partition, each, now, out);
    }
  }
  ask_for_bodies(out);
  pump(worker, now, out);
  settle(now, out);
}

void subscriber::report_trouble(std::string why, group_decisions& out) {
  trouble_ = std::move(why);
  out.events.push_back(
      {"events_stopped", {{"capability", options_.capability}, {"why", trouble_}}});
}

/// The partition's worker may have events now: those that its database has not handled.
void subscriber::take_over(
    std::uint32_t partition,
    const wire::partition_state& state,
    instant now,
    group_decisions& out) {
  event_partition& taken = partitions_[partition];
  if (state.handled > top_) {
    taken.is = event_partition::phase::refused;
    return report_trouble(
        fmt::format(
            "the journal is older than the database of `{0}`: was it restored from a backup? Its "
            "partition {1} has handled position {2}, and the journal ends at {3}",
            options_.capability,
            partition,
            state.handled,
            top_),
        out);
  }
  if (state.handled < taken.reached) {
    start_over(partition, state.handled, out);
  }
  taken.reached = state.handled;
  taken.queued_to = std::max(taken.queued_to, state.handled);
  waiting_.clear();
  for (const wire::postponed& each : state.waiting) {
    if (each.position <= state.handled) {
      waiting_.push_back(&each);
    }
  }
  std::sort(waiting_.begin(), waiting_.end(), is_before);
  reconcile(partition, state.handled, now, out);
  taken.is = event_partition::phase::active;
  bury_convicted(partition, now, out);
  schedule_all(partition, now);
  wake(partition);
}

/// The database is older than it was: what it has not handled is offered again, by the journal.
void subscriber::start_over(std::uint32_t partition, std::uint64_t handled, group_decisions& out) {
  event_partition& old = partitions_[partition];
  out.events.push_back(
      {"database_went_back",
       {{"capability", options_.capability},
        {"partition", std::to_string(partition)},
        {"had_handled", std::to_string(old.reached)},
        {"has_handled", std::to_string(handled)}}});
  while (old.line.first != nowhere) {
    (void)held_.pop(old.line);
  }
  while (!old.postponed.empty()) {
    (void)drop_postponed(*old.postponed.begin());
  }
  std::erase_if(convicted_, [&](const auto& each) { return each.second.partition == partition; });
  for (event_partition& each : partitions_) {
    each.queued_to = std::max(each.queued_to, scanned_); // The others have been offered all of it.
  }
  old.queued_to = handled;
  scanned_ = std::min(scanned_, handled);
}

/// Makes of what is known of a partition what its database says: all up to `handled` is handled,
/// but for what is in `waiting_`.
void subscriber::reconcile(
    std::uint32_t partition, std::uint64_t handled, instant now, group_decisions& out) {
  event_partition& taken = partitions_[partition];
  const std::vector<std::uint64_t> known{taken.postponed.begin(), taken.postponed.end()};
  for (const std::uint64_t position : known) {
    if (find_in(waiting_, position) == nullptr) {
      finish(position, now);
    }
  }
  const login_id worker = workers_[taken.owner].login;
  std::map<std::uint64_t, held_event> passed_by;
  while (taken.line.first != nowhere && held_[taken.line.first].position <= handled) {
    const held_event& first = held_[taken.line.first];
    if (find_in(waiting_, first.position) != nullptr && !is_grave(first.position)) {
      passed_by[first.position] = first;
    } else {
      ++handled_;
      convicted_.erase(first.position);
      forgive(first.what);
    }
    (void)held_.pop(taken.line);
  }
  for (const wire::postponed* const each : waiting_) {
    if (is_grave(each->position)) {
      say_buried(worker, each->position, out);
      (void)drop_postponed(each->position);
      continue;
    }
    postponed_event* which = postponed_.find(each->position);
    if (which == nullptr) {
      const auto here = passed_by.find(each->position);
      const bool is_here = here != passed_by.end();
      const bool was_tried = is_here && here->second.delivered_at != instant{};
      which = &postpone(
          partition,
          is_here ? here->second.what : nullptr,
          *each,
          {},
          was_tried ? here->second.delivered_at : now,
          now);
      if (is_here && here->second.is == held_event::fate::convicted) {
        which->is = postponed_event::state::convicted;
      }
    } else if (which->said.attempts != each->attempts || which->said.dead != each->dead) {
      said_again(*which, *each, {}, now);
    }
    if (burying_.contains(each->position)) {
      which->is = postponed_event::state::burying;
    }
    if (which->what == nullptr) {
      to_fetch_.push_back(each->position);
    } else if (which->said.dead && which->is == postponed_event::state::waiting) {
      bury_postponed(each->position, *which, now, out);
    }
  }
}

/// Nobody has handled them after all, and nobody can any more: the epoch they were delivered under
/// is over.
void subscriber::bury_convicted(std::uint32_t partition, instant now, group_decisions& out) {
  for (const auto& [position, by] : convicted_) {
    if (by.partition != partition) {
      continue;
    }
    if (postponed_event* const known = postponed_.find(position); known != nullptr) {
      if (known->is == postponed_event::state::convicted) {
        bury_postponed(position, *known, now, out);
      }
      continue;
    }
    const event_line& line = partitions_[partition].line;
    for (std::uint32_t i = line.first; i != nowhere && held_[i].position <= position;
         i = held_[i].next) {
      held_event& each = held_[i];
      if (each.position == position && each.is == held_event::fate::convicted) {
        each.is = held_event::fate::burying;
        bury_event(each.what, crashed(position), by.node, each.delivered_at, now, out);
      }
    }
  }
}

void subscriber::ask_for_bodies(group_decisions& out) {
  if (!to_fetch_.empty()) {
    out.actions.emplace_back(fetch{std::exchange(to_fetch_, {})});
  }
}

} // namespace troupe::broker
