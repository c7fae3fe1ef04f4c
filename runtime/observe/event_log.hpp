#pragma once

#include "runtime/clock.hpp"
#include "runtime/line_output.hpp"
#include "runtime/observe/line_rates.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::observe {

enum class log_format : std::uint8_t {
  /// Text for a person at a terminal.
  text,
  /// One JSON object per line: {"at", "node", "event", ...fields}.
  json,
};

using log_fields = std::vector<std::pair<std::string, std::string>>;

/// The structured log of a process: events with a name and fields, one line each, on stderr.
///
/// Safe from any thread. Made in main() and handed down. Every field is text: logs are read by
/// people and by tools that cut strings, and ids are text anyway.
///
/// Of an event that comes again and again most lines are left out (`line_rates`), and
/// `log.left_out` says of which and how many, as soon as there is another line or somebody calls
/// `tell_left_out`. Under systemd each line begins with its level, as the journal reads it. Logging
/// never waits for the reader. Lines for which its pipe or terminal has no room are lost, and
/// `log.lines_lost` says how many before the next line that has room.
class event_log {
public:
  event_log(const clock& time, std::string node, log_format format);
  /// Tells what was left out.
  ~event_log();
  event_log(const event_log&) = delete;
  event_log& operator=(const event_log&) = delete;

  /// @param event what happened, as `subject.happened` ("replica.failed").
  void write(std::string_view event, const log_fields& fields = {});

  /// Logs what was left out before it became quiet. To be called now and then.
  void tell_left_out();

private:
  void tell_left_out(instant now, bool is_end);
  void put(std::string_view event, const log_fields& fields);
  std::string line_of(std::string_view event, const log_fields& fields) const;

  const clock& time_;
  const std::string node_;
  const log_format format_;
  const bool is_for_journal_;
  std::mutex mutex_; // Guards what follows.
  line_output output_;
  line_rates rates_;
  std::uint64_t lost_ = 0;
};

/// Whether the journal of systemd reads what is written to `descriptor`.
/// @param stream the value of JOURNAL_STREAM; null without it. @source systemd.exec(5).
bool is_journal(int descriptor, const char* stream);

} // namespace troupe::observe
