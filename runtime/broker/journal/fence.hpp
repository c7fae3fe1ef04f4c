#pragma once

#include "runtime/broker/journal/lease_table.hpp"
#include "runtime/clock.hpp"
#include "runtime/store/database.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace troupe::broker {

/// The first statement of each transaction that writes the journal. For a shared journal, a
/// transaction of a broker whose generation is over ends there: nothing of it is written. A journal
/// that only one broker can open needs no fence. Belongs to the journal's writer.
///
/// Until its first `check` the journal is being opened, and the lease is a longer one.
class journal_fence {
public:
  /// A fence for a journal that no other broker can open.
  journal_fence() = default;

  /// The fence of a lease that was taken just now. @param table over the writer's session.
  journal_fence(
      lease_table table,
      std::uint64_t generation,
      std::chrono::milliseconds time,
      std::chrono::milliseconds opening,
      const clock& watch)
      : lease_{held_lease{std::move(table), generation, time, opening, &watch, watch.now()}} {}

  bool is_shared() const { return lease_.has_value(); }

  /// Of the lease; only if the journal is shared.
  std::uint64_t generation() const { return lease_->generation; }

  /// In a transaction that has written nothing yet. Throws database_error, also if another broker
  /// has the journal.
  void check() {
    if (lease_ && !is_held()) {
      pass();
    }
  }

  /// While the journal is being opened, outside a transaction: extends the lease when that is due.
  /// On a slow server opening takes longer than a lease, and brokers would take the journal from
  /// each other forever. Throws as `check` does.
  void keep() {
    if (!lease_ || lease_->watch->now() - lease_->kept_at < lease_->opening / 4) {
      return;
    }
    if (!lease_->table.renew(lease_->generation, lease_->opening)) {
      pass();
    }
    lease_->kept_at = lease_->watch->now();
  }

  /// Whether another broker was found to have the journal.
  bool is_passed() const { return is_passed_; }

private:
  struct held_lease {
    lease_table table;
    std::uint64_t generation = 0;
    std::chrono::milliseconds time{0};
    std::chrono::milliseconds opening{0};
    const clock* watch = nullptr;
    instant kept_at{};
    bool is_opened = false;
  };

  [[noreturn]] void pass() {
    is_passed_ = true;
    throw store::database_error{
        store::database_fault::other, "another broker has taken the journal over"};
  }

  /// Whether no other broker has the journal, or takes it before the transaction ends. Extends the
  /// lease when that is due, as `decide` does for an idle journal.
  bool is_held() {
    const auto left = lease_->table.hold(lease_->generation);
    if (!std::exchange(lease_->is_opened, true)) {
      return left && lease_->table.renew(lease_->generation, lease_->opening);
    }
    const bool is_due = left && is_renewal_due(*left, lease_->time);
    return left && (!is_due || lease_->table.renew(lease_->generation, lease_->time));
  }

  std::optional<held_lease> lease_;
  bool is_passed_ = false;
};

} // namespace troupe::broker
