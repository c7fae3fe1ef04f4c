#include "runtime/broker/events/group/subscriber.hpp"
#include "runtime/bytes.hpp"

#include <algorithm>
#include <span>

// Who comes and goes, and who is to have which partition.

namespace troupe::broker {

namespace {

// Of workers that are gone, so many may come back and clear themselves.
constexpr std::size_t departed_max = 64;

/// How much a partition wants to be at a worker (highest random weight).
std::uint64_t weight(std::uint32_t partition, const event_worker& at) {
  return mixed(at.digest ^ (partition + 1) * golden_ratio);
}

} // namespace

void subscriber::joined(
    login_id login,
    std::string_view node,
    const uuid& incarnation,
    std::uint32_t credit,
    instant now,
    group_decisions& out) {
  if (const std::uint32_t known = find(login); known != nowhere) {
    lose(known, false, now, out);
  }
  take_back_deaths(incarnation);
  const auto unused = std::find_if(
      workers_.begin(), workers_.end(), [](const event_worker& each) { return !each.is_live; });
  event_worker& added = unused == workers_.end() ? workers_.emplace_back() : *unused;
  added = {};
  added.is_live = true;
  added.login = login;
  added.node = node;
  added.incarnation = incarnation;
  added.digest = digest_of(std::as_bytes(std::span{node}));
  added.credit = credit;
  rebalance(now, out);
  settle(now, out);
}

void subscriber::left(login_id login, bool is_blamed, instant now, group_decisions& out) {
  if (const std::uint32_t gone = find(login); gone != nowhere) {
    lose(gone, is_blamed, now, out);
    rebalance(now, out);
    settle(now, out);
  }
}

void subscriber::credit(login_id login, std::uint32_t credit, instant now, group_decisions& out) {
  const std::uint32_t index = find(login);
  if (index == nowhere) {
    return;
  }
  event_worker& whose = workers_[index];
  const bool was_usable = whose.is_usable();
  whose.credit = credit;
  if (was_usable != whose.is_usable()) {
    const bool waits_for_it =
        isolation_.is == isolation::phase::asked || isolation_.is == isolation::phase::granted;
    if (was_usable && waits_for_it && isolation_.worker == index) {
      end_isolation(out);
    }
    rebalance(now, out);
  }
  pump(index, now, out);
  settle(now, out);
}

/// Takes all from a worker that is gone.
void subscriber::lose(std::uint32_t worker, bool is_blamed, instant now, group_decisions& out) {
  event_worker& gone = workers_[worker];
  const uuid incarnation = gone.incarnation;
  gone.is_live = false;
  const bool lives_on =
      std::any_of(workers_.begin(), workers_.end(), [&](const event_worker& each) {
        return each.is_live && each.incarnation == incarnation;
      });
  if (isolation_.worker == worker) {
    end_isolation(out);
  }
  departed record{incarnation, {}};
  for (std::uint32_t i = 0; i < partitions_.size(); ++i) {
    if (partitions_[i].owner == worker) {
      take_from(i, is_blamed && !lives_on, record, now, out);
    }
    if (partitions_[i].target == worker) {
      partitions_[i].target = partitions_[i].owner;
    }
  }
  if (!record.blamed.empty()) {
    departed_.push_back(std::move(record));
    if (departed_.size() > departed_max) {
      departed_.pop_front();
    }
  }
  gone.outstanding = 0;
}

/// The partition has lost its worker: what that had in hand is next in line again.
void subscriber::take_from(
    std::uint32_t partition, bool is_blamed, departed& record, instant now, group_decisions& out) {
  event_partition& taken = partitions_[partition];
  const std::string& node = workers_[taken.owner].node;
  auto convict = [&](std::uint64_t position, const event_ref& what) {
    convicted_[position] = {node, partition};
    out.events.push_back(
        {"event_convicted",
         {{"capability", options_.capability},
          {"position", std::to_string(position)},
          {"id", to_string(what->id)},
          {"topic", what->topic},
          {"node", node}}});
  };
  for (std::uint32_t i = taken.line.first; i != taken.line.next; i = held_[i].next) {
    held_event& each = held_[i];
    if (is_blamed && blame(each.what, partition, record) >= deaths_convicted) {
      each.is = held_event::fate::convicted;
      convict(each.position, each.what);
    }
  }
  taken.line.next = taken.line.first;
  for (const std::uint64_t position : taken.postponed) {
    postponed_event& each = *postponed_.find(position);
    if (each.is != postponed_event::state::with_worker) {
      continue;
    }
    each.is = postponed_event::state::waiting;
    each.due = now;
    if (is_blamed && blame(each.what, partition, record) >= deaths_convicted) {
      each.is = postponed_event::state::convicted;
      convict(position, each.what);
    }
  }
  unlist(partition);
  taken.again = 0;
  taken.ready.clear();
  taken.suspects.clear();
  if (taken.target == taken.owner) {
    taken.target = nowhere;
  }
  taken.owner = nowhere;
  taken.is = event_partition::phase::unowned;
}

std::uint8_t subscriber::blame(const event_ref& what, std::uint32_t partition, departed& record) {
  const auto deaths = static_cast<std::uint8_t>(blamed_.deaths_of(what->id) + 1);
  blamed_.set(what->id, deaths);
  record.blamed.push_back({partition, what->position, what->id});
  return deaths;
}

/// Whoever comes back as the same process only lost its link.
void subscriber::take_back_deaths(const uuid& incarnation) {
  const auto found = std::find_if(departed_.begin(), departed_.end(), [&](const departed& each) {
    return each.incarnation == incarnation;
  });
  if (found == departed_.end()) {
    return;
  }
  for (const departed::blame& each : found->blamed) {
    const std::uint8_t deaths = blamed_.deaths_of(each.id);
    if (deaths <= 1) {
      blamed_.clear(each.id);
    } else {
      blamed_.set(each.id, static_cast<std::uint8_t>(deaths - 1));
    }
    acquit(each.partition, each.position);
  }
  departed_.erase(found);
  for (event_partition& each : partitions_) {
    each.ready.merge(each.suspects); // Whether they still are is seen when their turn comes.
    each.suspects.clear();
  }
}

/// It is not convicted after all, if its dead letter is not on its way yet.
void subscriber::acquit(std::uint32_t partition, std::uint64_t position) {
  if (!convicted_.contains(position)) {
    return;
  }
  if (postponed_event* const known = postponed_.find(position); known != nullptr) {
    if (known->is == postponed_event::state::convicted) {
      known->is = postponed_event::state::waiting;
      convicted_.erase(position);
    }
    return;
  }
  for (std::uint32_t i = partitions_[partition].line.first; i != nowhere; i = held_[i].next) {
    if (held_[i].position == position && held_[i].is == held_event::fate::convicted) {
      held_[i].is = held_event::fate::handled;
      convicted_.erase(position);
      return;
    }
  }
}

/// Spreads the partitions evenly over the workers that may have some, with as few moves as that
/// takes.
void subscriber::rebalance(instant now, group_decisions& out) {
  std::vector<std::uint32_t> usable;
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].is_usable()) {
      usable.push_back(i);
    }
  }
  if (usable.empty()) {
    for (event_partition& each : partitions_) {
      each.target = each.owner; // Stays where it is, and waits.
    }
  } else {
    choose_targets(usable);
  }
  for (std::uint32_t i = 0; i < partitions_.size(); ++i) {
    give_if_idle(i, out);
    wake(i);
  }
  for (const std::uint32_t each : usable) {
    pump(each, now, out);
  }
}

void subscriber::choose_targets(const std::vector<std::uint32_t>& usable) {
  std::vector<std::uint32_t> counts(workers_.size());
  for (event_partition& each : partitions_) {
    if (each.target == nowhere || !workers_[each.target].is_usable()) {
      each.target = nowhere;
    } else {
      ++counts[each.target];
    }
  }
  // Those that have the most keep one more, where they cannot all have the same.
  std::vector<std::uint32_t> most = usable;
  std::stable_sort(most.begin(), most.end(), [&](std::uint32_t one, std::uint32_t other) {
    return counts[one] > counts[other];
  });
  std::vector<std::uint32_t> quota(workers_.size());
  for (std::size_t i = 0; i < most.size(); ++i) {
    const bool has_one_more = i < partitions_.size() % most.size();
    quota[most[i]] =
        static_cast<std::uint32_t>(partitions_.size() / most.size()) + (has_one_more ? 1U : 0U);
  }
  for (const std::uint32_t each : usable) {
    while (counts[each] > quota[each]) {
      std::uint32_t least = nowhere;
      for (std::uint32_t i = 0; i < partitions_.size(); ++i) {
        const bool is_better =
            least == nowhere || weight(i, workers_[each]) < weight(least, workers_[each]);
        if (partitions_[i].target == each && is_better) {
          least = i;
        }
      }
      partitions_[least].target = nowhere;
      --counts[each];
    }
  }
  for (std::uint32_t i = 0; i < partitions_.size(); ++i) {
    if (partitions_[i].target != nowhere) {
      continue;
    }
    std::uint32_t best = nowhere;
    for (const std::uint32_t each : usable) {
      if (counts[each] < quota[each]
          && (best == nowhere || weight(i, workers_[each]) > weight(i, workers_[best]))) {
        best = each;
      }
    }
    partitions_[i].target = best;
    ++counts[best];
  }
}

/// If the partition is to go to another worker and its own has nothing of it in hand: now.
void subscriber::give_if_idle(std::uint32_t partition, group_decisions& out) {
  const event_partition& given = partitions_[partition];
  if (given.is_leaving() && !given.has_in_flight()) {
    if (is_isolation_of(partition)) {
      end_isolation(out); // It begins anew with the other one.
    }
    give(partition);
  }
}

void subscriber::give(std::uint32_t partition) {
  event_partition& given = partitions_[partition];
  unlist(partition);
  given.ready.clear();
  given.suspects.clear();
  if (given.is == event_partition::phase::assigning) {
    // The one that was told so has not answered, and what it will answer is out of date.
    std::erase(workers_[given.owner].given, partition);
  }
  given.owner = given.target;
  given.is = event_partition::phase::assigning;
  given.epoch = 0;
  workers_[given.owner].given.push_back(partition);
  has_given_ = true;
}

/// Tells each worker in one message what it was given by this input.
void subscriber::flush_assigns(group_decisions& out) {
  has_given_ = false;
  for (event_worker& each : workers_) {
    if (!each.is_live || each.given.empty()) {
      each.given.clear();
      continue;
    }
    send_assign order{each.login, options_.epoch_base + ++epochs_, {}};
    for (const std::uint32_t partition : each.given) {
      event_partition& given = partitions_[partition];
      given.epoch = order.epoch;
      order.partitions.push_back({partition, cursor(given)});
    }
    each.given.clear();
    out.actions.emplace_back(std::move(order));
  }
}

} // namespace troupe::broker
