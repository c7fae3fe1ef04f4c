#include "nodes/commands/up/display.hpp"

#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace troupe {

namespace {

// The heading, a note, and the cursor's line.
constexpr std::size_t frame_lines = 3;

std::string uptime_text(milliseconds up) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(up).count();
  if (seconds < 60) {
    return fmt::format("{}s", seconds);
  }
  if (seconds < 3600) {
    return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  }
  return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

std::string json_line(const up_event& event) {
  wire::json_object line;
  line.add("time_ms", unix_millis(std::chrono::system_clock::now())).add("event", event.what);
  if (!event.name.empty()) {
    line.add("node", event.name).add("kind", event.kind);
  }
  if (event.pid != 0) {
    line.add("pid", event.pid);
  }
  if (!event.reason.empty()) {
    line.add("reason", event.reason);
  }
  if (event.lived) {
    line.add("lived_ms", event.lived->count());
  }
  if (event.restart_in) {
    line.add("restart_in_ms", event.restart_in->count());
  }
  return line.text();
}

std::string text_line(const up_event& event) {
  std::string line = fmt::format(
      "{:%H:%M:%S} {}",
      fmt::localtime(std::time(nullptr)),
      event.name.empty() ? std::string{"troupe up"} : fmt::format("{} {}", event.kind, event.name));
  line += fmt::format(": {}", event.what);
  if (event.pid != 0) {
    line += fmt::format(", pid {}", event.pid);
  }
  if (!event.reason.empty()) {
    line += fmt::format(", {}", event.reason);
  }
  if (event.restart_in) {
    line += fmt::format(", starts again in {} ms", event.restart_in->count());
  }
  return line;
}

} // namespace

up_display::up_display(bool json)
    : output_{STDOUT_FILENO},
      style_{json ? style::json : (draws_in_place(STDOUT_FILENO) ? style::live : style::lines)} {
}

void up_display::tell(const up_event& event) {
  if (style_ == style::live) {
    // The table shows the processes' state; other events become the note.
    note_ = event.name.empty() && !event.reason.empty() ? text_line(event) : note_;
    return;
  }
  (void)output_.write((style_ == style::json ? json_line(event) : text_line(event)) + '\n');
}

void up_display::show(const std::vector<child_view>& children) {
  if (style_ != style::live) {
    return;
  }
  // Moves the cursor to the first line drawn, and clears the screen from there.
  std::string text = lines_drawn_ == 0 ? "" : fmt::format("\x1b[{}A\x1b[J", lines_drawn_);
  const std::size_t columns = terminal_columns(80); // The size may have changed.
  const auto add_line = [&](auto&&... cells) {
    const std::string line = fmt::format("{:<12} {:<7} {:<9} {:>8} {:>8} {:>8}  {}", cells...);
    // Cut the line: a wrapped line would count as two, and the cursor would not move up far enough.
    text += first_characters(line, columns);
    text += '\n';
  };
  add_line("NAME", "KIND", "STATE", "PID", "UPTIME", "RESTARTS", "LAST EXIT");
  // Lines above the top of the screen cannot be redrawn; each redraw would leave a copy behind.
  const std::size_t rows = terminal_rows(children.size() + frame_lines);
  const std::size_t shown = children.size() + frame_lines <= rows
                                ? children.size()
                                : std::max(rows, frame_lines + 1) - frame_lines - 1;
  for (std::size_t i = 0; i < shown; ++i) {
    const child_view& each = children[i];
    add_line(
        each.name,
        each.kind,
        each.state,
        each.pid == 0 ? std::string{"-"} : std::to_string(each.pid),
        uptime_text(each.up),
        each.restarts,
        cell_text(each.last_exit));
  }
  lines_drawn_ = shown + 1;
  if (shown < children.size()) {
    text += first_characters(
        fmt::format("and {} more, which do not fit here", children.size() - shown), columns);
    text += '\n';
    ++lines_drawn_;
  }
  if (!note_.empty()) {
    text += first_characters(note_, columns);
    text += '\n';
    ++lines_drawn_;
  }
  (void)output_.write(text);
}

} // namespace troupe
