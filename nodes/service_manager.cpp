#include "nodes/service_manager.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <stop_token>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// Interval between questions to a node that is not ready yet.
constexpr milliseconds not_ready_interval = 100ms;

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets any.
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  return bad == std::errc{} && end == text.data() + text.size() ? std::optional{value}
                                                                : std::nullopt;
}

std::optional<milliseconds> watchdog_in_environment() {
  const auto time = number_in(environment("WATCHDOG_USEC"));
  const auto process = number_in(environment("WATCHDOG_PID"));
  if (!time || *time == 0 || (process && *process != static_cast<std::uint64_t>(::getpid()))) {
    return std::nullopt; // The watchdog may be meant for a parent process.
  }
  return std::max(1ms, std::chrono::floor<milliseconds>(std::chrono::microseconds{*time}));
}

/// An answer being waited for; the loop may deliver it after the wait has ended.
struct awaited_report {
  std::mutex mutex;
  std::condition_variable_any given;
  std::optional<node_report> report;
};

/// Asks, and waits for the answer without limit. Nothing if `stop` is requested.
std::optional<observe::health> ask_and_wait(const ask_node& ask, const std::stop_token& stop) {
  const auto awaited = std::make_shared<awaited_report>();
  ask([awaited](const node_report& said) {
    const std::lock_guard lock{awaited->mutex};
    awaited->report = said;
    awaited->given.notify_all();
  });
  std::unique_lock lock{awaited->mutex};
  awaited->given.wait(lock, stop, [&] { return awaited->report.has_value(); });
  return awaited->report ? std::optional{awaited->report->health()} : std::nullopt;
}

void pause(milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock{mutex};
  never.wait_for(lock, stop, time, [] { return false; });
}

/// Reports until there is nothing more to report. If the loop does not answer or is stuck, nothing
/// is reported, and the service manager's watchdog ends the process.
void keep_reporting(
    const service_manager& manager, const ask_node& ask, const std::stop_token& stop) {
  bool is_ready = false;
  while (const auto health = ask_and_wait(ask, stop)) {
    if (manager.watchdog() && health->stuck.empty()) {
      manager.say("WATCHDOG=1");
    }
    if (!is_ready && health->is_ready()) {
      is_ready = true;
      manager.say("READY=1");
    }
    if (is_ready && !manager.watchdog()) {
      return;
    }
    const milliseconds often = manager.watchdog().value_or(not_ready_interval) / 2;
    pause(is_ready ? often : std::min(often, not_ready_interval), stop);
  }
}

} // namespace

std::optional<service_manager> service_manager::from_environment() {
  const std::string_view socket = environment("NOTIFY_SOCKET");
  if (socket.size() < 2 || (socket.front() != '/' && socket.front() != '@')) {
    return std::nullopt;
  }
  service_manager found;
  found.socket_ = socket;
  found.watchdog_ = watchdog_in_environment();
  return found;
}

void service_manager::say(std::string_view state) const {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof address.sun_path) {
    return;
  }
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') {
    address.sun_path[0] = '\0'; // A name in the abstract namespace.
  }
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    return;
  }
  (void)::sendto(
      descriptor,
      state.data(),
      state.size(),
      MSG_NOSIGNAL | MSG_DONTWAIT,
      reinterpret_cast<const ::sockaddr*>(&address),
      static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + socket_.size()));
  (void)::close(descriptor);
}

service_reports::service_reports(const ask_node& ask)
    : manager_{service_manager::from_environment()} {
  if (manager_) {
    thread_ = std::jthread{[manager = *manager_, ask](const std::stop_token& stop) {
      keep_reporting(manager, ask, stop);
    }};
  }
}

void service_reports::stopping() {
  if (manager_) {
    manager_->say("STOPPING=1");
  }
}

} // namespace troupe
