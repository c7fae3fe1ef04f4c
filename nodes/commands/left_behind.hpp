#pragma once

#include "runtime/store/database.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A database beside those of a topology whose data nobody sees, or whose work nobody does any
/// more: its capability was renamed or removed, or keeps its data elsewhere by now.
struct left_behind {
  std::string file;
  /// The capability that it is of, by the file.
  std::string capability;
  /// Events of its outbox that are not in the journal, and such as are to be published later.
  std::uint64_t events = 0;
  std::uint64_t timers = 0;
  /// Effects that were promised and have no result.
  std::uint64_t effects = 0;
  /// Sagas that have not ended.
  std::uint64_t sagas = 0;
  /// Events that wait to be handled again; of a journal, dead letters.
  std::uint64_t postponed = 0;
  /// Its owner keeps its data on a server in this topology. The owner may be the journal, whose
  /// `events` are all that it has.
  bool is_from_before_server = false;
  /// The place where its owner keeps its data in this topology and has none yet: it would begin
  /// without those of this file. Empty otherwise.
  std::string empty_place{};

  bool has_work() const { return events + timers + effects + sagas + postponed != 0; }
};

/// Counts what a database holds that is not done.
/// @param taken the number up to which the journal has the events of its outbox.
left_behind unfinished_work(store::database& session, std::string owner, std::int64_t taken);

/// Looks into the folders of the plan's databases, and where they usually are if the plan has some
/// on a server; changes nothing. Files that cannot be read are skipped: a process that uses one
/// reports what is wrong with it.
std::vector<left_behind> find_left_behind(const topology::plan& plan);

/// The words for people, a paragraph for each; empty if there are none.
/// @param file the topology.
std::string text_of(const std::vector<left_behind>& all, const std::string& file);

} // namespace troupe
