#include "runtime/worker/group.hpp"

#include "runtime/wire/departure.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// The most of a store's own words in the reason, so that there is room for the advice.
constexpr std::size_t refusal_bytes_max = 2'048;

} // namespace

group::group(const capability_options& options, const actor_type& type, worker_parts& parts)
    : options_{options}, type_{type}, parts_{parts},
      queues_{options.database ? 1 : options.replicas.size()}, breaker_{options_, parts, changed_},
      condition_{options_.name, parts.log, changed_},
      metrics_(queues_.all().size(), runner_metrics{type.description.operations.size()}) {
}

outcome<void> group::refuse_answer(std::size_t bytes, effect possible) const {
  auto refused =
      wire::check_departure({.what = "the answer", .body_bytes = bytes}, parts_.body_bytes_max);
  refused.error().code = errc::internal; // No fault of whoever asked.
  refused.error().possible = possible;
  return refused;
}

wire::served group::served(instant now) const {
  const bool is_down = condition_.is_down();
  const bool takes_work = !is_down && !condition_.is_draining() && !condition_.is_store_away();
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

void group::shut(error refusal) {
  refusal.possible = effect::none;
  refusal.message = wire::travelling(
      fmt::format(
          "its database {} was refused: {}. Put the file right (restore a copy, say) or the "
          "topology, then restart the worker {}, which opens it again only then",
          *options_.database,
          wire::travelling(refusal.message, refusal_bytes_max),
          parts_.node),
      wire::message_bytes_max);
  condition_.shut(std::move(refusal));
}

error group::down_error() const {
  if (condition_.why_shut() != nullptr) {
    return shut_error();
  }
  const auto until = condition_.down_until();
  const auto left =
      until ? std::chrono::ceil<milliseconds>(*until - parts_.time.now()) : milliseconds{100};
  return {
      .code = errc::unavailable,
      .message = fmt::format("`{}` is down on {} after too many failures", name(), parts_.node),
      .retry_after = std::max(left, milliseconds{1})};
}

error group::shut_error() const {
  return {
      .code = errc::unavailable,
      .message = fmt::format(
          "`{}` is down on {}: {}", name(), parts_.node, condition_.why_shut()->message),
      .details = {{"fault", "shut"}}};
}

} // namespace troupe
