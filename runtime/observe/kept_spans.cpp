#include "runtime/observe/kept_spans.hpp"

#include "runtime/observe/span.hpp"

#include <fmt/format.h>

namespace troupe::observe {

namespace {

/// Whether it is no larger than a span in a ring.
bool is_small(const wire::told_span& what) {
  std::size_t bytes = what.name.size() + what.kind.size();
  for (const auto& [key, value] : what.notes) {
    bytes += key.size() + value.size();
  }
  return bytes <= 2 * span::text_bytes_max;
}

} // namespace

outcome<void> kept_spans::add(std::string_view message) {
  auto told = wire::checked_decode<wire::told_spans>(message);
  if (!told) {
    return failure{std::move(told).error()};
  }
  if (told->spans.size() > most_at_once || told->node.size() > span::name_bytes_max) {
    return failure{invalid(fmt::format("{} spans at once are the most", most_at_once))};
  }
  for (wire::told_span& each : told->spans) {
    if (!is_small(each)) {
      return failure{invalid("a span has more text than spans have")};
    }
  }
  for (wire::told_span& each : told->spans) {
    each.of = told->node;
    spans_.push_back(std::move(each));
  }
  while (spans_.size() > most) {
    spans_.pop_front();
  }
  return {};
}

} // namespace troupe::observe
