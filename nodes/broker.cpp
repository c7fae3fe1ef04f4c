// troupe-broker: one broker of a topology, as a process.

#include "nodes/actor_types.hpp"
#include "runtime/broker/server.hpp"
#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/router_loop.hpp"
#include "topology/topology.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <variant>
#include <vector>

namespace {

using namespace troupe;

constexpr int exit_ok = 0;
constexpr int exit_bad_file = 2;
// EX_UNAVAILABLE and EX_SOFTWARE of sysexits.h.
constexpr int exit_no_endpoint = 69;
constexpr int exit_internal = 70;

/// One line per event on stderr. Confined to the thread of the loop.
class line_log {
public:
  line_log(const troupe::clock& clock, std::string broker, bool as_json)
      : clock_{clock}, broker_{std::move(broker)}, as_json_{as_json} {}

  void write(const broker::log_event& event) const {
    const std::string line = (as_json_ ? json_line(event) : text_line(event)) + "\n";
    // One write per line, so that lines of several processes do not mix; stderr has no buffer.
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
  }

private:
  std::string json_line(const broker::log_event& event) const {
    nlohmann::ordered_json line;
    const auto at = clock_.wall().time_since_epoch();
    line["time_ms"] = std::chrono::duration_cast<milliseconds>(at).count();
    line["broker"] = broker_;
    line["event"] = event.name;
    for (const auto& [key, value] : event.fields) {
      line[key] = value;
    }
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }

  std::string text_line(const broker::log_event& event) const {
    std::string line = fmt::format("{}: {}", broker_, event.name);
    for (const auto& [key, value] : event.fields) {
      line += fmt::format(" {}={}", key, value);
    }
    return line;
  }

  const troupe::clock& clock_;
  std::string broker_;
  bool as_json_;
};

struct arguments {
  std::string file;
  std::string node;
  bool log_json = false;
};

broker::router_options router_options_of(const topology::plan& plan) {
  broker::router_options options;
  options.plan_digest = plan.digest;
  for (const topology::capability_plan& each : plan.capabilities) {
    options.capabilities.push_back({each.name, static_cast<std::uint32_t>(each.bulkhead.queue)});
  }
  for (const topology::node_plan& each : plan.nodes) {
    options.nodes.push_back(each.name);
  }
  options.silence_max = plan.heartbeat.timeout;
  return options;
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

/// Runs until a signal says stop, and then until the calls under way have ended.
int serve(
    const topology::plan& plan,
    const topology::broker_plan& self,
    const arguments& given,
    const sigset_t& stop_signals) {
  const system_clock time;
  transport::context zmq;
  auto bound = transport::router_loop::bind(
      zmq,
      time,
      {.endpoint = self.listen,
       .heartbeat = plan.heartbeat,
       .body_bytes_max = static_cast<std::size_t>(plan.body_bytes_max)});
  if (!bound) {
    fmt::print(stderr, "{}: {}\n", self.name, bound.error().message);
    return exit_no_endpoint;
  }
  transport::router_loop& loop = **bound;
  const line_log log{time, self.name, given.log_json};
  uuid_source ids;
  broker::server server{
      loop,
      {.name = self.name,
       .incarnation = ids.next(time.wall()),
       .heartbeat = plan.heartbeat,
       .body_bytes_max = plan.body_bytes_max,
       .router = router_options_of(plan)},
      [&log](const broker::log_event& event) { log.write(event); },
      time.now()};
  log.write({"listening", {{"endpoint", loop.endpoint()}, {"pid", std::to_string(::getpid())}}});
  std::thread runner{[&] {
    try {
      loop.run(server);
    } catch (const std::exception& fault) {
      log.write({"internal_fault", {{"what", fault.what()}}});
      // Nothing of this process can be trusted any more; its supervisor starts a new one.
      ::_exit(exit_internal);
    }
  }};
  int signal = 0;
  (void)::sigwait(&stop_signals, &signal);
  server.request_drain();
  runner.join();
  log.write({"stopped", {{"signal", std::to_string(signal)}}});
  return exit_ok;
}

int run(const arguments& given) {
  // Before any thread is made, so that all inherit it and only `sigwait` sees them.
  sigset_t stop_signals;
  ::sigemptyset(&stop_signals);
  ::sigaddset(&stop_signals, SIGTERM);
  ::sigaddset(&stop_signals, SIGINT);
  (void)::pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  const auto read = topology::read_file(given.file, actor_types());
  if (const auto* faults = std::get_if<topology::faults>(&read)) {
    fmt::print(stderr, "{}", faults->to_text());
    return exit_bad_file;
  }
  const auto& plan = std::get<topology::plan>(read);
  const topology::broker_plan* const self = find_broker(plan, given.node);
  if (self == nullptr) {
    return exit_bad_file;
  }
  return serve(plan, *self, given, stop_signals);
}

} // namespace

int main(int count, char** words) {
  arguments given;
  std::string log_format = "text";
  CLI::App app{"Runs one broker of a topology."};
  app.add_option("file", given.file, "the topology")->required();
  app.add_option("--node", given.node, "which of its brokers")->required();
  app.add_option("--log", log_format, "text or json, on stderr")
      ->check(CLI::IsMember({"text", "json"}));
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault) == 0 ? exit_ok : exit_bad_file;
  }
  given.log_json = log_format == "json";
  try {
    return run(given);
  } catch (const std::exception& fault) {
    fmt::print(stderr, "troupe-broker: {}\n", fault.what());
    return exit_internal;
  }
}
