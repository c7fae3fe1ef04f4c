#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/error_map.hpp"

#include <deque>
#include <functional>
#include <utility>

namespace troupe::broker {

/// The log lines of a broker: each goes to the process's log, and the last 64 into `status`.
/// Belongs to the server's thread.
class broker_log {
public:
  struct line {
    instant at;
    log_event what;
  };

  using sink = std::function<void(const log_event&)>;

  explicit broker_log(sink to) : to_{std::move(to)} {}

  /// Writes only to the process's log, so that lines which peers can cause at will do not push
  /// other lines out of `status`.
  void write_aside(const log_event& what) const {
    if (to_) {
      to_(what);
    }
  }

  void write(log_event what, instant now) {
    write_aside(what);
    if (recent_.size() == recent_max) {
      recent_.pop_front();
    }
    for (auto& [name, value] : what.fields) {
      value = wire::travelling(value, shown_bytes_max);
    }
    recent_.push_back({now, std::move(what)});
  }

  /// Oldest first.
  const std::deque<line>& recent() const { return recent_; }

private:
  static constexpr std::size_t recent_max = 64;
  // The largest field in `status`, so that no line makes its answer too large.
  static constexpr std::size_t shown_bytes_max = 512;

  sink to_;
  std::deque<line> recent_;
};

} // namespace troupe::broker
