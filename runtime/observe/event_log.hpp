#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::observe {

enum class log_format : std::uint8_t {
  /// For a person at a terminal.
  text,
  /// One JSON object per line: {"at", "node", "event", ...fields}.
  json,
};

using log_fields = std::vector<std::pair<std::string, std::string>>;

/// The structured log of a process: events with a name and fields, one line each, on stderr.
///
/// Safe from any thread. Made in main() and handed down. Every field is text: logs are read by
/// people and by tools that cut strings, and ids are text anyway.
class event_log {
public:
  event_log(const clock& time, std::string node, log_format format);

  /// @param event what happened, as `subject.happened` ("replica.failed").
  void write(std::string_view event, const log_fields& fields = {});

private:
  const clock& time_;
  const std::string node_;
  const log_format format_;
  std::mutex mutex_;
};

} // namespace troupe::observe
