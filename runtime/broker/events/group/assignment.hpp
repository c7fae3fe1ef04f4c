#pragma once

#include "runtime/broker/events/decisions.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

/// Partitions that take turns.
class turns {
public:
  bool empty() const { return waiting_ == 0; }

  void add(std::uint32_t partition) { waiting_ |= std::uint64_t{1} << partition; }

  void remove(std::uint32_t partition) { waiting_ &= ~(std::uint64_t{1} << partition); }

  /// Takes the next one in turn; there must be one.
  std::uint32_t take() {
    const auto ahead = std::rotr(waiting_, static_cast<int>(next_));
    const std::uint32_t taken =
        (next_ + static_cast<std::uint32_t>(std::countr_zero(ahead))) % wire::partition_count;
    next_ = (taken + 1) % wire::partition_count;
    remove(taken);
    return taken;
  }

private:
  static_assert(wire::partition_count == 64);

  std::uint64_t waiting_ = 0; // A bit for each partition.
  std::uint32_t next_ = 0;
};

/// A worker of the subscriber.
struct event_worker {
  bool is_usable() const { return is_live && credit > 0; }

  /// Whether it may be sent another event now.
  bool has_room() const { return is_live && !is_kept_free && outstanding < credit; }

  login_id login{nowhere};
  std::string node;
  uuid incarnation;
  /// The digest of the node's name.
  std::uint64_t digest = 0;
  /// The number of events that the worker may have, and the number that it has.
  std::uint32_t credit = 0;
  std::uint32_t outstanding = 0;
  bool is_live = false;
  /// Whether it gets only one suspect and nothing else.
  bool is_kept_free = false;
  /// Its partitions with something to deliver.
  turns ready;
  /// Partitions for the next ASSIGN.
  std::vector<std::uint32_t> given;
};

/// The assignment of a subscriber's partitions: which worker owns which, under which epoch, and
/// which should own it. Pure; the rules are in events/README.md, "Partitions and workers".
class assignment {
public:
  enum class phase : std::uint8_t {
    /// No worker owns the partition.
    unowned,
    /// Its worker was told, and has not answered.
    assigning,
    /// Its worker's database has the epoch.
    active,
    /// Its worker's answer shows that journal and database do not fit.
    refused,
  };

  /// @param epoch_base below the first epoch.
  explicit assignment(std::uint64_t epoch_base) : epoch_{epoch_base} {}

  /// The index of the live worker with this login, or `nowhere`.
  std::uint32_t find(login_id login) const;

  event_worker& at(std::uint32_t worker) { return workers_[worker]; }

  const std::vector<event_worker>& workers() const { return workers_; }

  /// The index of the partition's worker, or `nowhere`.
  std::uint32_t owner(std::uint32_t partition) const { return shares_[partition].owner; }

  phase phase_of(std::uint32_t partition) const { return shares_[partition].is; }

  /// Whether events of the partition may be sent to its owner.
  bool is_open(std::uint32_t partition) const {
    const share& of = shares_[partition];
    return of.is == phase::active && of.target == of.owner;
  }

  bool is_leaving(std::uint32_t partition) const {
    return shares_[partition].target != shares_[partition].owner;
  }

  /// Whether this worker owns the partition and its database has the epoch.
  bool is_active_at(std::uint32_t partition, std::uint32_t worker) const {
    return partition < shares_.size() && shares_[partition].owner == worker
           && shares_[partition].is == phase::active;
  }

  /// Whether this worker must answer for the partition, under this epoch.
  bool awaits(std::uint32_t partition, std::uint32_t worker, std::uint64_t epoch) const;

  void set(std::uint32_t partition, phase is) { shares_[partition].is = is; }

  void join(login_id login, std::string_view node, const uuid& incarnation, std::uint32_t credit);
  /// The worker is gone. `take_from` follows for each partition it has.
  /// @return whether its process is logged in under another login.
  bool leave(std::uint32_t worker);
  void take_from(std::uint32_t partition);

  /// Spreads the partitions evenly over the usable workers, with as few moves as that takes.
  void choose_targets();
  /// Gives the partition, of which nothing is in flight, to its target.
  void give(std::uint32_t partition);

  /// Whether workers have been given partitions without an ASSIGN yet.
  bool has_given() const { return has_given_; }

  /// The database has an epoch of another life of the journal: later epochs are above it.
  void rise_above(std::uint64_t epoch) { epoch_ = std::max(epoch_, epoch); }

  /// One ASSIGN per worker for all its new partitions; the caller fills in the progress.
  std::vector<send_assign> take_orders();

private:
  struct share {
    phase is = phase::unowned;
    std::uint32_t owner = nowhere;
    std::uint32_t target = nowhere;
    std::uint64_t epoch = 0;
  };

  void keep_quotas(
      const std::vector<std::uint32_t>& usable,
      std::vector<std::uint32_t>& counts,
      const std::vector<std::uint32_t>& quota);

  std::array<share, wire::partition_count> shares_;
  std::vector<event_worker> workers_; // Slots are used again.
  std::uint64_t epoch_;
  bool has_given_ = false;
};

} // namespace troupe::broker
