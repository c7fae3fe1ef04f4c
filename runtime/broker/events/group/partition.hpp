#pragma once

#include "runtime/broker/events/group/held_events.hpp"
#include "runtime/wire/events.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

// What an event group knows of its partitions and workers.

namespace troupe::broker {

struct event_partition {
  enum class phase : std::uint8_t {
    /// No worker has it.
    unowned,
    /// Its worker was told, and has not answered.
    assigning,
    /// Its worker's database has the epoch.
    active,
    /// Its worker's answer shows that journal and database do not fit.
    refused,
  };

  bool has_in_flight() const { return line.has_in_flight() || again != 0; }

  bool is_leaving() const { return target != owner; }

  phase is = phase::unowned;
  /// It is in its owner's list of those that have something to deliver.
  bool is_listed = false;
  /// Indices of workers: who has it, and who is to have it.
  std::uint32_t owner = nowhere;
  std::uint32_t target = nowhere;
  std::uint64_t epoch = 0;
  /// Everything up to here was put in line, or needs not be.
  std::uint64_t queued_to = 0;
  /// The database is known to have passed this position.
  std::uint64_t reached = 0;
  event_line line;
  /// Postponed events: all, those whose turn it is, those whose turn it is and that have to be sent
  /// alone. By position.
  std::set<std::uint64_t> postponed;
  std::set<std::uint64_t> ready;
  std::set<std::uint64_t> suspects;
  /// Of the postponed: delivered again; not in memory.
  std::uint32_t again = 0;
  std::uint32_t unfetched = 0;
  std::uint32_t next_listed = nowhere;
};

struct event_worker {
  bool is_usable() const { return is_live && credit > 0; }

  login_id login{nowhere};
  std::string node;
  uuid incarnation;
  /// Of the node's name.
  std::uint64_t digest = 0;
  std::uint32_t credit = 0;
  /// Events it has.
  std::uint32_t outstanding = 0;
  bool is_live = false;
  /// It gets one suspect and nothing else.
  bool is_kept_free = false;
  /// Partitions that have something to deliver, in turn.
  std::uint32_t first_listed = nowhere;
  std::uint32_t last_listed = nowhere;
  /// Partitions for the next ASSIGN.
  std::vector<std::uint32_t> given;
};

} // namespace troupe::broker
