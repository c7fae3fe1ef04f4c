// troupe-worker: one worker node of a topology, as a process.

#include "runtime/worker/worker.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/admin_server.hpp"
#include "nodes/capability_calls.hpp"
#include "nodes/connection.hpp"
#include "nodes/link_keys.hpp"
#include "nodes/node_health.hpp"
#include "nodes/node_main.hpp"
#include "nodes/process_marks.hpp"
#include "nodes/service_manager.hpp"
#include "nodes/span_export.hpp"
#include "nodes/stop_signals.hpp"
#include "nodes/worker_metrics.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/worker/runner_store.hpp"
#include "topology/store_path.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <variant>
#include <vector>

namespace troupe {

namespace {

capability_options options_of(
    const topology::capability_plan& plan,
    const node_name& node,
    const observe::sampling& sampling) {
  std::optional<std::string> database;
  if (plan.store) {
    // The address of a server is recognized by its scheme, which a file lacks.
    database = is_postgres(*plan.store) ? *plan.store : topology::path_in(*plan.store);
  }
  return {
      .name = plan.name.value,
      .actor = plan.actor,
      .replicas = plan.replicas_on(node),
      .database = std::move(database),
      .supervision = plan.supervision,
      .breaker = plan.breaker,
      .bulkhead = plan.bulkhead,
      .effect_threads = plan.effects.threads,
      .effect_queue = plan.effects.queue,
      .effect_limit = plan.effects.limit,
      .subscribes = plan.subscribes,
      .retry = plan.retry,
      .events_in_flight = plan.bulkhead.events,
      .turn_limit = plan.turn_limit,
      .inbox_kept = plan.inbox_kept,
      .sagas_kept = plan.sagas_kept,
      .sampling = sampling,
      .config = plan.config};
}

worker_options options_of(const topology::plan& plan, const std::string& node) {
  worker_options options{
      .node = node,
      .plan = plan.text_digest,
      .shared_plan = plan.digest,
      .folder = plan.folder,
      .system = plan.name,
      .brokers = {},
      .heartbeat = plan.heartbeat,
      .body_bytes_max = static_cast<std::size_t>(plan.body_bytes_max),
      .capabilities = {}};
  for (const topology::broker_plan& each : plan.brokers) {
    options.brokers.push_back(each.listen);
  }
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.runs_on({node})) {
      options.capabilities.push_back(options_of(each, {node}, sampling_of(plan, each.name.value)));
    }
  }
  return options;
}

std::vector<std::string> names_of(const std::vector<topology::broker_plan>& brokers) {
  std::vector<std::string> names;
  for (const topology::broker_plan& each : brokers) {
    names.push_back(each.name);
  }
  return names;
}

/// Runs until a stop signal and the end of current work, or until no broker accepts the worker.
int serve(const topology::plan& plan, const node_arguments& given, const sigset_t& stop_signals) {
  (void)take_mark(plan, given.node, marked::process); // For a `troupe up` beside it.
  const system_clock time;
  observe::event_log log{
      time, given.node, given.log_json ? observe::log_format::json : observe::log_format::text};
  const registry types{registered_types()};
  const auto refuse = [&log](const error& why) {
    log.write(
        "worker.not_started", {{"code", std::string{name_of(why.code)}}, {"reason", why.message}});
    return node_exit::refused;
  };
  const auto keys = open_keys(plan, given.node);
  if (!keys) {
    return refuse(keys.error());
  }
  transport::context zmq;
  worker_options options = options_of(plan, given.node);
  options.keys = link_keys(plan, *keys, options.brokers, &log);
  capability_calls calls{options_for(plan, options.brokers, given.node, *keys)};
  options.ask = [&calls](const capability_call& call) { return calls.ask(call); };
  auto made = worker::make(zmq, time, log, types, std::move(options));
  if (!made) {
    return refuse(made.error());
  }
  worker& node = **made;
  const auto exporter = export_spans(plan, given.node, node.spans(), time, log);
  const ask_node ask = [&node, &time, sender = exporter.get(), brokers = names_of(plan.brokers)](
                           const auto& answered) {
    node.ask_snapshot([answered, &time, sender, brokers](const worker_snapshot& said) {
      const auto copy = std::make_shared<const worker_snapshot>(said);
      answered(
          {[copy, brokers] { return health_of(*copy, brokers); },
           [copy, brokers, sender, at = time.wall()](observe::metrics_format format) {
             return metrics_of(*copy, brokers, sender, at, format);
           }});
    });
  };
  const auto admin = admin_server::start(
      {plan.find(node_name{given.node})->admin, plan.heartbeat.timeout}, time, ask);
  if (!admin) {
    return refuse(admin.error());
  }
  log.write("worker.started", {{"pid", std::to_string(::getpid())}});
  service_reports reports{ask};
  std::jthread signals{[&](const std::stop_token& stop) {
    const auto await = [&] {
      return await_signal(stop_signals, stop, [&log] { log.tell_left_out(); });
    };
    int signal = await();
    for (; signal == SIGHUP; signal = await()) {
      reread_keys(**keys, log);
    }
    if (signal != 0) {
      reports.stopping();
      calls.close();
      node.drain();
    }
  }};
  const worker_end end = node.run();
  signals.request_stop();
  if (!end.good) {
    log.write("worker.refused", {{"reason", end.reason}});
    return node_exit::refused;
  }
  log.write("worker.stopped");
  return node_exit::ok;
}

int run(const node_arguments& given) {
  // Block the signals before any thread starts, since threads inherit the mask.
  sigset_t stop_signals = block_stop_signals();
  const auto read = read_topology(given);
  if (const auto* faults = std::get_if<topology::faults>(&read)) {
    fmt::print(stderr, "{}", faults->to_text());
    return node_exit::bad_file;
  }
  const auto& plan = std::get<topology::plan>(read);
  if (plan.find(node_name{given.node}) == nullptr) {
    std::vector<std::string> names;
    for (const topology::node_plan& each : plan.nodes) {
      names.push_back(each.name.value);
    }
    fmt::print(
        stderr,
        "{}: there is no node `{}`{}\n",
        plan.file,
        given.node,
        did_you_mean(given.node, names));
    return node_exit::bad_file;
  }
  if (plan.security) {
    block_also(stop_signals, SIGHUP);
  }
  return serve(plan, given, stop_signals);
}

} // namespace

} // namespace troupe

int main(int count, char** words) {
  return troupe::node_main(
      count, words, "Runs one worker node of a topology.", "which of its nodes", troupe::run);
}
