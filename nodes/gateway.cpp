// troupe-gateway: HTTP to the capabilities of a topology, as a process.

#include "runtime/gateway/server/gateway.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/admin_server.hpp"
#include "nodes/connection.hpp"
#include "nodes/gateway_documents.hpp"
#include "nodes/gateway_features.hpp"
#include "nodes/gateway_report.hpp"
#include "nodes/gateway_routes.hpp"
#include "nodes/link_keys.hpp"
#include "nodes/node_main.hpp"
#include "nodes/open_files.hpp"
#include "nodes/page/page.hpp"
#include "nodes/process_marks.hpp"
#include "nodes/service_manager.hpp"
#include "nodes/service_tokens.hpp"
#include "nodes/span_export.hpp"
#include "nodes/span_telling.hpp"
#include "nodes/stop_signals.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/security/audit_line.hpp"
#include "runtime/security/token_files.hpp"

#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>
#include <variant>
#include <vector>

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// `troupe up` kills after 12 s.
constexpr milliseconds drain_patience = 8s;

const topology::gateway_plan* find_gateway(const topology::plan& plan, const std::string& name) {
  const topology::gateway_plan* const found = plan.find_gateway(name);
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const topology::gateway_plan& each : plan.gateways) {
      names.push_back(each.name);
    }
    fmt::print(
        stderr, "{}: there is no gateway `{}`{}\n", plan.file, name, did_you_mean(name, names));
  }
  return found;
}

std::vector<std::string> names_of(const std::vector<topology::broker_plan>& brokers) {
  std::vector<std::string> names;
  for (const topology::broker_plan& each : brokers) {
    names.push_back(each.name);
  }
  return names;
}

int refuse(observe::event_log& log, const error& why) {
  log.write(
      "gateway.not_started", {{"code", std::string{name_of(why.code)}}, {"reason", why.message}});
  return node_exit::refused;
}

/// Reads the keys of tokens again; those in use stay if this fails.
void reread_tokens(
    gateway::gateway& server,
    security::checked_tokens& tokens,
    const std::string& folder,
    observe::event_log& log) {
  const auto read = security::read_checking_keys(folder);
  if (!read) {
    return log.write("token_keys.kept", {{"reason", read.error().message}});
  }
  server.post([&tokens, &log, keys = *read] {
    tokens.replace_keys(keys);
    log.write("token_keys.read", {{"keys", std::to_string(keys.all().size())}});
  });
}

/// Reads certificates and keys again at each SIGHUP, until a stop signal.
/// @param reread does the same for the keys of tokens.
void await_stop(
    gateway::gateway& server,
    security::key_ring* keys,
    const std::function<void()>& reread,
    observe::event_log& log,
    const sigset_t& signals) {
  for (;;) {
    const int signal = await_signal(signals, [&log] { log.tell_left_out(); });
    if (signal != SIGHUP) {
      return;
    }
    const auto read = server.reload_certificates();
    log.write(
        read ? "certificates.read" : "certificates.kept",
        read ? observe::log_fields{} : observe::log_fields{{"reason", read.error().message}});
    if (keys != nullptr) {
      reread_keys(*keys, log);
    }
    reread();
  }
}

/// Runs until a stop signal, and then until running requests are finished.
int serve(
    const topology::plan& plan,
    const topology::gateway_plan& self,
    const node_arguments& given,
    const sigset_t& signals) {
  (void)take_mark(plan, self.name, marked::process); // For a `troupe up` beside it.
  const system_clock time;
  (void)raise_open_files();
  observe::event_log log{
      time, self.name, given.log_json ? observe::log_format::json : observe::log_format::text};
  // Declared before the gateway, which may need the keys for its answers until it has ended.
  const auto keys = open_keys(plan, self.name);
  if (!keys) {
    return refuse(log, keys.error());
  }
  observe::span_rings spans;
  gateway::request_traces traces{time, spans.add()};
  // The answers of legacy systems arrive on a thread of their own.
  gateway::request_traces legacy_traces{time, spans.add()};
  auto moving = gateway_features::open(plan, self, *keys, legacy_traces, log);
  if (!moving) {
    return refuse(log, moving.error());
  }
  // Declared before the gateway, whose loop uses the tokens.
  const auto tokens = open_tokens(plan, self);
  if (!tokens) {
    return refuse(log, tokens.error());
  }
  gateway::token_audit refusals{
      [&log](const observe::log_fields& line) { log.write(security::audit_event, line); }};
  auto options = options_of(plan, self);
  options.calls.keys = link_keys(plan, *keys, options.calls.brokers, &log);
  auto made = gateway::gateway::make(std::move(options), time);
  if (!made) {
    return refuse(log, made.error());
  }
  gateway::gateway& server = **made;
  const auto exporter = export_spans(plan, self.name, spans, time, log);
  const span_telling telling{
      spans, self.name, options_for(plan, addresses_of(plan), self.name + "-spans", *keys)};
  add_routes(
      server, plan, self, actor_types(), time, moving->get(), tokens->get(), refusals, traces);
  add_documents(server, plan, self, actor_types());
  const auto ui =
      page::add(server, plan, self, *keys, tokens->get(), refusals, log, moving->get(), time);
  const auto started = server.start([&log](std::string_view what) {
    log.write("request.failed", {{"reason", std::string{what}}});
  });
  if (!started) {
    return refuse(log, started.error());
  }
  const ask_node ask = [&server,
                        &refusals,
                        brokers = names_of(plan.brokers),
                        moving = moving->get(),
                        &telling,
                        sender = exporter.get()](const auto& answered) {
    server.ask_snapshot([answered,
                         brokers,
                         moving,
                         sender,
                         untold = telling.untold(),
                         refused = refusals.refused()](const gateway::gateway_snapshot& said) {
      const auto copy = std::make_shared<const gateway::gateway_snapshot>(said);
      answered(
          {[copy, brokers] { return health_of(*copy, brokers); },
           [copy, brokers, moving, sender, untold, refused](observe::metrics_format format) {
             return metrics_of(*copy, brokers, moving, sender, untold, refused, format);
           }});
    });
  };
  const auto admin = admin_server::start({self.admin, plan.heartbeat.timeout}, time, ask);
  if (!admin) {
    return refuse(log, admin.error());
  }
  log.write("gateway.started", {{"listens", self.listen}, {"pid", std::to_string(::getpid())}});
  {
    service_reports reports{ask};
    const auto reread = [&] {
      if (*tokens != nullptr) {
        reread_tokens(server, **tokens, plan.security->keys, log);
      }
    };
    await_stop(server, keys->get(), reread, log, signals);
    reports.stopping();
  }
  const bool all_ended = server.drain(drain_patience);
  log.write("gateway.stopped", {{"finished", all_ended ? "all" : "not all"}});
  return node_exit::ok;
}

int run(const node_arguments& given) {
  // Block the signals before any thread starts, since threads inherit the mask.
  sigset_t signals = block_stop_signals();
  block_also(signals, SIGHUP);
  const auto read = read_topology(given);
  if (const auto* faults = std::get_if<topology::faults>(&read)) {
    fmt::print(stderr, "{}", faults->to_text());
    return node_exit::bad_file;
  }
  const auto& plan = std::get<topology::plan>(read);
  const topology::gateway_plan* const self = find_gateway(plan, given.node);
  return self == nullptr ? node_exit::bad_file : serve(plan, *self, given, signals);
}

} // namespace

} // namespace troupe

int main(int count, char** words) {
  return troupe::node_main(
      count, words, "Runs one gateway of a topology.", "which of its gateways", troupe::run);
}
