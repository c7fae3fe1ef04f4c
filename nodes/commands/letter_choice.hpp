#pragma once

#include "nodes/command_line.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <string>

namespace troupe {

/// A selection of dead letters by command-line words; empty words select nothing.
struct letter_choice {
  std::string capability;
  std::string topic;
  std::string cause;
  /// Words of `check_moment`.
  std::string since;
  std::string older;

  /// Whether letters are chosen by more than their capability.
  bool is_narrow() const {
    return !topic.empty() || !cause.empty() || !since.empty() || !older.empty();
  }
};

/// Declares --capability, --topic, --cause, --since and --older.
/// @param given outlives `takes`.
void add_letter_choice(command& takes, letter_choice& given);

wire::letter_filter filter_of(const letter_choice& given);

/// Whether a letter fits, as a broker of this release would say: one of an earlier release gives
/// all that are of the capability.
bool is_meant(const wire::letter& letter, const wire::letter_filter& which);

} // namespace troupe
