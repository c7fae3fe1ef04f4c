#include "nodes/commands/up/up.hpp"

#include "nodes/commands/up/backoff.hpp"
#include "nodes/commands/up/child.hpp"
#include "nodes/commands/up/display.hpp"
#include "nodes/commands/up/kept_topology.hpp"
#include "nodes/commands/up/process_locks.hpp"
#include "nodes/process_start.hpp"
#include "nodes/text_table.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <random>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe {

namespace {

// Draining and the shutdown after it take 11 s at most.
constexpr milliseconds stop_patience{12'000};
constexpr milliseconds redraw_interval{500};
constexpr milliseconds look_interval{1000};
// A signal within this time after the first belongs to the same Ctrl-C.
constexpr milliseconds same_signal{500};

enum class child_kind : std::uint8_t { broker, worker, gateway };

std::string_view name_of(child_kind kind) {
  constexpr std::array<std::string_view, 3> names{"broker", "worker", "gateway"};
  return names[static_cast<std::size_t>(kind)];
}

struct up_arguments {
  std::string file;
  /// The host; empty: this machine.
  std::string host;
  /// "text" or "json".
  std::string log = "text";
  /// The folder of logs; empty: the folder `log` beside the file.
  std::string log_folder;
  bool json = false;
};

struct child {
  std::string name;
  child_kind kind = child_kind::broker;
  child_command command;
  pid_t pid = 0; // 0: not running.
  instant started_at{};
  instant start_at{}; // When to start it, while it is not running.
  unsigned deaths_in_a_row = 0;
  unsigned restarts = 0;
  std::string last_exit;
};

/// Runs child processes until a signal stops it. Confined to the main thread, as signals are.
class keeper {
public:
  keeper(
      std::vector<child> children,
      kept_topology& file,
      const sigset_t& signals,
      up_display& display)
      : children_{std::move(children)}, file_{file},
        passes_on_{file.plan().security.has_value()}, signals_{signals}, display_{display} {}

  void run() {
    while (!is_stopping_) {
      start_due();
      look_at_file();
      show();
      wait(next_due());
    }
    display_.tell({.what = "stopping"});
    // Callers are stopped before those who answer, so that the last answers still arrive.
    stop(child_kind::gateway);
    stop(child_kind::worker);
    stop(child_kind::broker);
    show();
    display_.tell({.what = "stopped"});
  }

private:
  static instant now() { return std::chrono::steady_clock::now(); }

  static milliseconds age(const child& of) {
    return std::chrono::duration_cast<milliseconds>(now() - of.started_at);
  }

  void start_due();
  void look_at_file();
  void take_stop(int signal);
  void start(child& which);
  instant next_due() const;
  void wait(instant until);
  void reap();
  void ended(child& which, int status);
  void stop(child_kind kind);
  bool any_runs(child_kind kind) const;
  void signal_all(child_kind kind, int signal);
  void show();

  up_event about(const child& which, std::string_view what) const {
    return {.what = what, .name = which.name, .kind = name_of(which.kind), .pid = which.pid};
  }

  std::vector<child> children_; // Brokers first.
  kept_topology& file_;
  bool passes_on_; // SIGHUP, on which child processes reload their keys.
  sigset_t signals_;
  up_display& display_;
  restart_backoff policy_;
  std::mt19937_64 random_{std::random_device{}()};
  bool is_stopping_ = false;
  instant stopping_since_{};
  bool is_impatient_ = false;
};

void keeper::start_due() {
  for (child& each : children_) {
    if (each.pid == 0 && each.start_at <= now()) {
      start(each);
    }
  }
}

void keeper::start(child& which) {
  const bool is_restart = !which.last_exit.empty();
  const auto pid = start_child(which.command);
  which.started_at = now();
  if (!pid) {
    const milliseconds wait =
        wait_before_restart(policy_, milliseconds{0}, which.deaths_in_a_row, random_());
    which.last_exit = pid.error().message;
    which.start_at = now() + wait;
    up_event event = about(which, "not_started");
    event.reason = which.last_exit;
    event.restart_in = wait;
    return display_.tell(event);
  }
  which.pid = *pid;
  which.restarts += is_restart ? 1 : 0;
  display_.tell(about(which, is_restart ? "restarted" : "started"));
}

instant keeper::next_due() const {
  instant due = now() + (display_.is_live() ? redraw_interval : look_interval);
  for (const child& each : children_) {
    if (each.pid == 0 && !is_stopping_) {
      due = std::min(due, each.start_at);
    }
  }
  return due;
}

void keeper::wait(instant until) {
  const auto left = std::max(std::chrono::nanoseconds{until - now()}, std::chrono::nanoseconds{0});
  const timespec longest{
      static_cast<time_t>(left.count() / 1'000'000'000), left.count() % 1'000'000'000};
  const int signal = ::sigtimedwait(&signals_, nullptr, &longest);
  if (signal == SIGHUP && passes_on_) {
    // Processes that connect must know a broker's new key before the broker uses it.
    for (const child_kind each : {child_kind::gateway, child_kind::worker, child_kind::broker}) {
      signal_all(each, SIGHUP);
    }
    display_.tell({.what = "passed_on", .reason = "SIGHUP: keys and certificates are read again"});
  } else if (signal > 0 && signal != SIGCHLD) {
    take_stop(signal);
  }
  reap(); // Always, since signals of several child processes merge into one.
}

/// Only a user who presses Ctrl-C again is impatient. Process managers and wrappers (timeout, npm,
/// tini) deliver the same signal twice at once, or pass on a signal that the terminal sent to all.
void keeper::take_stop(int signal) {
  if (!is_stopping_) {
    is_stopping_ = true;
    stopping_since_ = now();
  } else if (signal == SIGINT && now() - stopping_since_ >= same_signal) {
    is_impatient_ = true;
  }
}

void keeper::look_at_file() {
  if (const auto news = file_.news()) {
    up_event event{.what = "file_changed"};
    event.reason = *news;
    display_.tell(event);
  }
}

/// Reaps ended processes. As the first process of a container it also adopts orphans, which are not
/// in `children_`.
void keeper::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto which = std::ranges::find(children_, pid, &child::pid);
    if (which != children_.end()) {
      ended(*which, status);
    }
  }
}

void keeper::ended(child& which, int status) {
  const milliseconds lived = age(which);
  which.last_exit = exit_reason(status);
  up_event event = about(which, "exited");
  event.reason = which.last_exit;
  event.lived = lived;
  if (!is_stopping_) {
    const milliseconds wait = wait_before_restart(policy_, lived, which.deaths_in_a_row, random_());
    which.start_at = now() + wait;
    event.restart_in = wait;
  }
  display_.tell(event);
  which.pid = 0;
}

bool keeper::any_runs(child_kind kind) const {
  return std::ranges::any_of(
      children_, [&](const child& each) { return each.kind == kind && each.pid != 0; });
}

void keeper::signal_all(child_kind kind, int signal) {
  for (const child& each : children_) {
    if (each.kind == kind && each.pid != 0) {
      (void)::kill(each.pid, signal);
    }
  }
}

void keeper::stop(child_kind kind) {
  const instant until = now() + stop_patience;
  signal_all(kind, SIGTERM);
  // A process stopped by SIGSTOP does not see SIGTERM before it continues.
  signal_all(kind, SIGCONT);
  while (any_runs(kind) && now() < until && !is_impatient_) {
    show();
    wait(std::min(until, next_due()));
  }
  for (const child& each : children_) {
    if (each.kind == kind && each.pid != 0) {
      up_event event = about(each, "killed");
      event.reason = is_impatient_ ? "a second Ctrl-C came" : "it did not stop in time";
      display_.tell(event);
    }
  }
  signal_all(kind, SIGKILL);
  while (any_runs(kind)) {
    wait(now() + look_interval);
  }
}

void keeper::show() {
  if (!display_.is_live()) {
    return;
  }
  std::vector<child_view> views;
  for (const child& each : children_) {
    views.push_back(
        {.name = each.name,
         .kind = name_of(each.kind),
         .state = each.pid != 0 ? (is_stopping_ ? "stopping" : "runs")
                                : (is_stopping_ ? "stopped" : "waits"),
         .pid = each.pid,
         .up = each.pid != 0 ? age(each) : milliseconds{0},
         .restarts = each.restarts,
         .last_exit = each.last_exit});
  }
  display_.show(views);
}

/// Whether processes of this host are to be started here. The machine's name is read here and not
/// with the file, since a topology must mean the same on every machine.
bool is_here(const up_arguments& given, const std::string& host) {
  if (!given.host.empty()) {
    return host == given.host;
  }
  std::array<char, HOST_NAME_MAX + 1> own{};
  return host == "here" || (::gethostname(own.data(), own.size() - 1) == 0 && host == own.data());
}

/// The local processes of `plan`, brokers first.
std::vector<child> children_of(
    const topology::plan& plan,
    const up_arguments& given,
    int descriptor,
    const std::filesystem::path& log_folder) {
  const std::filesystem::path programs =
      std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::vector<child> all;
  const auto add = [&](const std::string& name, child_kind kind) {
    child one;
    one.name = name;
    one.kind = kind;
    one.command.program = programs / fmt::format("troupe-{}", name_of(kind));
    one.command.arguments = {
        given.file, "--node", name, "--log", given.log, "--text-fd", std::to_string(descriptor)};
    one.command.log_file = log_folder / (name + ".log");
    all.push_back(std::move(one));
  };
  for (const auto& each : plan.brokers) {
    if (is_here(given, each.host)) {
      add(each.name, child_kind::broker);
    }
  }
  for (const auto& each : plan.nodes) {
    if (is_here(given, each.host)) {
      add(each.name.value, child_kind::worker);
    }
  }
  for (const auto& each : plan.gateways) {
    if (is_here(given, each.host)) {
      add(each.name, child_kind::gateway);
    }
  }
  return all;
}

/// Why there is nothing to start: the hosts that the topology has.
std::string nothing_here(const topology::plan& plan, const up_arguments& given) {
  std::set<std::string> hosts;
  for (const auto& each : plan.brokers) {
    hosts.insert(each.host);
  }
  for (const auto& each : plan.nodes) {
    hosts.insert(each.host);
  }
  for (const auto& each : plan.gateways) {
    hosts.insert(each.host);
  }
  return fmt::format(
      "{} has no process on {}; its hosts are {}: name one with --host",
      plan.file,
      given.host.empty() ? "this machine" : "host " + given.host,
      fmt::join(hosts, ", "));
}

/// Why these processes cannot be started; nothing if they can.
std::optional<error> reason_not_to_run(const std::vector<child>& children) {
  for (const child& each : children) {
    if (::access(each.command.program.c_str(), X_OK) != 0) {
      return internal_error(
          fmt::format("{} is missing; it belongs beside this program", each.command.program));
    }
  }
  return std::nullopt;
}

int run(const up_arguments& given) {
  TROUPE_TRY_EXIT(auto kept, kept_topology::read(given.file, given.json));
  const topology::plan* const plan = &kept.plan();
  const std::filesystem::path log_folder = given.log_folder.empty()
                                               ? std::filesystem::path{plan->folder} / "log"
                                               : std::filesystem::path{given.log_folder};
  std::error_code fault;
  std::filesystem::create_directories(log_folder, fault);
  if (fault) {
    return print_error(
        internal_error(
            fmt::format("cannot make the folder {}: {}", log_folder.string(), fault.message())),
        given.json,
        "choose another with --log-dir");
  }
  std::vector<child> children = children_of(*plan, given, kept.descriptor(), log_folder);
  if (children.empty()) {
    return print_error(invalid(nothing_here(*plan, given)), given.json);
  }
  if (const auto reason = reason_not_to_run(children)) {
    return print_error(*reason, given.json, "install all programs into one folder");
  }
  std::vector<std::string> names;
  for (const child& each : children) {
    names.push_back(each.name);
  }
  if (const auto locked = lock_processes(*plan, log_folder.string(), names); !locked) {
    return print_error(
        locked.error(),
        given.json,
        fmt::format(
            "`troupe status {}` shows their state; what runs them starts those that are missing; "
            "stop it to start them anew",
            shell_word(given.file)));
  }
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGCHLD);
  // Closing a terminal ends the programs in it, unless they were started to outlive it (nohup).
  const bool outlives_terminal = std::signal(SIGHUP, SIG_DFL) == SIG_IGN;
  if (outlives_terminal && !plan->security) {
    (void)std::signal(SIGHUP, SIG_IGN);
  } else {
    ::sigaddset(&signals, SIGHUP);
  }
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // The reader of the output may leave; the nodes keep running.
  (void)std::signal(SIGPIPE, SIG_IGN);
  ignore_log_signals();
  up_display display{given.json};
  const auto tell_elsewhere = [&](const std::string& name,
                                  child_kind kind,
                                  const std::string& host) {
    if (!is_here(given, host)) {
      display.tell({.what = "runs_elsewhere", .name = name, .kind = name_of(kind), .reason = host});
    }
  };
  for (const topology::broker_plan& each : plan->brokers) {
    tell_elsewhere(each.name, child_kind::broker, each.host);
  }
  for (const topology::node_plan& each : plan->nodes) {
    tell_elsewhere(each.name.value, child_kind::worker, each.host);
  }
  for (const topology::gateway_plan& each : plan->gateways) {
    tell_elsewhere(each.name, child_kind::gateway, each.host);
  }
  keeper{std::move(children), kept, signals, display}.run();
  return exit_code::ok;
}

} // namespace

void add_up(command_line& line) {
  const auto given = std::make_shared<up_arguments>();
  line.add("up", "Runs the local nodes of a topology and restarts those that die")
      .word("FILE", given->file, "the topology")
      .option("--host", given->host, "starts the processes of this `host` [this machine]")
      .option("--log", given->log, "text or json, in NAME.log [text]", one_of({"text", "json"}))
      .option("--log-dir", given->log_folder, "where NAME.log of each node goes [log beside FILE]")
      .flag("--json", given->json, "events as JSON lines on stdout")
      .footer(with_exit_codes(
          "Ctrl-C or SIGTERM stops the gateways, then the workers, then the brokers; processes "
          "that have not stopped after 12 s are killed. With `security` in FILE, SIGHUP is passed "
          "on, so that they read their keys again."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
