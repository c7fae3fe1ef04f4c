#include "nodes/broker_metrics.hpp"

#include "nodes/span_export.hpp"

#include <string_view>

namespace troupe {

namespace {

/// A row of a table of metrics.
template <class Of>
struct named_count {
  std::string_view name;
  std::string_view help;
  std::uint64_t Of::*value;
};

using of_broker = wire::broker_counters;
using subscription = broker::subscription_measures;

constexpr named_count<of_broker> broker_counts[] = {
    {"troupe_broker_calls", "Calls that came in, refused ones too.", &of_broker::calls},
    {"troupe_broker_calls_attached", "Calls whose id was under way already.", &of_broker::attached},
    {"troupe_broker_calls_answered", "Answers handed to a caller.", &of_broker::answered},
    {"troupe_broker_calls_refused",
     "Calls that this broker refused, for whatever reason.",
     &of_broker::refused},
    {"troupe_broker_calls_overloaded",
     "Calls refused as a queue was full.",
     &of_broker::overloaded},
    {"troupe_broker_calls_expired", "Calls whose time was up.", &of_broker::expired},
    {"troupe_broker_calls_conflicting",
     "Calls whose id was used with another content.",
     &of_broker::conflicts},
    {"troupe_broker_deliveries", "Calls sent to a worker.", &of_broker::delivered},
    {"troupe_broker_redeliveries", "Calls sent to a worker again.", &of_broker::redelivered},
    {"troupe_broker_late_replies", "Replies to calls that were over.", &of_broker::late_replies},
    {"troupe_broker_workers_joined", "Logins of workers.", &of_broker::workers_joined},
    {"troupe_broker_workers_lost", "Workers that died or fell silent.", &of_broker::workers_lost},
    {"troupe_broker_workers_left", "Workers that ended in order.", &of_broker::workers_left},
    {"troupe_broker_logins_refused", "Logins refused.", &of_broker::logins_refused},
    {"troupe_broker_suspects", "Calls that two dead processes held.", &of_broker::suspects},
    {"troupe_broker_convicted", "Calls given up as they kill processes.", &of_broker::convicted},
    {"troupe_broker_malformed", "Messages that could not be read.", &of_broker::malformed},
    {"troupe_broker_unauthenticated",
     "Messages of peers that had not logged in.",
     &of_broker::unauthenticated},
    {"troupe_broker_keys_refused",
     "Connections not let in for their key.",
     &of_broker::keys_refused},
    {"troupe_broker_renewals_refused",
     "Tokens that were to renew one of a login, and were not taken.",
     &of_broker::renewals_refused},
    {"troupe_broker_undeliverable", "Answers whose receiver was gone.", &of_broker::undeliverable},
    {"troupe_broker_unread",
     "Answers omitted as their receiver had not read those before.",
     &of_broker::unread},
    {"troupe_broker_dropped",
     "Messages dropped as their sender sent more than the broker could go through.",
     &of_broker::dropped},
    {"troupe_broker_calls_forbidden",
     "Calls refused as their sender has no right to them.",
     &of_broker::forbidden},
    {"troupe_broker_stray_replies",
     "Answers to calls that their sender had not been given.",
     &of_broker::stray_replies},
    {"troupe_broker_standstills",
     "Times the process stood still for longer than the heartbeat timeout.",
     &of_broker::stood_still}};

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

void write_times(observe::metrics_text& text, const broker::broker_snapshot& said) {
  const auto for_each = [&](const auto& write) {
    for (std::size_t i = 0; i < said.times.size(); ++i) {
      write(said.status.capabilities[i].name, said.times[i]);
    }
  };
  text.histogram(
      "troupe_broker_call_seconds", "From a call's arrival until its caller had an end of it.");
  for_each([&](const std::string& name, const broker::call_times& times) {
    text.sample({{"capability", name}, {"outcome", "ok"}}, times.answered);
    text.sample({{"capability", name}, {"outcome", "error"}}, times.failed);
    text.sample({{"capability", name}, {"outcome", "expired"}}, times.expired);
  });
  text.histogram(
      "troupe_broker_queue_seconds", "From a call's arrival until a worker was sent it.");
  for_each([&](const std::string& name, const broker::call_times& times) {
    text.sample({{"capability", name}}, times.queue);
  });
  text.counter(
      "troupe_broker_calls_given_up",
      "Calls taken in that this broker ended with an error of its own, other than expired ones.");
  for_each([&](const std::string& name, const broker::call_times& times) {
    text.sample({{"capability", name}}, times.refused.value());
  });
}

constexpr named_count<subscription> subscription_counts[] = {
    {"troupe_broker_events_delivered", "Events sent to a worker.", &subscription::delivered},
    {"troupe_broker_events_handled", "Events that a worker handled.", &subscription::handled}};

constexpr named_count<subscription> subscription_gauges[] = {
    {"troupe_broker_subscription_lag_events",
     "Events yet to be handled; while it reads from the journal also those of other topics that "
     "it has not come past.",
     &subscription::lag},
    {"troupe_broker_events_in_flight", "Events that a worker has.", &subscription::in_flight},
    {"troupe_broker_events_retrying",
     "Events that failed and wait for another try.",
     &subscription::retrying},
    {"troupe_broker_dead_letters", "Dead letters in the journal.", &subscription::dead_letters}};

void write_events(observe::metrics_text& text, const broker::event_measures& events) {
  const auto for_each = [&](const auto& value_of) {
    for (const subscription& each : events.subscriptions) {
      text.sample({{"capability", each.capability}}, value_of(each));
    }
  };
  text.gauge("troupe_broker_journal_position", "The highest position on disk.");
  text.sample({}, events.last);
  text.gauge("troupe_broker_events_pending", "Events that wait for the disk.");
  text.sample({}, events.pending);
  text.gauge("troupe_broker_scheduled_events", "Events that are to be published later.");
  text.sample({}, events.scheduled);
  text.counter("troupe_broker_scheduled_published", "Scheduled events whose time came.");
  text.sample({}, events.scheduled_published);
  text.counter("troupe_broker_scheduled_cancelled", "Scheduled events that a person cancelled.");
  text.sample({}, events.scheduled_cancelled);
  text.histogram(
      "troupe_broker_publish_seconds", "From an event's arrival until it was on disk, confirmed.");
  text.sample({}, events.confirmed);
  text.histogram(
      "troupe_broker_journal_commit_seconds",
      "A transaction of the journal with its fsync; a batch of events each.");
  text.sample({}, events.commit);
  for (const auto& each : subscription_counts) {
    text.counter(each.name, each.help);
    for_each([&](const subscription& of) { return of.*each.value; });
  }
  for (const auto& each : subscription_gauges) {
    text.gauge(each.name, each.help);
    for_each([&](const subscription& of) { return of.*each.value; });
  }
  text.gauge(
      "troupe_broker_subscription_lag_seconds",
      "Since the oldest event was journaled that is in memory and not handled.");
  for_each([](const subscription& of) { return std::chrono::nanoseconds{of.lag_time}; });
  text.gauge(
      "troupe_broker_subscription_stopped", "1 while a person has to look: the log says why.");
  for_each([](const subscription& of) { return of.trouble.empty() ? 0U : 1U; });
}

} // namespace

std::string metrics_of(
    const broker::broker_snapshot& said,
    const observe::span_exporter* exporter,
    observe::metrics_format format) {
  const wire::broker_status& broker = said.status;
  observe::metrics_text text{format};
  for (const auto& each : broker_counts) {
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
  write_times(text, said);
  text.gauge("troupe_broker_worker_live", "1 if the worker is logged in.");
  for (const wire::known_node& each : broker.nodes) {
    text.sample({{"node", each.name}}, each.live ? 1 : 0);
  }
  if (broker.journal) {
    text.gauge("troupe_broker_journal_held", "1 if this broker has the journal that they share.");
    text.sample({}, broker.journal->here ? 1 : 0);
    text.gauge("troupe_broker_journal_generation", "How often the journal was taken.");
    text.sample({}, broker.journal->generation);
  }
  if (said.events || broker.journal) {
    text.gauge(
        "troupe_broker_journal_failing",
        "1 while the journal cannot be read or written; of a shared one also while it is unknown "
        "who has it.");
    text.sample(
        {}, (said.events ? said.events->journal_trouble : broker.journal->trouble).empty() ? 0 : 1);
  }
  if (said.events) {
    write_events(text, *said.events);
  }
  tell_export(text, exporter);
  return text.finish();
}

} // namespace troupe
