#include "nodes/node_metrics.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace troupe {

namespace {

template <class Source>
struct counted {
  std::string_view name;
  std::string_view help;
  std::uint64_t Source::*value;
};

using broker_count = counted<wire::broker_counters>;
using group_count = counted<wire::group_status>;

constexpr std::array broker_counts{
    broker_count{
        "troupe_broker_calls",
        "Calls that came in, refused ones too.",
        &wire::broker_counters::calls},
    broker_count{
        "troupe_broker_calls_attached",
        "Calls whose id was under way already.",
        &wire::broker_counters::attached},
    broker_count{
        "troupe_broker_calls_answered",
        "Answers handed to a caller.",
        &wire::broker_counters::answered},
    broker_count{
        "troupe_broker_calls_refused",
        "Calls that this broker refused, for whatever reason.",
        &wire::broker_counters::refused},
    broker_count{
        "troupe_broker_calls_overloaded",
        "Calls refused as a queue was full.",
        &wire::broker_counters::overloaded},
    broker_count{
        "troupe_broker_calls_expired", "Calls whose time was up.", &wire::broker_counters::expired},
    broker_count{
        "troupe_broker_calls_conflicting",
        "Calls whose id was used with another content.",
        &wire::broker_counters::conflicts},
    broker_count{
        "troupe_broker_deliveries", "Calls sent to a worker.", &wire::broker_counters::delivered},
    broker_count{
        "troupe_broker_redeliveries",
        "Calls sent to a worker again.",
        &wire::broker_counters::redelivered},
    broker_count{
        "troupe_broker_late_replies",
        "Replies to calls that were over.",
        &wire::broker_counters::late_replies},
    broker_count{
        "troupe_broker_workers_joined",
        "Logins of workers.",
        &wire::broker_counters::workers_joined},
    broker_count{
        "troupe_broker_workers_lost",
        "Workers that died or fell silent.",
        &wire::broker_counters::workers_lost},
    broker_count{
        "troupe_broker_workers_left",
        "Workers that ended in order.",
        &wire::broker_counters::workers_left},
    broker_count{
        "troupe_broker_logins_refused", "Logins refused.", &wire::broker_counters::logins_refused},
    broker_count{
        "troupe_broker_suspects",
        "Calls that two dead processes held.",
        &wire::broker_counters::suspects},
    broker_count{
        "troupe_broker_convicted",
        "Calls given up as they kill processes.",
        &wire::broker_counters::convicted},
    broker_count{
        "troupe_broker_malformed",
        "Messages that could not be read.",
        &wire::broker_counters::malformed},
    broker_count{
        "troupe_broker_unauthenticated",
        "Messages of peers that had not logged in.",
        &wire::broker_counters::unauthenticated},
    broker_count{
        "troupe_broker_undeliverable",
        "Answers whose receiver was gone.",
        &wire::broker_counters::undeliverable},
    broker_count{
        "troupe_broker_unread",
        "Answers left away as their receiver had not read those before.",
        &wire::broker_counters::unread},
    broker_count{
        "troupe_broker_dropped",
        "Messages dropped as their sender sent more than the broker could go through.",
        &wire::broker_counters::dropped},
    broker_count{
        "troupe_broker_stray_replies",
        "Answers to calls that their sender had not been given.",
        &wire::broker_counters::stray_replies},
    broker_count{
        "troupe_broker_standstills",
        "Times the process stood still for longer than the heartbeat timeout.",
        &wire::broker_counters::stood_still},
};

constexpr std::array group_counts{
    group_count{
        "troupe_worker_calls_answered",
        "Calls answered, errors too.",
        &wire::group_status::answered},
    group_count{
        "troupe_worker_calls_failed",
        "Calls that failed for a technical reason.",
        &wire::group_status::failed},
    group_count{
        "troupe_worker_call_repeats",
        "Calls answered from the inbox.",
        &wire::group_status::repeats},
    group_count{"troupe_worker_turns", "Transactions.", &wire::group_status::turns},
    group_count{"troupe_worker_effects", "Tries of effects.", &wire::group_status::effects},
    group_count{
        "troupe_worker_takeovers",
        "Work taken over from processes that are gone.",
        &wire::group_status::takeovers},
    group_count{"troupe_worker_events", "Events handled.", &wire::group_status::events},
    group_count{
        "troupe_worker_events_postponed",
        "Events that failed or wait behind one that did.",
        &wire::group_status::events_postponed},
    group_count{
        "troupe_worker_event_repeats",
        "Events that were handled before.",
        &wire::group_status::event_repeats},
    group_count{
        "troupe_worker_events_relayed",
        "Events of the outbox sent to the journal.",
        &wire::group_status::relayed},
};

constexpr std::array group_gauges{
    group_count{
        "troupe_worker_calls_in_hand",
        "Calls taken and not answered.",
        &wire::group_status::in_hand},
    group_count{
        "troupe_worker_events_in_hand",
        "Events taken and not reported.",
        &wire::group_status::events_in_hand},
    group_count{
        "troupe_worker_outbox_depth",
        "Events committed that the journal has not confirmed.",
        &wire::group_status::outbox_depth},
};

void write_capabilities(observe::metrics_text& text, const wire::broker_status& broker) {
  const auto gauge = [&](std::string_view name, std::string_view help, const auto& value_of) {
    text.gauge(name, help);
    for (const wire::known_capability& each : broker.capabilities) {
      text.sample({{"capability", each.name}}, value_of(each));
    }
  };
  gauge("troupe_broker_calls_queued", "Calls that wait for a worker.", [](const auto& each) {
    return each.queued;
  });
  gauge("troupe_broker_calls_outstanding", "Calls that a worker has.", [](const auto& each) {
    return each.outstanding;
  });
  gauge("troupe_broker_capability_served", "1 if a worker takes calls.", [](const auto& each) {
    return each.waiting_for_workers ? 0U : 1U;
  });
}

} // namespace

std::string metrics_of(const wire::broker_status& broker, observe::metrics_format format) {
  observe::metrics_text text{format};
  for (const broker_count& each : broker_counts) {
    text.counter(each.name, each.help);
    text.sample({}, broker.counters.*each.value);
  }
  text.gauge("troupe_broker_calls_held", "Calls held, those nobody waits for included.");
  text.sample({}, broker.calls_held);
  text.gauge("troupe_broker_uptime_seconds", "How long the process has run.");
  text.sample({}, broker.uptime_ms / 1'000);
  text.gauge("troupe_broker_draining", "1 while the broker is being drained.");
  text.sample({}, broker.draining ? 1 : 0);
  write_capabilities(text, broker);
  text.gauge("troupe_broker_worker_live", "1 if the worker is logged in.");
  for (const wire::known_node& each : broker.nodes) {
    text.sample({{"node", each.name}}, each.live ? 1 : 0);
  }
  return text.finish();
}

std::string metrics_of(
    const worker_snapshot& worker,
    const std::vector<std::string>& brokers,
    observe::metrics_format format) {
  observe::metrics_text text{format};
  const auto& groups = worker.status.groups;
  const auto write_samples = [&](const auto& value_of) {
    for (const wire::group_status& each : groups) {
      text.sample({{"capability", each.capability}}, value_of(each));
    }
  };
  for (const group_count& each : group_counts) {
    text.counter(each.name, each.help);
    write_samples([&](const wire::group_status& group) { return group.*each.value; });
  }
  for (const group_count& each : group_gauges) {
    text.gauge(each.name, each.help);
    write_samples([&](const wire::group_status& group) { return group.*each.value; });
  }
  text.gauge("troupe_worker_breaker_open", "1 while the circuit breaker is open.");
  write_samples([](const wire::group_status& group) { return group.breaker == "open" ? 1U : 0U; });
  text.gauge("troupe_worker_capability_down", "1 while the capability is down on this node.");
  write_samples(
      [](const wire::group_status& group) { return group.down_reason.empty() ? 0U : 1U; });
  text.gauge("troupe_worker_broker_joined", "1 if the worker is logged in at the broker.");
  for (std::size_t i = 0; i < brokers.size(); ++i) {
    text.sample({{"broker", brokers[i]}}, worker.links[i] ? 1 : 0);
  }
  text.gauge("troupe_worker_draining", "1 while the worker is being drained.");
  text.sample({}, worker.is_draining ? 1 : 0);
  return text.finish();
}

} // namespace troupe
