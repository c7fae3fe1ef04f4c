#include "runtime/worker/group.hpp"

#include "runtime/wire/departure.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

group::group(const capability_options& options, const actor_type& type, worker_parts& parts)
    : options_{options}, type_{type}, parts_{parts},
      queues_{options.database ? 1 : options.replicas.size()}, breaker_{options_, parts, changed_},
      condition_{options_.name, parts.log, changed_} {
}

outcome<void> group::check_answer(std::size_t bytes, effect possible) const {
  auto fits =
      wire::check_departure({.what = "the answer", .body_bytes = bytes}, parts_.body_bytes_max);
  if (!fits) {
    fits.error().code = errc::internal; // No fault of whoever asked.
    fits.error().possible = possible;
  }
  return fits;
}

wire::served group::served(instant now) const {
  const bool is_down = condition_.is_down();
  const bool takes_work = !is_down && !condition_.is_draining();
  const auto limit = [takes_work](int wanted) {
    return takes_work ? static_cast<std::uint32_t>(wanted) : 0U;
  };
  wire::served told{
      .capability = options_.name,
      .credit = limit(options_.bulkhead.in_flight),
      .inbox = has_store(),
      .replicas = static_cast<std::uint32_t>(options_.replicas.size()),
      .events = subscribes() ? limit(options_.events_in_flight) : 0U};
  auto retry_at = breaker_.describe(told, now);
  if (is_down) {
    told.breaker = "down";
    retry_at = condition_.down_until();
  }
  if (retry_at) {
    const auto left = std::chrono::ceil<milliseconds>(*retry_at - now).count();
    told.retry_after_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(1, left));
  }
  if (const error* why = condition_.why_shut()) {
    told.shut = why->message;
  }
  return told;
}

wire::breaker_report group::breaker_report() const {
  wire::breaker_report report = breaker_.report();
  if (condition_.is_down()) {
    report.state = "down";
  }
  return report;
}

error group::shut_error() const {
  return {
      .code = errc::unavailable,
      .message = fmt::format(
          "`{}` is down on {}: {}", name(), parts_.node, condition_.why_shut()->message)};
}

} // namespace troupe
