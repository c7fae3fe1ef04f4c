#pragma once

#include "nodes/commands/status/system_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A line of the board, and its style on a colour terminal. The words alone carry the meaning.
struct board_line {
  enum class tone : std::uint8_t { plain, good, bad, waits, quiet };

  std::string text;
  tone as = tone::plain;
};

/// The size of a terminal.
struct board_room {
  std::size_t columns = 80;
  std::size_t rows = static_cast<std::size_t>(-1);
};

/// The output of `troupe top`: the verdict; troubles with the commands that repair them; a row for
/// each capability with its nodes; breakers, sagas, dead letters; brokers, nodes, gateways. Pure.
///
/// No line is longer than `room.columns`, and there are at most `room.rows`. What does not fit is
/// left out by columns and rows, never inside a number, and a line says so; rows of healthy
/// capabilities are left out first.
/// @param notice shown below the verdict; may be empty.
std::vector<board_line>
board_of(const system_state& state, const std::string& notice, board_room room);

} // namespace troupe
