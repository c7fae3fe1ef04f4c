#pragma once

#include "runtime/clock.hpp"
#include "runtime/line_output.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace troupe {

/// One process of `troupe up`, as people see it.
struct child_view {
  std::string_view name;
  std::string_view kind;
  std::string_view state;
  pid_t pid = 0;
  milliseconds up{};
  unsigned restarts = 0;
  std::string_view last_exit;
};

/// Something that happened to one of them, or to all if `name` is empty.
struct up_event {
  std::string_view what;
  std::string_view name{};
  std::string_view kind{};
  pid_t pid = 0;
  std::string_view reason{};
  std::optional<milliseconds> lived{};
  std::optional<milliseconds> restart_in{};
};

/// The output of `troupe up`: JSON lines, one live line per process on a terminal, or log lines.
class up_display {
public:
  explicit up_display(bool json);

  /// Whether `show` draws: then it is worth being called when nothing happens, too.
  bool is_live() const { return style_ == style::live; }

  void tell(const up_event& event);

  /// Draws a line for each, over those of the last time.
  void show(const std::vector<child_view>& children);

private:
  enum class style : std::uint8_t { json, live, lines };

  line_output output_; // Whoever reads it must not hold the keeper up.
  style style_;
  std::size_t lines_drawn_ = 0;
  std::string note_; // Below the lines, about all of them.
};

} // namespace troupe
