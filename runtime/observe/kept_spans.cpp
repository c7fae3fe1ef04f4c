#include "runtime/observe/kept_spans.hpp"

#include "runtime/observe/span.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <limits>

namespace troupe::observe {

namespace {

// The most notes of a span, more than gateways write. Each costs more memory than its text.
constexpr std::size_t notes_max = 16;

/// Whether the span is not much larger than a span in a ring.
bool is_small(const wire::told_span& what) {
  std::size_t bytes = what.name.size() + what.kind.size();
  for (const auto& [key, value] : what.notes) {
    bytes += key.size() + value.size();
  }
  return what.notes.size() <= notes_max && bytes <= 2 * span::text_bytes_max;
}

/// Whether the span has an id, and times whose sum does not overflow.
bool has_times(const wire::told_span& what) {
  return what.id != 0 && what.start >= 0 && what.duration >= 0
         && what.start <= std::numeric_limits<std::int64_t>::max() - what.duration;
}

} // namespace

outcome<void> kept_spans::add(std::string_view message) {
  TROUPE_TRY(auto told, wire::checked_decode<wire::told_spans>(message));
  if (told.node.size() > span::name_bytes_max) {
    return failure{invalid(fmt::format(
        "the name of who tells has {} bytes, and {} are the most",
        told.node.size(),
        span::name_bytes_max))};
  }
  if (told.spans.size() > most_at_once) {
    return failure{invalid(fmt::format("{} spans at once are the most", most_at_once))};
  }
  for (wire::told_span& each : told.spans) {
    if (!is_small(each)) {
      return failure{invalid("a span has more text or notes than spans have")};
    }
    if (!has_times(each)) {
      return failure{invalid("a span has no number, or times that no clock has told")};
    }
  }
  for (wire::told_span& each : told.spans) {
    each.of = told.node;
    spans_.push_back(std::move(each));
    ++added_;
  }
  if (told.is_cut) {
    gap_until_ = added_;
  }
  while (spans_.size() > most) {
    spans_.pop_front();
  }
  return {};
}

} // namespace troupe::observe
