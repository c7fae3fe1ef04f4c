#pragma once

#include "runtime/saga/definition.hpp"
#include "runtime/saga/step_table.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::saga {

/// The steps from `first` up to `end`, which begin together.
struct stage {
  std::uint32_t first = 0;
  std::uint32_t end = 0;

  bool operator==(const stage&) const = default;
};

/// A checked definition, with values computed once for all its sagas.
///
/// Immutable; shared by all sagas of one operation and all threads. Do not move it while sagas use
/// it.
class plan {
public:
  /// @return the plan, or all faults of the definition with its tuning.
  static tl::expected<plan, std::vector<fault>> make(definition from, const tuning& tuned = {});

  /// The plan for sagas that were started under the earlier `table`; `now` is this program's plan
  /// for the operation, and outlives nothing.
  static plan pinned(const step_table& table, const plan& now);

  const definition& what() const { return what_; }

  /// Whether it is the plan of an earlier definition.
  bool is_pinned() const { return is_pinned_; }

  /// Whether this program can make the body of a step's call or undo: always, but for a plan of an
  /// earlier definition.
  bool makes(std::uint32_t index, bool undo) const;

  /// The parts of an earlier definition that this program no longer has: the names of the steps
  /// whose calls or undos are gone, "the condition of S", "the answer to S" of a step that waits.
  /// Sagas stop where they need one.
  std::vector<std::string> gone() const;

  const step& at(std::uint32_t index) const { return what_.steps[index]; }

  /// The steps that begin together with one; in most cases only that one.
  stage stage_of(std::uint32_t index) const { return stages_[index]; }

  /// Whether a step has an effect that may have to be undone.
  bool is_call(std::uint32_t index) const { return at(index).act == step_act::call; }

  std::uint32_t step_count() const { return static_cast<std::uint32_t>(what_.steps.size()); }

  /// A 64-bit hash of everything that gives a journal its meaning: names, order, kinds,
  /// capabilities and operations of the steps, what they do and which begin together, but not their
  /// deadlines. A saga continues only under the plan it was started under.
  std::uint64_t fingerprint() const { return fingerprint_; }

  /// The id of a step's call or undo: the same for every try and every owner, so that the inbox
  /// recognizes it.
  uuid command_id(const uuid& saga, std::uint32_t index, bool undo, std::uint32_t round) const;

private:
  plan(definition from, std::uint64_t fingerprint);

  definition what_;
  std::vector<stage> stages_; // The stages, by step.
  std::uint64_t fingerprint_ = 0;
  bool is_pinned_ = false;
};

} // namespace troupe::saga
