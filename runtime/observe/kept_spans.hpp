#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/spans.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

namespace troupe::observe {

/// The newest spans of processes that cannot be asked, as sent by them. One thread.
class kept_spans {
public:
  /// The most spans of all processes together, and of one message.
  static constexpr std::size_t most = 1'024;
  static constexpr std::size_t most_at_once = 256;

  /// Keeps what `message` (`wire::told_spans`) brings. @errors `invalid`: it cannot be read, has
  /// too many, or one that is too large or has no number or no times, or the name of who tells is
  /// too long.
  outcome<void> add(std::string_view message);

  const std::deque<wire::told_span>& all() const { return spans_; }

  /// Whether a process that told some of these had more than it told, of about the same time.
  bool has_gap() const { return gap_until_ > added_ - spans_.size(); }

private:
  std::deque<wire::told_span> spans_;
  /// The spans so far, and how many of them there were once a message was cut.
  std::uint64_t added_ = 0;
  std::uint64_t gap_until_ = 0;
};

} // namespace troupe::observe
