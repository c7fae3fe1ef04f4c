#include "nodes/commands/progress_line.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr milliseconds shown_for{200};

void print_over(std::string_view text) {
  fmt::print(stderr, "\r{}", text);
}

} // namespace

progress_line::progress_line(const clock& time, bool is_wanted)
    : time_{time}, shows_{is_wanted && ::isatty(STDERR_FILENO) == 1} {
}

void progress_line::show(std::string_view text) {
  const instant now = time_.now();
  if (!shows_ || (shown_at_ && now - *shown_at_ < shown_for)) {
    return;
  }
  shown_at_ = now;
  const std::size_t behind = width_ > text.size() ? width_ - text.size() : 0;
  print_over(fmt::format("{}{:{}}", text, "", behind));
  width_ = text.size();
}

void progress_line::clear() {
  if (width_ != 0) {
    print_over(fmt::format("{:{}}", "", width_));
    print_over("");
    width_ = 0;
  }
}

} // namespace troupe
