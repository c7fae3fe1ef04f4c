#include "runtime/broker/events/group/subscriber.hpp"

// Events that two workers died with are sent alone, so that further deaths prove something.

namespace troupe::broker {

namespace {

// For so long a worker may be kept from its other work before that has its turn.
constexpr milliseconds kept_free_max{50};

} // namespace

bool subscriber::is_isolation_of(std::uint32_t partition) const {
  return isolation_.is != isolation::phase::none && isolation_.partition == partition;
}

/// Has the worker of a suspect whose turn it is kept free, if there is one.
void subscriber::begin_isolation(group_decisions& out) {
  if (isolation_.is == isolation::phase::none && choose_suspect(nowhere, out)) {
    isolation_.is = isolation::phase::asked;
    event_worker& kept = workers_[isolation_.worker];
    kept.is_kept_free = true;
    out.actions.emplace_back(isolate_worker{kept.login});
  }
}

/// Whose turn it is, of the partitions that this worker has, or of any: `isolation_` but its phase.
bool subscriber::choose_suspect(std::uint32_t worker, group_decisions& out) {
  const auto count = static_cast<std::uint32_t>(partitions_.size());
  for (std::uint32_t i = 0; i < count && !blamed_.empty(); ++i) {
    const std::uint32_t number = (next_suspect_ + i) % count;
    const std::uint64_t position = suspect_of(partitions_[number]);
    const std::uint32_t owner = partitions_[number].owner;
    if (position == 0 || (worker != nowhere && owner != worker)) {
      continue;
    }
    next_suspect_ = number + 1;
    isolation_.worker = owner;
    isolation_.partition = number;
    isolation_.position = position;
    out.events.push_back(
        {"event_suspected",
         {{"capability", options_.capability},
          {"position", std::to_string(position)},
          {"node", workers_[owner].node}}});
    return true;
  }
  return false;
}

/// The partition's suspect whose turn it is, or 0.
std::uint64_t subscriber::suspect_of(const event_partition& of) const {
  if (of.is != event_partition::phase::active || of.is_leaving()
      || !workers_[of.owner].is_usable()) {
    return 0;
  }
  if (!of.suspects.empty()) {
    return *of.suspects.begin();
  }
  const bool is_next = of.line.next != nowhere
                       && held_[of.line.next].is == held_event::fate::handled
                       && is_suspect(held_[of.line.next].what);
  return is_next ? held_[of.line.next].position : 0;
}

void subscriber::isolated(login_id whom, instant now, group_decisions& out) {
  if (isolation_.is == isolation::phase::asked && workers_[isolation_.worker].login == whom) {
    isolation_.is = isolation::phase::granted;
    settle(now, out);
  }
}

/// True if the worker was kept free for long enough: others have their turn before the next
/// suspect.
bool subscriber::advance_isolation(instant now, group_decisions& out) {
  if (isolation_.is == isolation::phase::none || isolation_.is == isolation::phase::asked
      || workers_[isolation_.worker].outstanding != 0) {
    return false;
  }
  // One after another while the worker is free: two killed workers may leave thousands, and to free
  // it for each anew takes far longer than the events do.
  if (isolation_.is == isolation::phase::granted) {
    isolation_.since = now;
  }
  const bool is_over = now - isolation_.since >= kept_free_max;
  while (isolation_.is == isolation::phase::granted
         || (!is_over && choose_suspect(isolation_.worker, out))) {
    if (send_suspect(now, out)) {
      return false;
    }
  }
  end_isolation(out);
  return is_over;
}

/// False if it is none any more.
bool subscriber::send_suspect(instant now, group_decisions& out) {
  event_partition& from = partitions_[isolation_.partition];
  isolation_.is = isolation::phase::running;
  if (from.suspects.erase(isolation_.position) != 0) {
    send_again(isolation_.partition, isolation_.position, out);
    return true;
  }
  const bool is_next = from.line.next != nowhere
                       && held_[from.line.next].position == isolation_.position
                       && held_[from.line.next].is == held_event::fate::handled;
  if (!is_next) {
    wake(isolation_.partition);
    return false;
  }
  send_next(isolation_.partition, now, out);
  return true;
}

/// The worker may have other events again.
void subscriber::end_isolation(group_decisions& out) {
  event_worker& freed = workers_[isolation_.worker];
  freed.is_kept_free = false;
  out.actions.emplace_back(release_worker{freed.login});
  wake(isolation_.partition);
  woken_.push_back(isolation_.worker);
  isolation_ = {};
}

} // namespace troupe::broker
