#include "nodes/commands/top/terminal.hpp"

#include "nodes/text_table.hpp"

#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace troupe {

namespace {

// ECMA-48, and DEC's private modes as in xterm: alternate screen, no cursor, no line wrap.
constexpr std::string_view enter_screen = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view leave_screen = "\x1b[?7h\x1b[?25h\x1b[?1049l";

std::string_view colour_of(board_line::tone as) {
  switch (as) {
  case board_line::tone::good:
    return "\x1b[1;32m";
  case board_line::tone::bad:
    return "\x1b[1;31m";
  case board_line::tone::waits:
    return "\x1b[33m";
  case board_line::tone::quiet:
    return "\x1b[2m";
  case board_line::tone::plain:
    break;
  }
  return "";
}

void put(std::string_view text) {
  while (!text.empty()) {
    const ssize_t taken = ::write(STDOUT_FILENO, text.data(), text.size());
    if (taken < 0 && errno == EINTR) {
      continue;
    }
    if (taken <= 0) {
      return; // The reader is gone; the keyboard will report that too.
    }
    text.remove_prefix(static_cast<std::size_t>(taken));
  }
}

} // namespace

bool terminal::is_there() {
  return draws_in_place(STDOUT_FILENO);
}

terminal::terminal(bool has_colours)
    : has_colours_{has_colours}, has_keys_{::tcgetattr(STDIN_FILENO, &before_) == 0} {
  enter();
}

terminal::~terminal() {
  leave();
}

void terminal::enter() {
  if (has_keys_) {
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO); // Ctrl-C still raises a signal.
    now.c_cc[VMIN] = 0;
    now.c_cc[VTIME] = 0;
    (void)::tcsetattr(STDIN_FILENO, TCSANOW, &now);
  }
  put(enter_screen);
}

void terminal::leave() {
  put(leave_screen);
  if (has_keys_) {
    (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
}

board_room terminal::room() const {
  winsize size{};
  const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  board_room found;
  found.columns = is_known && size.ws_col > 0 ? size.ws_col : 80;
  found.rows = is_known && size.ws_row > 0 ? size.ws_row : 24;
  return found;
}

void terminal::show(const std::vector<board_line>& lines) {
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view colour = has_colours_ ? colour_of(lines[i].as) : "";
    // Clear the rest of the line before the line break: in the last row that would scroll.
    text += fmt::format(
        "{}{}{}{}\x1b[K",
        i == 0 ? "" : "\r\n",
        colour,
        lines[i].text,
        colour.empty() ? "" : "\x1b[0m");
  }
  put(text + "\x1b[J");
}

int terminal::key() {
  char pressed = 0;
  const ssize_t count = ::read(STDIN_FILENO, &pressed, 1);
  return count == 1 ? pressed : count == 0 || errno == EINTR || errno == EAGAIN ? 0 : -1;
}

void terminal::stop_process() {
  leave();
  (void)::kill(::getpid(), SIGSTOP);
  enter();
}

} // namespace troupe
