#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/spans.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace troupe::observe {

/// The newest spans of processes that cannot be asked, as they told them. One thread.
class kept_spans {
public:
  /// The most spans of all processes together, and of one message.
  static constexpr std::size_t most = 1'024;
  static constexpr std::size_t most_at_once = 256;

  /// Keeps what `message` (`wire::told_spans`) brings. @errors `invalid`: it cannot be read, has
  /// too many, or one that is too large, or the name of who tells is too long.
  outcome<void> add(std::string_view message);

  const std::deque<wire::told_span>& all() const { return spans_; }

private:
  std::deque<wire::told_span> spans_;
};

} // namespace troupe::observe
