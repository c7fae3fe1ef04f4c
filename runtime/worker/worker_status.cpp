#include "runtime/worker/worker_status.hpp"

#include "runtime/time_text.hpp"
#include "runtime/wire/writer.hpp"

#include <algorithm>
#include <unistd.h>

namespace troupe {

namespace {

void entry(wire::writer& out, std::string_view key, std::string_view value) {
  out.text(key);
  out.text(value);
}

void entry(wire::writer& out, std::string_view key, std::uint64_t value) {
  out.text(key);
  out.unsigned_integer(value);
}

void write_failure(wire::writer& out, const supervision::failure_record& failed, instant now) {
  out.map(failed.message ? 3 : 2);
  const auto ago = std::chrono::duration_cast<milliseconds>(now - failed.when).count();
  entry(out, "ms_ago", static_cast<std::uint64_t>(std::max<std::int64_t>(0, ago)));
  entry(out, "reason", failed.reason);
  if (failed.message) {
    entry(out, "message", to_string(*failed.message));
  }
}

void write_replica(wire::writer& out, const supervision::child_status& child, instant now) {
  out.map(4);
  entry(out, "name", child.name);
  entry(out, "state", child.state);
  entry(out, "generation", child.generation);
  out.text("failures");
  out.array(static_cast<std::uint32_t>(child.failures.size()));
  for (const supervision::failure_record& each : child.failures) {
    write_failure(out, each, now);
  }
}

/// While a person has the breaker: who, why, since when.
void write_order(wire::writer& out, const std::optional<wire::breaker_order>& order) {
  const bool is_forced = order && order->mode != "auto";
  entry(out, "forced_by", is_forced ? order->who : "");
  entry(out, "forced_why", is_forced ? order->why : "");
  entry(
      out,
      "forced_since",
      is_forced ? utc_time_text(time_since_1970(milliseconds{order->since})) : "");
}

void write_group(wire::writer& out, group_runtime& of, instant now) {
  group& front = of.front();
  const wire::served served = front.served(now);
  group_counters& counters = front.counters();
  const wire::breaker_report breaker = front.breaker_report();
  out.map(27);
  entry(out, "capability", front.name());
  entry(out, "store", front.has_store() ? *front.options().database : std::string{"none"});
  entry(out, "breaker", breaker.state);
  write_order(out, breaker.order);
  entry(out, "credit", served.credit);
  entry(
      out,
      "in_hand",
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, front.queues().calls_in_hand())));
  entry(out, "answered", counters.answered.load());
  entry(out, "failed", counters.failed.load());
  entry(out, "repeats", counters.repeats.load());
  entry(out, "turns", counters.turns.load());
  entry(out, "effects", counters.effects.load());
  entry(out, "takeovers", counters.takeovers.load());
  entry(out, "events_credit", served.events);
  entry(
      out,
      "events_in_hand",
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, front.queues().events_in_hand())));
  entry(out, "events", counters.events.load());
  entry(out, "events_ignored", counters.events_ignored.load());
  entry(out, "events_postponed", counters.events_postponed.load());
  entry(out, "event_repeats", counters.event_repeats.load());
  entry(out, "events_of_others", counters.events_of_others.load());
  entry(out, "relayed", counters.relayed.load());
  const std::uint64_t confirmed = counters.outbox_confirmed.load();
  entry(out, "outbox_confirmed", confirmed);
  entry(out, "outbox_depth", std::max(counters.outbox_newest.load(), confirmed) - confirmed);
  entry(out, "outbox_trouble", front.condition().outbox_trouble());
  entry(out, "down_reason", front.condition().down_reason());
  out.text("replicas");
  const auto replicas = of.replicas();
  out.array(static_cast<std::uint32_t>(replicas.size()));
  for (const supervision::child_status& each : replicas) {
    write_replica(out, each, now);
  }
}

} // namespace

std::string worker_status(
    const worker_parts& parts,
    const worker_groups& groups,
    std::size_t calls_of_sagas,
    instant now) {
  std::string body;
  wire::writer out{body};
  out.map(5);
  entry(out, "node", parts.node);
  entry(out, "incarnation", to_string(parts.incarnation));
  entry(out, "pid", static_cast<std::uint64_t>(::getpid()));
  entry(out, "calls_of_sagas", calls_of_sagas);
  out.text("groups");
  out.array(static_cast<std::uint32_t>(groups.size()));
  for (const auto& each : groups) {
    write_group(out, *each, now);
  }
  return body;
}

} // namespace troupe
