#pragma once

#include "nodes/admin_server.hpp"
#include "runtime/clock.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace troupe {

/// The service manager that started this process and expects notifications: systemd, for a unit of
/// Type=notify. @source sd_notify(3).
class service_manager {
public:
  /// The service manager; nothing if $NOTIFY_SOCKET names no socket.
  static std::optional<service_manager> from_environment();

  /// Sends a notification such as "READY=1". Failures are ignored: nothing here depends on it.
  void say(std::string_view state) const;

  /// The required time between two WATCHDOG=1, from $WATCHDOG_USEC; nothing if none are required.
  std::optional<milliseconds> watchdog() const { return watchdog_; }

private:
  std::string socket_;
  std::optional<milliseconds> watchdog_;
};

/// Tells the service manager when this node is ready and, as often as required, that it is alive.
/// Has a thread of its own; none without a service manager.
class service_reports {
public:
  explicit service_reports(const ask_node& ask);

  /// Tells that the node is about to end.
  void stopping();

private:
  std::optional<service_manager> manager_;
  std::jthread thread_;
};

} // namespace troupe
