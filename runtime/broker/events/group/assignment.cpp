#include "runtime/broker/events/group/assignment.hpp"

#include "runtime/bytes.hpp"

#include <algorithm>
#include <span>

namespace troupe::broker {

namespace {

/// The weight of a worker for a partition (highest random weight).
std::uint64_t weight(std::uint32_t partition, const event_worker& at) {
  return mixed(at.digest ^ (partition + 1) * golden_ratio);
}

} // namespace

std::uint32_t assignment::find(login_id login) const {
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].login == login && workers_[i].is_live) {
      return i;
    }
  }
  return nowhere;
}

bool assignment::awaits(std::uint32_t partition, std::uint32_t worker, std::uint64_t epoch) const {
  return partition < shares_.size() && shares_[partition].owner == worker
         && shares_[partition].is == phase::assigning && shares_[partition].epoch == epoch;
}

void assignment::join(
    login_id login, std::string_view node, const uuid& incarnation, std::uint32_t credit) {
  const auto unused =
      std::ranges::find_if(workers_, [](const event_worker& each) { return !each.is_live; });
  event_worker& added = unused == workers_.end() ? workers_.emplace_back() : *unused;
  added = {};
  added.is_live = true;
  added.login = login;
  added.node = node;
  added.incarnation = incarnation;
  added.digest = digest_of(std::as_bytes(std::span{node}));
  added.credit = credit;
}

bool assignment::leave(std::uint32_t worker) {
  event_worker& gone = workers_[worker];
  gone.is_live = false;
  gone.outstanding = 0;
  for (share& each : shares_) {
    if (each.target == worker) {
      each.target = each.owner == worker ? nowhere : each.owner;
    }
  }
  return std::ranges::any_of(workers_, [&](const event_worker& each) {
    return each.is_live && each.incarnation == gone.incarnation;
  });
}

void assignment::take_from(std::uint32_t partition) {
  share& taken = shares_[partition];
  workers_[taken.owner].ready.remove(partition);
  taken.owner = nowhere;
  taken.is = phase::unowned;
}

void assignment::choose_targets() {
  std::vector<std::uint32_t> usable;
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].is_usable()) {
      usable.push_back(i);
    }
  }
  if (usable.empty()) {
    for (share& each : shares_) {
      each.target = each.owner; // Stays where it is, and waits.
    }
    return;
  }
  std::vector<std::uint32_t> counts(workers_.size());
  for (share& each : shares_) {
    if (each.target == nowhere || !workers_[each.target].is_usable()) {
      each.target = nowhere;
    } else {
      ++counts[each.target];
    }
  }
  // The workers that have the most keep one more, where all cannot have the same number.
  std::vector<std::uint32_t> most = usable;
  std::ranges::stable_sort(
      most, [&](std::uint32_t one, std::uint32_t other) { return counts[one] > counts[other]; });
  std::vector<std::uint32_t> quota(workers_.size());
  for (std::size_t i = 0; i < most.size(); ++i) {
    const bool has_one_more = i < shares_.size() % most.size();
    quota[most[i]] =
        static_cast<std::uint32_t>(shares_.size() / most.size()) + (has_one_more ? 1U : 0U);
  }
  keep_quotas(usable, counts, quota);
}

/// Takes partitions from workers that have too many, and gives all that are free to the others.
void assignment::keep_quotas(
    const std::vector<std::uint32_t>& usable,
    std::vector<std::uint32_t>& counts,
    const std::vector<std::uint32_t>& quota) {
  for (const std::uint32_t each : usable) {
    while (counts[each] > quota[each]) {
      std::uint32_t least = nowhere;
      for (std::uint32_t i = 0; i < shares_.size(); ++i) {
        const bool is_better =
            least == nowhere || weight(i, workers_[each]) < weight(least, workers_[each]);
        if (shares_[i].target == each && is_better) {
          least = i;
        }
      }
      shares_[least].target = nowhere;
      --counts[each];
    }
  }
  for (std::uint32_t i = 0; i < shares_.size(); ++i) {
    if (shares_[i].target != nowhere) {
      continue;
    }
    std::uint32_t best = nowhere;
    for (const std::uint32_t each : usable) {
      if (counts[each] < quota[each]
          && (best == nowhere || weight(i, workers_[each]) > weight(i, workers_[best]))) {
        best = each;
      }
    }
    shares_[i].target = best;
    ++counts[best];
  }
}

void assignment::give(std::uint32_t partition) {
  share& given = shares_[partition];
  if (given.owner != nowhere) {
    event_worker& former = workers_[given.owner];
    former.ready.remove(partition);
    if (given.is == phase::assigning) {
      std::erase(former.given, partition); // Its answer, if any comes, is out of date.
    }
  }
  given = {phase::assigning, given.target, given.target, 0};
  workers_[given.owner].given.push_back(partition);
  has_given_ = true;
}

std::vector<send_assign> assignment::take_orders() {
  has_given_ = false;
  std::vector<send_assign> orders;
  for (event_worker& each : workers_) {
    if (each.is_live && !each.given.empty()) {
      send_assign& order = orders.emplace_back();
      order.to = each.login;
      order.epoch = ++epoch_;
      for (const std::uint32_t partition : each.given) {
        shares_[partition].epoch = order.epoch;
        order.partitions.push_back({partition, 0});
      }
    }
    each.given.clear();
  }
  return orders;
}

} // namespace troupe::broker
