#pragma once

#include "nodes/commands/status/system_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A line of the board, and its style on a terminal with colours. Its words say the same.
struct board_line {
  enum class tone : std::uint8_t { plain, good, bad, waits, quiet };

  std::string text;
  tone as = tone::plain;
};

/// The room that a terminal has.
struct board_room {
  std::size_t columns = 80;
  std::size_t rows = static_cast<std::size_t>(-1);
};

/// The answer of `troupe top`: the verdict; what is wrong and the command that repairs it; a row
/// for each capability with its nodes; breakers, sagas, dead letters; brokers, nodes, gateways.
/// Pure.
///
/// No line is longer than `room.columns`, and there are not more than `room.rows`. What does not
/// fit is left out by columns and by rows, never in the middle of a number, and a line says so:
/// rows of capabilities that are well go first.
/// @param notice stands below the verdict; may be empty.
std::vector<board_line>
board_of(const system_state& state, const std::string& notice, board_room room);

} // namespace troupe
