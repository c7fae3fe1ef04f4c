#pragma once

#include "nodes/command_line.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <string>

namespace troupe {

/// A selection of dead letters by command-line options; empty ones do not restrict it.
struct letter_choice {
  std::string capability;
  std::string topic;
  std::string cause;
  /// As accepted by `check_moment`.
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

/// Whether a letter matches, with the rules of this release's brokers: a broker of an earlier
/// release returns all letters of the capability.
bool is_meant(const wire::letter& letter, const wire::letter_filter& which);

} // namespace troupe
