#pragma once

#include "runtime/store/database.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A database beside those of a topology whose work no process continues: its capability was
/// renamed or removed, or keeps its data elsewhere now.
struct left_behind {
  std::string file;
  /// Its capability, as recorded in the file.
  std::string capability;
  /// Events of its outbox that are not in the journal, and events scheduled for later.
  std::uint64_t events = 0;
  std::uint64_t timers = 0;
  /// Committed effects without a result.
  std::uint64_t effects = 0;
  /// Sagas that have not ended.
  std::uint64_t sagas = 0;
  /// Events waiting for another attempt; for a journal, dead letters.
  std::uint64_t postponed = 0;
  /// Whether its owner keeps its data on a server in this topology. The owner may be the journal,
  /// for which only `events` is set.
  bool is_from_before_server = false;
  /// The place where its owner keeps its data in this topology and has none yet: it would begin
  /// without those of this file. Empty otherwise.
  std::string empty_place{};

  bool has_work() const { return events + timers + effects + sagas + postponed != 0; }
};

/// Counts the unfinished work in a database.
/// @param taken the number up to which the journal has the events of its outbox.
left_behind unfinished_work(store::database& session, std::string owner, std::int64_t taken);

/// Searches the folders of the plan's databases, and the usual place if the plan has some on a
/// server; changes nothing. Files that cannot be read are skipped: a process that uses one reports
/// what is wrong with it.
std::vector<left_behind> find_left_behind(const topology::plan& plan);

/// A paragraph for each; empty if there are none.
/// @param file the topology.
std::string text_of(const std::vector<left_behind>& all, const std::string& file);

} // namespace troupe
