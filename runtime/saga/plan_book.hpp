#pragma once

#include "runtime/saga/journal.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/saga/state.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::saga {

/// A saga and the plan that it follows: this program's, or the one it was started under.
struct replayed {
  const plan* by;
  state current;
  /// The time at which its last record was written.
  wall_time since{};
};

/// The plans by which a capability's sagas run in this process: those of its definitions, and those
/// of earlier ones that sagas were started under.
///
/// Confined to the thread of the group's writer; functions with a session run inside a turn.
class plan_book {
public:
  explicit plan_book(std::vector<plan> plans) : plans_{std::move(plans)} {}

  /// The plans of this program.
  const std::vector<plan>& all() const { return plans_; }

  /// The plan of this program for an operation; null if it has none.
  const plan* find(std::string_view operation) const;

  /// The plan of this program whose sagas an operation undoes; null if there is none.
  const plan* find_undone_by(std::string_view operation) const;

  /// The number of a plan, in the order of those given.
  std::uint16_t number_of(const plan& found) const {
    return static_cast<std::uint16_t>(&found - plans_.data());
  }

  /// The number of an undo: these come after the plans, in the same order, and then the actor's
  /// other operations.
  std::uint16_t number_of_undo(const plan& undone) const;
  std::uint16_t operation_count() const;

  /// The plan of a saga by the steps it was started under: this program's, unless a definition with
  /// other steps was kept under that fingerprint. @errors `conflict`: this program has no such
  /// saga; `internal`: the kept table is damaged.
  outcome<const plan*>
  plan_for(store::database& session, const saga_row& row, std::uint64_t fingerprint);

  /// The saga as its journal has it. @errors `conflict` or `internal`: this program cannot continue
  /// it, and the message says why.
  outcome<replayed> read(store::database& session, const saga_row& row);

  /// Stores the steps of a plan with the journal, for programs with another definition: once for
  /// each plan, not for each saga.
  void keep_table(store::database& session, const plan& by, wall_time now);

  void committed() { kept_now_.clear(); }

  void rolled_back();

  /// The plans of earlier definitions that sagas follow, each once.
  std::vector<const plan*> take_untold() { return std::exchange(untold_, {}); }

private:
  std::vector<plan> plans_;
  // The plans of earlier definitions, by fingerprint.
  std::map<std::uint64_t, std::unique_ptr<plan>> earlier_;
  std::vector<const plan*> untold_;
  // The plans whose tables are in the database, and those added in this turn.
  std::set<const plan*> kept_;
  std::vector<const plan*> kept_now_;
};

} // namespace troupe::saga
