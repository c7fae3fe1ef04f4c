#include "runtime/broker/event_group.hpp"

// Events that two workers died with are sent alone, so that the third death proves something.

namespace troupe::broker {

bool event_group::is_isolation_of(std::uint32_t partition) const {
  return isolation_.is != isolation::phase::none && isolation_.partition == partition;
}

/// Has the worker of a suspect whose turn it is kept free, if there is one.
void event_group::begin_isolation(group_decisions& out) {
  if (isolation_.is != isolation::phase::none || blamed_.empty()) {
    return;
  }
  const auto count = static_cast<std::uint32_t>(partitions_.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t number = (next_suspect_ + i) % count;
    const event_partition& each = partitions_[number];
    if (each.is != event_partition::phase::active || each.is_leaving()
        || !workers_[each.owner].is_usable()) {
      continue;
    }
    std::uint64_t position = 0;
    if (!each.suspects.empty()) {
      position = *each.suspects.begin();
    } else if (
        each.line.next != nowhere && held_[each.line.next].is == held_event::fate::handled
        && is_suspect(held_[each.line.next].what)) {
      position = held_[each.line.next].position;
    } else {
      continue;
    }
    next_suspect_ = number + 1;
    isolation_ = {isolation::phase::asked, each.owner, number, position};
    workers_[each.owner].is_kept_free = true;
    out.actions.emplace_back(isolate_worker{workers_[each.owner].login});
    out.events.push_back(
        {"event_suspected",
         {{"capability", options_.capability},
          {"position", std::to_string(position)},
          {"node", workers_[each.owner].node}}});
    return;
  }
}

void event_group::isolated(session whom, instant now, group_decisions& out) {
  if (isolation_.is == isolation::phase::asked && workers_[isolation_.worker].login == whom) {
    isolation_.is = isolation::phase::granted;
    settle(now, out);
  }
}

void event_group::advance_isolation(instant now, group_decisions& out) {
  if (isolation_.is == isolation::phase::asked || workers_[isolation_.worker].outstanding != 0) {
    return;
  }
  if (isolation_.is == isolation::phase::granted) {
    send_suspect(now, out);
  } else {
    end_isolation(out);
  }
}

void event_group::send_suspect(instant now, group_decisions& out) {
  event_partition& from = partitions_[isolation_.partition];
  if (from.suspects.erase(isolation_.position) != 0) {
    isolation_.is = isolation::phase::running;
    return send_again(isolation_.partition, isolation_.position, out);
  }
  const bool is_next = from.line.next != nowhere
                       && held_[from.line.next].position == isolation_.position
                       && held_[from.line.next].is == held_event::fate::handled;
  if (!is_next) {
    return end_isolation(out); // It is none any more.
  }
  isolation_.is = isolation::phase::running;
  send_next(isolation_.partition, now, out);
}

/// The worker may have other events again.
void event_group::end_isolation(group_decisions& out) {
  event_worker& freed = workers_[isolation_.worker];
  freed.is_kept_free = false;
  out.actions.emplace_back(release_worker{freed.login});
  wake(isolation_.partition);
  woken_.push_back(isolation_.worker);
  isolation_ = {};
}

} // namespace troupe::broker
