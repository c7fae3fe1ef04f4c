// troupe-broker: one broker of a topology, as a process.

#include "nodes/access_rules.hpp"
#include "nodes/actor_types.hpp"
#include "nodes/admin_server.hpp"
#include "nodes/broker_door.hpp"
#include "nodes/broker_journal.hpp"
#include "nodes/broker_memory.hpp"
#include "nodes/broker_metrics.hpp"
#include "nodes/node_health.hpp"
#include "nodes/node_main.hpp"
#include "nodes/open_files.hpp"
#include "nodes/process_marks.hpp"
#include "nodes/service_manager.hpp"
#include "nodes/service_tokens.hpp"
#include "nodes/span_export.hpp"
#include "nodes/stop_signals.hpp"
#include "runtime/broker/server/server.hpp"
#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/thrown.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/router_loop.hpp"
#include "runtime/transport/zap_server.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <variant>
#include <vector>

namespace troupe {

namespace {

// EX_CANTCREAT: its journal cannot be opened.
constexpr int exit_no_journal = 73;

broker::router_options router_options_of(const topology::plan& plan) {
  broker::router_options options;
  options.plan_digest = plan.text_digest;
  options.shared_plan_digest = plan.digest;
  for (const topology::capability_plan& each : plan.capabilities) {
    options.capabilities.push_back(
        {each.name,
         static_cast<std::uint32_t>(each.bulkhead.queue),
         each.nodes,
         sampling_of(plan, each.name.value)});
  }
  for (const topology::node_plan& each : plan.nodes) {
    options.nodes.push_back(each.name);
  }
  options.silence_max = plan.heartbeat.timeout;
  const broker::memory_shares memory = shares_of(plan);
  options.call_bytes_max = memory.calls;
  options.awaiting_bytes_max = memory.awaiting;
  return options;
}

std::vector<std::string> names_of(const std::vector<topology::gateway_plan>& gateways) {
  std::vector<std::string> names;
  for (const topology::gateway_plan& each : gateways) {
    names.push_back(each.name);
  }
  return names;
}

std::vector<wire::capability_description> descriptions_of(const topology::plan& plan) {
  const auto types = actor_types();
  std::vector<wire::capability_description> all;
  for (const topology::capability_plan& each : plan.capabilities) {
    all.push_back(
        {each.name.value,
         each.subscribes,
         // A checked plan has only known types.
         topology::type_named(each.actor, types)->described});
  }
  return all;
}

const topology::broker_plan* find_broker(const topology::plan& plan, const std::string& name) {
  std::vector<std::string> names;
  for (const topology::broker_plan& each : plan.brokers) {
    if (each.name == name) {
      return &each;
    }
    names.push_back(each.name);
  }
  fmt::print(stderr, "{}: there is no broker `{}`{}\n", plan.file, name, did_you_mean(name, names));
  return nullptr;
}

/// The function that checks the tokens of logins; empty if the broker requires none.
decltype(broker::server_options::check_token)
token_check(std::shared_ptr<security::login_tokens> tokens, const clock& time) {
  if (tokens == nullptr) {
    return {};
  }
  return [tokens = std::move(tokens), &time](
             std::string_view token,
             std::string_view user,
             const transport::curve_public_key& key) -> outcome<milliseconds> {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(time.wall().time_since_epoch());
    return tokens->check(token, user, key, now.count());
  };
}

/// Runs until a stop signal, and then until running calls have ended.
int serve(
    const topology::plan& plan,
    const topology::broker_plan& self,
    const node_arguments& given,
    const sigset_t& stop_signals) {
  (void)take_mark(plan, self.name, marked::process); // For a `troupe up` beside it.
  const system_clock time;
  const std::uint64_t open_files_max = raise_open_files();
  transport::context zmq;
  observe::event_log log{
      time, self.name, given.log_json ? observe::log_format::json : observe::log_format::text};
  auto door = broker_door::open(zmq, plan, self.name, log);
  if (!door) {
    log.write("not_listening", {{"reason", door.error().message}});
    return node_exit::refused;
  }
  // The ZAP server for links without keys; with keys, the door has its own.
  outcome<std::unique_ptr<transport::zap_server>> names;
  if (*door == nullptr) {
    names = transport::zap_server::start(zmq, {}, {});
    if (!names) {
      log.write("not_listening", {{"reason", names.error().message}});
      return node_exit::refused;
    }
  }
  auto bound = transport::router_loop::bind(
      zmq,
      time,
      {.endpoint = self.listen,
       .open_endpoint = self.open,
       .key = *door ? std::optional{(*door)->key()} : std::nullopt,
       .is_valid_key = *door ? (*door)->is_valid_key() : nullptr,
       .heartbeat = plan.heartbeat,
       .body_bytes_max = static_cast<std::size_t>(plan.body_bytes_max),
       .open_files_max = open_files_max,
       .parked_bytes_max = shares_of(plan).parked,
       .unread_bytes_max = shares_of(plan).unread});
  if (!bound) {
    log.write("not_listening", {{"reason", bound.error().message}});
    return node_exit::refused;
  }
  transport::router_loop& loop = **bound;
  if (*door) {
    if (const auto tried = (*door)->try_strangers(loop.endpoint()); !tried) {
      log.write("not_listening", {{"reason", tried.error().message}});
      return node_exit::refused;
    }
  }
  const auto tokens = open_login_tokens(plan);
  if (!tokens) {
    log.write("not_listening", {{"reason", tokens.error().message}});
    return node_exit::refused;
  }
  uuid_source ids;
  observe::span_rings spans;
  const auto rules = access_rules(plan);
  const uuid incarnation = ids.next(time.wall());
  const auto wake = [&loop] { loop.wake_up(); };
  // Declared before the server, which uses its journal.
  const auto keeper = plan.events.is_shared()
                          ? journal_keeper_of(plan, self, incarnation, time, rules, wake)
                          : nullptr;
  broker::server server{
      loop,
      {.name = self.name,
       .incarnation = incarnation,
       .heartbeat = plan.heartbeat,
       .body_bytes_max = plan.body_bytes_max,
       .router = router_options_of(plan),
       .open_files_max = open_files_max,
       .journal_keeper = plan.events.broker,
       .gateways = names_of(plan.gateways),
       .system = plan.name,
       .described = descriptions_of(plan),
       .has_keys = *door != nullptr,
       .keys_refused =
           *door ? [&from = **door] { return from.refused(); } : std::function<std::uint64_t()>{},
       .rules = rules,
       .check_token = token_check(*tokens, time)},
      [&log](const broker::log_event& event) { log.write(event.name, event.fields); },
      time.now()};
  server.keep_spans(time, spans);
  const auto exporter = export_spans(plan, self.name, spans, time, log);
  if (plan.events.broker == self.name) {
    const auto kept = keep_journal(server, time, plan, rules, wake);
    if (!kept) {
      log.write("journal_unusable", {{"reason", kept.error().message}});
      return exit_no_journal;
    }
  }
  if (keeper != nullptr) {
    // Do not give up on an unavailable database: it may come back, and calls do not need it.
    if (const auto ready = keeper->prepare(); !ready && ready.error().code != errc::unavailable) {
      log.write("journal_unusable", {{"reason", ready.error().message}});
      return exit_no_journal;
    }
    server.share_journal(*keeper, time);
    keeper->start();
  }
  const ask_node ask = [&server, sender = exporter.get()](const auto& answered) {
    server.ask_snapshot([answered, sender](const broker::broker_snapshot& said) {
      const auto copy = std::make_shared<const broker::broker_snapshot>(said);
      answered(
          {[copy] { return health_of(*copy); },
           [copy, sender](observe::metrics_format format) {
             return metrics_of(*copy, sender, format);
           }});
    });
  };
  const auto admin = admin_server::start({self.admin, plan.heartbeat.timeout}, time, ask);
  if (!admin) {
    log.write("not_listening", {{"reason", admin.error().message}});
    return node_exit::refused;
  }
  log.write("listening", {{"endpoint", loop.endpoint()}, {"pid", std::to_string(::getpid())}});
  std::thread runner{[&] {
    try {
      loop.run(server);
    } catch (...) {
      log.write("internal_fault", {{"reason", what_was_thrown()}});
      // The process can no longer be trusted; its supervisor starts a new one.
      ::_exit(node_exit::internal);
    }
  }};
  {
    service_reports reports{ask};
    while (await_signal(stop_signals, [&log] { log.tell_left_out(); }) == SIGHUP) {
      (*door)->reread(loop);
      if (*tokens != nullptr) {
        reread_login_tokens(**tokens, plan.security->keys, log);
      }
    }
    reports.stopping();
  }
  server.request_drain();
  runner.join();
  log.write("stopped");
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
  const topology::broker_plan* const self = find_broker(plan, given.node);
  if (self == nullptr) {
    return node_exit::bad_file;
  }
  if (plan.security) {
    block_also(stop_signals, SIGHUP);
  }
  return serve(plan, *self, given, stop_signals);
}

} // namespace

} // namespace troupe

int main(int count, char** words) {
  return troupe::node_main(
      count, words, "Runs one broker of a topology.", "which of its brokers", troupe::run);
}
