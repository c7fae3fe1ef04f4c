#include "runtime/worker/event_turn.hpp"

#include <algorithm>
#include <fmt/format.h>

// Who has a partition, and what is dead.

namespace troupe {

void event_turn::assign(const item& what) {
  const auto order = wire::checked_decode<wire::assign>(what.body);
  if (!order) {
    return; // A broker checks what it sends.
  }
  wire::assigned answer{group_.name(), order->epoch, {}, {}};
  const bool is_welcome = store_ == nullptr || is_of_our_journal(*order, answer);
  for (const wire::progress& from : order->partitions) {
    if (from.partition >= wire::partition_count) {
      continue;
    }
    if (!is_welcome) {
      assigned_.emplace_back(from.partition, 0);
    } else if (store_ == nullptr) {
      assign_in_memory(*order, from, answer);
    } else {
      assign_partition(*order, from, answer);
    }
  }
  if (store_ != nullptr && is_welcome) {
    store::subscriptions{*store_->database}.forget_passed_graves();
    load_graves();
  }
  texts all;
  for (const wire::partition_state& each : answer.partitions) {
    all.add(each.waiting);
  }
  for (wire::partition_state& each : answer.partitions) {
    cut(each.waiting, all);
  }
  answers_.push_back({what.link, wire::kind::assigned, wire::encoded(answer)});
}

/// A database keeps the positions of one journal. Those of another would be taken for handled.
bool event_turn::is_of_our_journal(const wire::assign& order, wire::assigned& answer) {
  store::subscriptions known{*store_->database};
  const auto journal = known.journal();
  if (!journal) {
    known.set_journal(order.journal);
    return true;
  }
  if (*journal == order.journal) {
    return true;
  }
  answer.refused = fmt::format(
      "the database of `{}` keeps positions of the journal {}, and this broker has {}: was the "
      "journal lost or replaced? Bring it back, or give `{}` a new database",
      group_.name(),
      to_string(*journal),
      to_string(order.journal),
      group_.name());
  group_.parts().log.write(
      "events.refused", {{"capability", group_.name()}, {"reason", answer.refused}});
  return false;
}

void event_turn::assign_partition(
    const wire::assign& order, const wire::progress& from, wire::assigned& answer) {
  store::subscriptions known{*store_->database};
  partition& at = touch(from.partition);
  const bool is_known = at.is_ours; // Then also what this turn has done to it so far.
  const auto row = known.find(from.partition);
  if (row && row->epoch > order.epoch) {
    return; // Somebody else was assigned it since.
  }
  if (!row) {
    known.insert(from.partition, {order.epoch, from.position});
  } else {
    known.raise_epoch(from.partition, order.epoch);
  }
  if (!is_known) {
    at.handled = row ? row->handled : from.position;
    load(from.partition, at);
  }
  at.is_ours = false; // Until this is committed.
  assigned_.emplace_back(from.partition, order.epoch);
  describe(from.partition, at, answer);
}

/// What was done under an earlier assignment may have been done again by others since: what the
/// broker knows to be handled is not waited for any more.
void event_turn::assign_in_memory(
    const wire::assign& order, const wire::progress& from, wire::assigned& answer) {
  partition& at = touch(from.partition);
  at.handled = std::max(at.handled, from.position);
  while (!at.waiting.empty() && at.waiting.begin()->first <= from.position) {
    forget(at, at.waiting.begin()->first);
  }
  at.is_ours = false;
  assigned_.emplace_back(from.partition, order.epoch);
  describe(from.partition, at, answer);
}

void event_turn::describe(std::uint32_t number, const partition& at, wire::assigned& answer) {
  wire::partition_state& state = answer.partitions.emplace_back();
  state.partition = number;
  state.handled = at.handled;
  for (const auto& [position, row] : at.waiting) {
    state.waiting.push_back(
        {row.position, row.attempts, row.is_dead, row.cause, row.error, row.replica});
  }
}

void event_turn::bury(const item& what) {
  const auto order = wire::checked_decode<wire::buried>(what.body);
  if (!order) {
    return;
  }
  link_ = what.link;
  for (const std::uint64_t position : order->positions) {
    const auto holder =
        std::find_if(partitions_.begin(), partitions_.end(), [&](const partition& each) {
          return each.epoch != 0 && each.waiting.contains(position);
        });
    if (holder != partitions_.end()) {
      // Read again if need be; then it may have gone meanwhile.
      partition& at = touch(static_cast<std::uint32_t>(holder - partitions_.begin()));
      if (at.waiting.contains(position)) {
        forget(at, position);
      }
    } else if (store_ != nullptr && store::subscriptions{*store_->database}.forget(position)) {
      continue;
    } else if (position > least_handled()) {
      // Never seen here: whoever gets it in spite of this must not run it.
      if (store_ != nullptr) {
        store::subscriptions{*store_->database}.add_grave(position);
      }
      graves_.insert(position);
    }
  }
}

/// What every partition that is assigned to this process has passed.
std::uint64_t event_turn::least_handled() const {
  std::uint64_t least = UINT64_MAX;
  for (const partition& each : partitions_) {
    if (each.epoch != 0) {
      least = std::min(least, each.handled);
    }
  }
  return least == UINT64_MAX ? 0 : least;
}

} // namespace troupe
