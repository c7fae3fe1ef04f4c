#include "runtime/worker/worker_status.hpp"

#include "runtime/time_text.hpp"
#include "runtime/wire/error_map.hpp"

#include <algorithm>
#include <unistd.h>

namespace troupe {

namespace {

/// Counters that two threads change may be read while one of them is ahead.
std::uint64_t at_least_0(std::int64_t count) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
}

/// What actors throw and what folders are called goes into the status as it can be read: for one
/// text that is no UTF-8, nobody could read the whole.
std::string shown(std::string_view text) {
  return wire::travelling(text, text.size());
}

std::optional<std::uint64_t> unless_0(std::uint64_t count) {
  return count == 0 ? std::nullopt : std::optional{count};
}

wire::replica_status describe(const supervision::child_status& child, instant now) {
  wire::replica_status said{child.name, child.state, child.generation, {}};
  for (const supervision::failure_record& each : child.failures) {
    const auto ago = std::chrono::duration_cast<milliseconds>(now - each.when).count();
    wire::replica_failure& failed = said.failures.emplace_back();
    failed.ms_ago = at_least_0(ago);
    failed.reason = shown(each.reason);
    if (each.message) {
      failed.message = to_string(*each.message);
    }
  }
  return said;
}

std::uint64_t restarts_of(group& front) {
  std::uint64_t count = 0;
  for (const runner_metrics& each : front.metrics()) {
    for (const tally& cause : each.restarts) {
      count += cause.value();
    }
  }
  return count;
}

wire::group_status describe(group_runtime& of, instant now) {
  group& front = of.front();
  const wire::served served = front.served(now);
  const group_counters& counters = front.counters();
  const wire::breaker_report breaker = front.breaker_report();
  wire::group_status said;
  said.capability = front.name();
  said.store = front.has_store() ? shown(*front.options().database) : std::string{"none"};
  said.breaker = breaker.state;
  if (breaker.order && breaker.order->mode != "auto") {
    said.forced_by = breaker.order->who;
    said.forced_why = breaker.order->why;
    said.forced_since = utc_time_text(milliseconds{breaker.order->since});
  }
  said.credit = served.credit;
  said.in_hand = at_least_0(front.queues().calls_in_hand());
  said.answered = counters.answered.load();
  said.failed = counters.failed.load();
  said.repeats = counters.repeats.load();
  said.turns = counters.turns.load();
  said.effects = counters.effects.load();
  said.takeovers = counters.takeovers.load();
  said.events_credit = served.events;
  said.events_in_hand = at_least_0(front.queues().events_in_hand());
  said.events = counters.events.load();
  said.events_ignored = counters.events_ignored.load();
  said.events_postponed = counters.events_postponed.load();
  said.event_repeats = counters.event_repeats.load();
  said.events_of_others = counters.events_of_others.load();
  said.relayed = counters.relayed.load();
  said.outbox_confirmed = counters.outbox_confirmed.load();
  said.outbox_depth =
      std::max(counters.outbox_newest.load(), said.outbox_confirmed) - said.outbox_confirmed;
  said.outbox_trouble = shown(front.condition().outbox_trouble());
  if (const std::string trouble = front.condition().sagas_trouble().what(); !trouble.empty()) {
    said.sagas_trouble = shown(trouble);
  }
  if (std::string ahead = front.condition().time_ahead().what(); !ahead.empty()) {
    said.time_ahead = std::move(ahead);
  }
  said.sagas_queued = unless_0(counters.sagas_queued.load());
  said.sagas_refused = unless_0(counters.sagas_refused.load());
  said.sagas_full = counters.sagas_full.load() ? std::optional{true} : std::nullopt;
  if (const auto trouble = front.condition().store_trouble(now)) {
    said.store_trouble = shown(trouble->reason);
    said.store_trouble_ms =
        at_least_0(std::chrono::duration_cast<milliseconds>(now - trouble->since).count());
  }
  if (open_matters open = front.condition().open(); open.count > 0) {
    said.open_matters = {open.count, std::move(open.what), std::move(open.operation)};
  }
  said.down_reason = shown(front.condition().down_reason());
  said.restarts = restarts_of(front);
  of.trend().describe(said, now);
  if (const auto p99 = of.trend().p99(front)) {
    said.p99_us = static_cast<std::uint64_t>(p99->count());
  }
  for (const supervision::child_status& each : of.replicas()) {
    said.replicas.push_back(describe(each, now));
  }
  return said;
}

} // namespace

wire::node_status worker_status(
    const worker_parts& parts,
    const worker_groups& groups,
    std::size_t calls_of_sagas,
    instant now) {
  wire::node_status said{
      parts.node,
      to_string(parts.incarnation),
      static_cast<std::uint64_t>(::getpid()),
      calls_of_sagas,
      {}};
  for (const auto& each : groups) {
    said.groups.push_back(describe(*each, now));
  }
  return said;
}

} // namespace troupe
