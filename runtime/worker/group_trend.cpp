#include "runtime/worker/group_trend.hpp"

#include "runtime/worker/group.hpp"

#include <algorithm>

namespace troupe {

namespace {

void note(std::optional<instant>& since, bool is_so, instant now) {
  if (!is_so) {
    since.reset();
  } else if (!since) {
    since = now;
  }
}

std::optional<std::uint64_t> age(const std::optional<instant>& since, instant now) {
  if (!since) {
    return std::nullopt;
  }
  const auto span = std::chrono::duration_cast<milliseconds>(now - *since).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, span));
}

group_trend::view view_of(group& of) {
  const group_counters& counters = of.counters();
  const std::string breaker = of.breaker().report().state;
  return {
      .handled = counters.answered.load() + counters.events.load(),
      .outbox_newest = counters.outbox_newest.load(),
      .outbox_confirmed = counters.outbox_confirmed.load(),
      .is_down = of.condition().is_down(),
      .is_open = breaker == "open" || breaker == "forced_open",
      .is_outbox_stopped = !of.condition().outbox_trouble().empty()};
}

} // namespace

void group_trend::look(group& of, instant now) {
  if (looked_at_ == instant{} || now - looked_at_ >= interval) {
    take(view_of(of), now);
  }
  if (handlers_.is_due(now)) {
    handlers_.note(handler_times(of), now);
  }
}

observe::histogram group_trend::handler_times(group& of) {
  observe::histogram all;
  for (const runner_metrics& runner : of.metrics()) {
    all.add(runner.event_handler);
    for (const operation_metrics& each : runner.operations) {
      all.add(each.handler);
    }
  }
  return all;
}

void group_trend::take(const view& seen, instant now) {
  if (looked_at_ == instant{}) {
    samples_.fill({now, seen.handled});
  } else if (now - samples_[newest_].at >= sample_interval) {
    newest_ = (newest_ + 1) % sample_count;
    samples_[newest_] = {now, seen.handled};
  }
  looked_at_ = now;
  note(down_since_, seen.is_down, now);
  note(open_since_, seen.is_open, now);
  note(stopped_since_, seen.is_outbox_stopped, now);
  // Each confirmation begins the wait of the next event again, at most so much too late.
  if (seen.outbox_confirmed != last_.outbox_confirmed) {
    outbox_waits_since_.reset();
  }
  note(outbox_waits_since_, seen.outbox_newest > seen.outbox_confirmed, now);
  last_ = seen;
}

void group_trend::describe(wire::group_status& to, instant now) const {
  const sample& oldest = samples_[(newest_ + 1) % sample_count];
  const std::uint64_t handled = to.answered + to.events;
  const std::chrono::duration<double> span = now - oldest.at;
  if (looked_at_ != instant{} && span >= interval) {
    to.rate_per_s = static_cast<double>(handled - std::min(handled, oldest.handled)) / span.count();
  }
  to.down_ms = age(down_since_, now);
  to.breaker_open_ms = age(open_since_, now);
  to.outbox_stopped_ms = age(stopped_since_, now);
  to.outbox_waits_ms = age(outbox_waits_since_, now);
}

} // namespace troupe
