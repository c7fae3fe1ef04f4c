#include "runtime/worker/event_assignments.hpp"

#include "runtime/worker/error_texts.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace troupe {

wire::assigned event_assignments::assign(const wire::assign& order) {
  wire::assigned answer{group_.name(), order.epoch, {}, {}};
  const bool is_welcome = store_ == nullptr || is_of_our_journal(order, answer);
  if (store_ == nullptr) {
    compare_in_memory(order);
  } else if (is_welcome) {
    compare_histories(order, answer);
  }
  for (const wire::progress& from : order.partitions) {
    if (from.partition >= wire::partition_count) {
      continue;
    }
    if (!is_welcome) {
      partitions_.assign(from.partition, 0);
    } else if (store_ == nullptr) {
      assign_in_memory(order, from, answer);
    } else {
      assign_stored(order, from, answer);
    }
  }
  if (store_ != nullptr && is_welcome) {
    partitions_.forget_passed_dead_letters();
  }
  error_texts texts;
  for (const wire::partition_state& each : answer.partitions) {
    texts.add(each.waiting);
  }
  for (wire::partition_state& each : answer.partitions) {
    texts.cut(each.waiting);
  }
  return answer;
}

/// A database keeps the positions of one journal. Those of another would be taken for handled.
bool event_assignments::is_of_our_journal(const wire::assign& order, wire::assigned& answer) {
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
      "journal lost or replaced? Bring it back; or stop the system, and `troupe restore FILE` lets "
      "the database go on with this journal",
      group_.name(),
      to_string(*journal),
      to_string(order.journal));
  group_.parts().log.write(
      "events.refused", {{"capability", group_.name()}, {"reason", answer.refused}});
  return false;
}

/// Says what was handled last and who wrote it, so that the broker finds out if its journal does
/// not have that, and learns who wrote what comes next.
void event_assignments::compare_histories(const wire::assign& order, wire::assigned& answer) {
  store::subscriptions known{*store_->database};
  const std::uint64_t highest = known.highest();
  const std::uint64_t seen = known.highest_epoch();
  const lineage before = known.lives();
  lineage after = before;
  if (const store::lives_told told = known.told(); seen > told.epoch) {
    // A process of an earlier release has had partitions since, and has not said whose events it
    // handled.
    after.learn({}, told.handled);
  }
  answer.highest = highest;
  answer.life = after.writer_of(highest);
  const std::vector<journal_life> lives = order.lives.value_or(std::vector<journal_life>{});
  if (!after.outlives(lives)) {
    after.learn(lives, highest);
  }
  if (after.lives() != before.lives()) {
    known.set_lives(after);
  }
  known.set_told({std::max(seen, order.epoch), highest});
  if (seen > order.epoch) {
    answer.epoch_seen = seen;
  }
}

/// Positions in memory that the journal has not, or not from the same life, mean nothing any more:
/// what comes is handled.
void event_assignments::compare_in_memory(const wire::assign& order) {
  const std::vector<journal_life> lives = order.lives.value_or(std::vector<journal_life>{});
  const std::uint64_t highest = partitions_.highest();
  const bool is_known = lives.empty() || lives.front().first <= highest;
  if (journal_ != order.journal || (is_known && !lineage{lives}.agrees_with(lives_, highest))) {
    partitions_.start_over();
    lives_ = {};
  }
  journal_ = order.journal;
  lives_.learn(lives, partitions_.highest());
}

void event_assignments::assign_stored(
    const wire::assign& order, const wire::progress& from, wire::assigned& answer) {
  store::subscriptions known{*store_->database};
  subscribed_partitions::partition& at = partitions_.touch(from.partition);
  // A partition that is ours has the work of this turn in memory, too: it must not be read from the
  // database.
  const bool is_known = at.is_ours;
  const auto row = known.find(from.partition);
  if (row && row->epoch > order.epoch) {
    return; // Assigned to another process since, or by another life of the journal: `epoch_seen`.
  }
  if (!row) {
    known.insert(from.partition, {order.epoch, from.position});
  } else {
    known.raise_epoch(from.partition, order.epoch);
  }
  if (!is_known) {
    at.handled = row ? row->handled : from.position;
    partitions_.load(from.partition, at);
  }
  grant(from.partition, at, order.epoch, answer);
}

/// Other processes may since have done again what was done here under an earlier assignment: events
/// that the broker knows to be handled do not wait any more, and what it knows of others counts.
void event_assignments::assign_in_memory(
    const wire::assign& order, const wire::progress& from, wire::assigned& answer) {
  subscribed_partitions::partition& at = partitions_.touch(from.partition);
  at.handled = std::max(at.handled, from.position);
  while (!at.waiting.empty() && at.waiting.begin()->first <= from.position) {
    partitions_.forget(at, at.waiting.begin()->first);
  }
  if (order.remembered) {
    for (const wire::remembered_partition& each : *order.remembered) {
      if (each.partition == from.partition) {
        recall(each, at);
      }
    }
  }
  grant(from.partition, at, order.epoch, answer);
}

/// Takes over what other processes have said of a partition. Of an event that both know the one
/// with more tries is right; one up to `handled` that the broker does not name is handled.
void event_assignments::recall(
    const wire::remembered_partition& known, subscribed_partitions::partition& at) {
  std::set<std::uint64_t> waiting;
  for (const auto& [what, key] : known.waiting) {
    waiting.insert(what.position);
    const auto mine = at.waiting.find(what.position);
    if (mine == at.waiting.end() && what.position <= at.handled) {
      continue; // It was handled here, and the report of that was lost.
    }
    if (mine == at.waiting.end() || mine->second.attempts < what.attempts) {
      at.add(
          {what.position,
           known.partition,
           key,
           what.attempts,
           what.dead,
           what.cause,
           what.error,
           what.replica});
    }
  }
  for (auto next = at.waiting.begin(); next != at.waiting.end() && next->first <= known.handled;) {
    const std::uint64_t position = (next++)->first;
    if (!waiting.contains(position)) {
      partitions_.forget(at, position);
    }
  }
  at.handled = std::max(at.handled, known.handled);
}

void event_assignments::grant(
    std::uint32_t number,
    subscribed_partitions::partition& at,
    std::uint64_t epoch,
    wire::assigned& answer) {
  at.is_ours = false; // The partition is not ours until this turn is committed.
  partitions_.assign(number, epoch);
  wire::partition_state& state = answer.partitions.emplace_back();
  state.partition = number;
  state.handled = at.handled;
  for (const auto& [position, row] : at.waiting) {
    state.waiting.push_back(wire_form(row));
  }
}

std::vector<wire::assigned> in_frames(wire::assigned&& whole) {
  // A row takes some 75 bytes beside its text, and all texts together a quarter of a message.
  constexpr std::size_t rows_max = 8'000;
  auto partitions = std::exchange(whole.partitions, {});
  std::vector<wire::assigned> parts{whole}; // Each part says everything but the partitions.
  std::size_t rows = 0;
  for (wire::partition_state& each : partitions) {
    if (rows != 0 && rows + each.waiting.size() > rows_max) {
      parts.push_back(whole);
      rows = 0;
    }
    rows += each.waiting.size();
    parts.back().partitions.push_back(std::move(each));
  }
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    // The last part alone has it: it stands for all partitions that no part names.
    parts[i].epoch_seen.reset();
  }
  return parts;
}

} // namespace troupe
