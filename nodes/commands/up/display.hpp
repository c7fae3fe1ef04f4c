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

/// One process of `troupe up`, as displayed.
struct child_view {
  std::string_view name;
  std::string_view kind;
  std::string_view state;
  pid_t pid = 0;
  milliseconds up{};
  unsigned restarts = 0;
  std::string_view last_exit;
};

/// An event of one of them, or of all if `name` is empty.
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

  /// Whether `show` draws, so that it should also be called when nothing happens.
  bool is_live() const { return style_ == style::live; }

  void tell(const up_event& event);

  /// Draws a line for each process, over the previous lines.
  void show(const std::vector<child_view>& children);

private:
  enum class style : std::uint8_t { json, live, lines };

  line_output output_; // A slow reader of the output must not delay the keeper.
  style style_;
  std::size_t lines_drawn_ = 0;
  std::string note_; // Shown below the lines, about all processes.
};

} // namespace troupe
