#pragma once

#include "runtime/saga/definition.hpp"
#include "runtime/saga/record.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::saga::test {

/// A journal row as the checker reads it.
struct journal_row {
  std::uint64_t seq = 0;
  std::uint64_t epoch = 0;
  record_kind kind = record_kind::started;
  std::uint32_t step = 0;
  /// Of `failed` and `parked`: the error says there may be an effect.
  bool maybe_done = false;
};

/// Something that happened at a participant, in the order of the world.
struct effect_row {
  std::uint32_t step = 0;
  bool undo = false;
};

/// What is left of one saga once the world is quiet.
struct history {
  std::vector<step_kind> kinds;
  /// Whether each step is a call, and the first step of those that begin together with it.
  std::vector<bool> is_call;
  std::vector<std::uint32_t> stages;
  std::vector<journal_row> journal;
  std::vector<effect_row> effects;
};

/// The invariants broken by `run`, as "I6: ..."; empty if none is.
///
/// Knows nothing of the machine: reads the journal and the participants' effects only.
std::vector<std::string> violations(const history& run);

} // namespace troupe::saga::test
