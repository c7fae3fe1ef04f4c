#include "nodes/worker_metrics.hpp"

#include "nodes/span_export.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace troupe {

namespace {

using observe::metrics_text;

/// A row of a table of metrics.
template <class Value, class Of>
struct named_measure {
  std::string_view name;
  std::string_view help;
  Value Of::*value;
};

using of_group = wire::group_status;
using group_count = named_measure<std::uint64_t, of_group>;
using group_times = named_measure<observe::histogram, runner_metrics>;

constexpr group_count group_counts[] = {
    {"troupe_worker_calls_answered", "Calls answered, errors too.", &of_group::answered},
    {"troupe_worker_calls_failed",
     "Calls answered with an error, refusals of the business too.",
     &of_group::failed},
    {"troupe_worker_call_repeats", "Calls answered from the inbox.", &of_group::repeats},
    {"troupe_worker_turns", "Transactions.", &of_group::turns},
    {"troupe_worker_effects", "Tries of effects.", &of_group::effects},
    {"troupe_worker_takeovers",
     "Work taken over from processes that are gone.",
     &of_group::takeovers},
    {"troupe_worker_events", "Events handled.", &of_group::events},
    {"troupe_worker_events_postponed",
     "Events that failed or wait behind one that did.",
     &of_group::events_postponed},
    {"troupe_worker_event_repeats", "Events that were handled before.", &of_group::event_repeats},
    {"troupe_worker_events_relayed",
     "Events of the outbox sent to the journal.",
     &of_group::relayed}};

constexpr group_count group_gauges[] = {
    {"troupe_worker_calls_in_hand", "Calls taken and not answered.", &of_group::in_hand},
    {"troupe_worker_events_in_hand", "Events taken and not reported.", &of_group::events_in_hand},
    {"troupe_worker_outbox_depth",
     "Events committed that the journal has not confirmed.",
     &of_group::outbox_depth}};

constexpr group_times all_group_times[] = {
    {"troupe_worker_queue_seconds",
     "From a call's arrival at the worker until it was taken up.",
     &runner_metrics::queue},
    {"troupe_worker_event_handler_seconds",
     "How long handlers of events ran.",
     &runner_metrics::event_handler}};

/// The metric families of groups with a store.
constexpr group_times turn_times[] = {
    {"troupe_worker_lock_seconds",
     "The wait for the database's lock between processes, by turn.",
     &runner_metrics::lock},
    {"troupe_worker_turn_seconds",
     "A turn up to its commit: many messages each.",
     &runner_metrics::turn},
    {"troupe_worker_commit_seconds",
     "The commit of a turn, with its fsync.",
     &runner_metrics::commit},
    {"troupe_worker_checkpoint_seconds",
     "Copying the WAL back into the database, with fsyncs.",
     &runner_metrics::checkpoint}};

constexpr std::array<std::string_view, runner_metrics::restart_causes> restart_causes{
    "handler_threw", "constructor_threw", "turn_undone", "stopped"};

constexpr std::array<std::string_view, 6> breaker_states{
    "closed", "open", "half_open", "forced_open", "forced_closed", "disabled"};

/// Writes a worker's snapshot group by group.
class worker_writer {
public:
  worker_writer(metrics_text& text, const worker_snapshot& worker) : text_{text}, worker_{worker} {}

  void write_counts() {
    for (const group_count& each : group_counts) {
      text_.counter(each.name, each.help);
      by_group([&](const auto& group, const auto&) { return group.*each.value; });
    }
    for (const group_count& each : group_gauges) {
      text_.gauge(each.name, each.help);
      by_group([&](const auto& group, const auto&) { return group.*each.value; });
    }
    text_.gauge("troupe_worker_capability_down", "1 while the capability is down on this node.");
    by_group([](const auto& group, const auto&) { return group.down_reason.empty() ? 0U : 1U; });
    text_.gauge(
        "troupe_worker_outbox_stopped",
        "1 while nothing leaves the outbox, and a person has to look: the log says why.");
    by_group([](const auto& group, const auto&) { return group.outbox_trouble.empty() ? 0U : 1U; });
    text_.gauge(
        "troupe_worker_database_failing",
        "1 while the database refuses turns, for a full disk or else: the log says why.");
    by_group([](const auto& group, const auto&) { return group.store_trouble ? 1U : 0U; });
    text_.gauge(
        "troupe_worker_open_matters",
        "What waits for a person as the actor says it, such as open cases of reconciliation.");
    by_group([](const auto& group, const auto&) {
      return group.open_matters ? group.open_matters->count : 0U;
    });
    text_.gauge("troupe_worker_busy_seconds", "For how long a handler or commit has been running.");
    by_group([](const auto&, const auto& group) { return group.busy; });
    text_.counter("troupe_worker_restarts", "Instances of replicas made anew, by cause.");
    for_each_group([&](const std::string& name, const auto&, const group_snapshot& group) {
      for (std::size_t i = 0; i < restart_causes.size(); ++i) {
        text_.sample(
            {{"capability", name}, {"cause", restart_causes[i]}},
            group.measured.restarts[i].value());
      }
    });
    text_.counter(
        "troupe_worker_fenced",
        "Turns that wrote nothing, since another process had taken this one's work over.");
    by_group(
        [](const auto&, const group_snapshot& group) { return group.measured.fenced.value(); });
  }

  void write_breakers() {
    text_.gauge("troupe_worker_breaker_open", "1 while the circuit breaker refuses calls.");
    by_group([](const auto& group, const auto&) {
      return group.breaker == "open" || group.breaker == "forced_open" ? 1U : 0U;
    });
    text_.gauge("troupe_worker_breaker_state", "1 for the state of the circuit breaker.");
    for_each_group([&](const std::string& name, const wire::group_status& group, const auto&) {
      for (const std::string_view state : breaker_states) {
        text_.sample({{"capability", name}, {"state", state}}, group.breaker == state ? 1U : 0U);
      }
    });
    text_.counter("troupe_worker_breaker_openings", "Times that the circuit breaker has opened.");
    by_group([](const auto&, const auto& group) { return group.breaker_openings; });
  }

  void write_operations() {
    text_.counter(
        "troupe_worker_calls",
        "Answers by operation and outcome; without an operation that it has or that was looked "
        "at.");
    for_each_operation([&](const auto& name, std::string_view operation, const auto& measured) {
      // Calls refused by a breaker or a limit have no operation, and may come all at once.
      const bool is_used =
          operation.empty() || std::ranges::any_of(measured.outcomes, [](const auto& each) {
            return each.value() != 0;
          });
      // Write all outcomes of a used operation: the rate of a series that did not exist before
      // misses its first value.
      for (std::size_t i = 0; is_used && i < call_outcome::count; ++i) {
        text_.sample(
            {{"capability", name}, {"operation", operation}, {"outcome", call_outcome::name(i)}},
            measured.outcomes[i].value());
      }
    });
    text_.histogram("troupe_worker_handler_seconds", "How long handlers of calls ran.");
    for_each_operation([&](const auto& name, std::string_view operation, const auto& measured) {
      if (!operation.empty()) {
        text_.sample({{"capability", name}, {"operation", operation}}, measured.handler);
      }
    });
  }

  void write_times() {
    for (const group_times& each : all_group_times) {
      text_.histogram(each.name, each.help);
      by_group([&](const auto&, const auto& group) -> const auto& {
        return group.measured.*each.value;
      });
    }
    for (const group_times& each : turn_times) {
      text_.histogram(each.name, each.help);
      for_each_group([&](const std::string& name, const auto& status, const auto& group) {
        if (status.store != "none") {
          text_.sample({{"capability", name}}, group.measured.*each.value);
        }
      });
    }
  }

  void write_effects() {
    text_.histogram("troupe_worker_effect_seconds", "How long tries of effects took, by outcome.");
    for_each_effects([&](const std::string& name, const effect_metrics& effects) {
      text_.sample({{"capability", name}, {"outcome", "ok"}}, effects.done);
      text_.sample({{"capability", name}, {"outcome", "refused"}}, effects.refused);
      text_.sample({{"capability", name}, {"outcome", "failed"}}, effects.failed);
    });
    text_.gauge("troupe_worker_effects_unfinished", "Effects without a result, by state.");
    for_each_effects([&](const std::string& name, const effect_metrics& effects) {
      text_.sample({{"capability", name}, {"state", "ready"}}, effects.ready);
      text_.sample({{"capability", name}, {"state", "retrying"}}, effects.retrying);
      text_.sample({{"capability", name}, {"state", "running"}}, effects.running);
    });
    text_.gauge("troupe_worker_effects_overdue", "Tries of effects that are over their time.");
    for_each_effects([&](const std::string& name, const effect_metrics& effects) {
      text_.sample({{"capability", name}}, effects.overdue);
    });
  }

  /// @param now by the system's clock.
  void write_sagas(wall_time now) {
    text_.gauge("troupe_worker_sagas", "Sagas of this process, by state.");
    for_each_sagas([&](const std::string& name, const auto& sagas, const auto&) {
      text_.sample({{"capability", name}, {"state", "forward"}}, sagas.forward);
      text_.sample({{"capability", name}, {"state", "undoing"}}, sagas.undoing);
      text_.sample({{"capability", name}, {"state", "queued"}}, sagas.queued);
      text_.sample({{"capability", name}, {"state", "failing"}}, sagas.failing);
      text_.sample({{"capability", name}, {"state", "left_alone"}}, sagas.left_alone);
    });
    text_.counter(
        "troupe_worker_sagas_refused",
        "Sagas that were not begun, as too many waited for their turn.");
    for_each_group([&](const std::string& name, const wire::group_status& group, const auto& more) {
      if (more.probed.sagas) {
        text_.sample({{"capability", name}}, group.sagas_refused.value_or(0));
      }
    });
    text_.counter(
        "troupe_worker_saga_events_unheard",
        "Events of topics that sagas wait for, for which none waited.");
    for_each_sagas([&](const std::string& name, const auto& sagas, const auto&) {
      text_.sample({{"capability", name}}, sagas.unheard);
    });
    text_.gauge(
        "troupe_worker_sagas_parked",
        "Sagas that wait for a person, of all processes over the database.");
    for_each_sagas([&](const std::string& name, const auto&, std::uint64_t parked) {
      text_.sample({{"capability", name}}, parked);
    });
    text_.gauge(
        "troupe_worker_sagas_need_person",
        "Sagas of this process whose step or undo is asked without end and fails for too long.");
    for_each_sagas([&](const std::string& name, const auto& sagas, const auto&) {
      text_.sample({{"capability", name}}, sagas.need_person);
    });
    text_.gauge(
        "troupe_worker_sagas_earlier_steps",
        "Sagas of this process that follow the steps of an earlier definition.");
    for_each_sagas([&](const std::string& name, const auto& sagas, const auto&) {
      text_.sample({{"capability", name}}, sagas.earlier_steps);
    });
    text_.gauge("troupe_worker_saga_oldest_seconds", "The age of the oldest saga that runs here.");
    for_each_sagas([&](const std::string& name, const auto& sagas, const auto&) {
      const bool is_one = sagas.oldest != wall_time::max();
      text_.sample(
          {{"capability", name}},
          is_one
              ? std::max(std::chrono::nanoseconds{0}, std::chrono::nanoseconds{now - sagas.oldest})
              : std::chrono::nanoseconds{0});
    });
  }

private:
  template <class Write>
  void for_each_group(const Write& write) const {
    for (std::size_t i = 0; i < worker_.groups.size(); ++i) {
      const wire::group_status& status = worker_.status.groups[i];
      write(status.capability, status, worker_.groups[i]);
    }
  }

  template <class ValueOf>
  void by_group(const ValueOf& value_of) {
    for_each_group([&](const std::string& name, const auto& status, const auto& group) {
      text_.sample({{"capability", name}}, value_of(status, group));
    });
  }

  /// The last one of a group stands for calls without an operation.
  template <class Write>
  void for_each_operation(const Write& write) const {
    for_each_group([&](const std::string& name, const auto&, const group_snapshot& group) {
      for (std::size_t i = 0; i < group.measured.operations.size(); ++i) {
        write(
            name,
            i < group.operations.size() ? std::string_view{group.operations[i]}
                                        : std::string_view{},
            group.measured.operations[i]);
      }
    });
  }

  template <class Write>
  void for_each_effects(const Write& write) const {
    for_each_group([&](const std::string& name, const auto&, const group_snapshot& group) {
      if (group.effects) {
        write(name, *group.effects);
      }
    });
  }

  template <class Write>
  void for_each_sagas(const Write& write) const {
    for_each_group([&](const std::string& name, const auto&, const group_snapshot& group) {
      if (group.probed.sagas) {
        write(name, *group.probed.sagas, group.probed.sagas_parked);
      }
    });
  }

  metrics_text& text_;
  const worker_snapshot& worker_;
};

} // namespace

std::string metrics_of(
    const worker_snapshot& worker,
    const std::vector<std::string>& brokers,
    const observe::span_exporter* exporter,
    wall_time now,
    observe::metrics_format format) {
  metrics_text text{format};
  worker_writer writer{text, worker};
  writer.write_counts();
  writer.write_breakers();
  writer.write_operations();
  writer.write_times();
  writer.write_effects();
  writer.write_sagas(now);
  text.gauge("troupe_worker_broker_joined", "1 if the worker is logged in at the broker.");
  for (std::size_t i = 0; i < brokers.size(); ++i) {
    text.sample({{"broker", brokers[i]}}, worker.links[i].is_up ? 1 : 0);
  }
  text.gauge("troupe_worker_draining", "1 while the worker is being drained.");
  text.sample({}, worker.is_draining ? 1 : 0);
  tell_export(text, exporter);
  return text.finish();
}

} // namespace troupe
