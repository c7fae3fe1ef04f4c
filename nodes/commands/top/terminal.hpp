#pragma once

#include "nodes/commands/top/board.hpp"

#include <termios.h>
#include <vector>

namespace troupe {

/// Takes over the terminal for a full-screen command: alternate screen, keys read one by one
/// without echo. The destructor restores the terminal. Confined to one thread.
class terminal {
public:
  /// Whether stdout is a suitable terminal (`TERM=dumb` is not).
  static bool is_there();

  /// @param has_colours adds colours to what words express already.
  explicit terminal(bool has_colours);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  board_room room() const;

  void show(const std::vector<board_line>& lines);

  /// Whether stdin is a terminal, too.
  bool has_keys() const { return has_keys_; }

  /// The key pressed; 0 if none was, -1 if there will be no more keys.
  int key();

  /// Restores the terminal while the process is stopped (SIGTSTP).
  void stop_process();

private:
  void enter();
  void leave();

  const bool has_colours_;
  termios before_{}; // Before `has_keys_`, whose initializer fills it in.
  const bool has_keys_;
};

} // namespace troupe
