#include "runtime/worker/subscribed_partitions.hpp"

#include <algorithm>

namespace troupe {

bool subscribed_partitions::partition::is_behind(
    std::uint64_t position, std::string_view key) const {
  if (waiting_of_key.empty() || key.empty()) {
    return false;
  }
  const auto of_key = waiting_of_key.find(key);
  return of_key != waiting_of_key.end() && *of_key->second.begin() < position;
}

void subscribed_partitions::partition::advance(std::uint64_t position) {
  handled = position;
  is_changed = true;
}

void subscribed_partitions::partition::add(store::postponed_row&& row) {
  const std::uint64_t position = row.position;
  if (!row.key.empty()) {
    waiting_of_key[row.key].insert(position);
  }
  waiting.insert_or_assign(position, std::move(row));
}

void subscribed_partitions::partition::remove(std::uint64_t position) {
  const auto known = waiting.find(position);
  const auto of_key = waiting_of_key.find(known->second.key);
  if (of_key != waiting_of_key.end()) {
    of_key->second.erase(position);
    if (of_key->second.empty()) {
      waiting_of_key.erase(of_key);
    }
  }
  waiting.erase(known);
}

subscribed_partitions::subscribed_partitions(runner_store* store)
    : store_{store}, are_dead_letters_loaded_{store == nullptr} {
  begin();
}

void subscribed_partitions::begin() {
  ++turn_;
  touched_.clear();
  assigned_.clear();
  looked_up_.clear();
}

void subscribed_partitions::look_up(std::uint32_t number) {
  if (partitions_[number].epoch != 0 && looked_up_.try_emplace(number).second) {
    store::subscriptions{*store_->database}.ask(
        number, [this, number](const store::partition_row& row) { looked_up_[number] = row; });
  }
}

subscribed_partitions::partition& subscribed_partitions::touch(std::uint32_t number) {
  partition& at = partitions_[number];
  if (at.touched_in == turn_) {
    return at;
  }
  at.touched_in = turn_;
  at.is_changed = false;
  at.is_ours = at.epoch != 0;
  touched_.push_back(number);
  if (store_ == nullptr || !at.is_ours) {
    return at;
  }
  const auto known = looked_up_.find(number);
  const auto row = known != looked_up_.end() ? known->second
                                             : store::subscriptions{*store_->database}.find(number);
  at.is_ours = row && row->epoch == at.epoch;
  if (at.is_ours) {
    at.handled = row->handled;
    if (!at.is_loaded) {
      load(number, at);
    }
  }
  return at;
}

void subscribed_partitions::load(std::uint32_t number, partition& into) {
  into.waiting.clear();
  into.waiting_of_key.clear();
  for (store::postponed_row& row : store::subscriptions{*store_->database}.postponed_of(number)) {
    into.add(std::move(row));
  }
  into.is_loaded = true;
}

void subscribed_partitions::postpone(partition& at, store::postponed_row row) {
  if (store_ != nullptr) {
    store::subscriptions{*store_->database}.postpone(row);
  }
  const std::uint64_t position = row.position;
  at.add(std::move(row));
  if (position > at.handled) {
    at.advance(position);
  }
}

void subscribed_partitions::forget(partition& at, std::uint64_t position) {
  if (store_ != nullptr) {
    store::subscriptions{*store_->database}.forget(position);
  }
  at.remove(position);
}

std::uint64_t subscribed_partitions::highest() const {
  std::uint64_t most = 0;
  for (const partition& each : partitions_) {
    most = std::max(most, each.handled);
  }
  return most;
}

void subscribed_partitions::start_over() {
  partitions_ = {};
  dead_letters_.clear();
  are_dead_letters_loaded_ = store_ == nullptr;
}

void subscribed_partitions::assign(std::uint32_t number, std::uint64_t epoch) {
  assigned_.emplace_back(number, epoch);
  looked_up_.erase(number); // Its row has changed.
}

bool subscribed_partitions::is_dead_letter(std::uint64_t position) {
  if (!are_dead_letters_loaded_) {
    load_dead_letters();
  }
  return !dead_letters_.empty() && dead_letters_.contains(position);
}

void subscribed_partitions::add_dead_letter(std::uint64_t position) {
  const auto holder = std::ranges::find_if(partitions_, [&](const partition& each) {
    return each.epoch != 0 && each.waiting.contains(position);
  });
  if (holder != partitions_.end()) {
    // `touch` may read the partition again, and the event be gone from it meanwhile.
    partition& at = touch(static_cast<std::uint32_t>(holder - partitions_.begin()));
    if (at.waiting.contains(position)) {
      forget(at, position);
    }
  } else if (store_ != nullptr && store::subscriptions{*store_->database}.forget(position)) {
    return;
  } else if (position > least_handled()) {
    // The event was never seen here: a process that gets it in spite of this must not run it.
    if (store_ != nullptr) {
      store::subscriptions{*store_->database}.add_grave(position);
    }
    dead_letters_.insert(position);
  }
}

void subscribed_partitions::forget_passed_dead_letters() {
  store::subscriptions{*store_->database}.forget_passed_graves();
  load_dead_letters();
}

void subscribed_partitions::load_dead_letters() {
  const auto found = store::subscriptions{*store_->database}.graves();
  dead_letters_ = {found.begin(), found.end()};
  are_dead_letters_loaded_ = true;
}

/// The position that every partition assigned to this process has passed.
std::uint64_t subscribed_partitions::least_handled() const {
  std::uint64_t least = UINT64_MAX;
  for (const partition& each : partitions_) {
    if (each.epoch != 0) {
      least = std::min(least, each.handled);
    }
  }
  return least == UINT64_MAX ? 0 : least;
}

void subscribed_partitions::finish(std::vector<wire::progress>& upto) {
  for (const std::uint32_t number : touched_) {
    const partition& at = partitions_[number];
    if (at.is_changed && store_ != nullptr) {
      store::subscriptions{*store_->database}.advance(number, at.handled);
    }
    if (at.is_ours) {
      upto.push_back({number, at.handled});
    }
  }
}

void subscribed_partitions::committed() {
  for (const auto& [number, epoch] : assigned_) {
    partitions_[number].epoch = epoch;
  }
  begin();
}

void subscribed_partitions::rolled_back() {
  for (const std::uint32_t number : touched_) {
    partitions_[number].is_loaded = false;
  }
  are_dead_letters_loaded_ = store_ == nullptr;
  begin();
}

} // namespace troupe
