#pragma once

#include "nodes/commands/top/board.hpp"

#include <termios.h>
#include <vector>

namespace troupe {

/// The terminal of a command that fills it: another screen, on which keys are read one by one and
/// not shown. Its end gives back what was there before. Confined to one thread.
class terminal {
public:
  /// Whether stdout is a terminal that can be filled (`TERM=dumb` says that it cannot).
  static bool is_there();

  /// @param has_colours what is told apart by words is told apart by colours, too.
  explicit terminal(bool has_colours);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  board_room room() const;

  void show(const std::vector<board_line>& lines);

  /// Whether stdin is a terminal, too.
  bool has_keys() const { return has_keys_; }

  /// The key that was pressed; 0 if none was, -1 if nobody will press one any more.
  int key();

  /// Gives the terminal back for as long as the process is stopped (SIGTSTP).
  void stop_process();

private:
  void enter();
  void leave();

  const bool has_colours_;
  termios before_{}; // Before `has_keys_`, whose initializer fills it in.
  const bool has_keys_;
};

} // namespace troupe
