#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace troupe {

/// The line on standard error on which a long command shows its progress: overwritten at most five
/// times a second, and erased before anything else is printed. Nothing is written unless standard
/// error is a terminal.
class progress_line {
public:
  /// @param is_wanted false: nothing is shown.
  progress_line(const clock& time, bool is_wanted);
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  ~progress_line() { clear(); }

  void show(std::string_view text);
  void clear();

private:
  const clock& time_;
  bool shows_;
  std::optional<instant> shown_at_;
  std::size_t width_ = 0;
};

} // namespace troupe
