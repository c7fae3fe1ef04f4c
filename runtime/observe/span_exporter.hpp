#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/observe/otlp.hpp"
#include "runtime/observe/span_ring.hpp"
#include "runtime/tally.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace troupe::observe {

struct export_options {
  /// The address of the collector: http or https.
  std::string address;
  resource_attributes resource{};
  /// The time between two looks at the rings.
  milliseconds interval{500};
  /// A request is given up after so long.
  milliseconds patience{5'000};
  /// The time for which a stop waits for the last spans to leave.
  milliseconds stop_patience{1'500};
};

/// The meaning of a collector's answer for a batch.
enum class export_verdict : std::uint8_t { taken, again, refused };

/// @param status of HTTP; 0 if there was no answer.
/// @source OTLP 1.3, "OTLP/HTTP Response": 429, 502, 503 and 504 are tried again, and so is what
/// got no answer; nothing else.
export_verdict verdict_on_export(long status);

/// Sends the spans of a process to a collector, from a thread of its own. Nobody waits for it:
/// spans that the rings overwrite before it reads them are counted and lost.
///
/// A collector that is away or busy is asked again later, each time, up to a minute; a batch is
/// kept meanwhile, and the rings keep what is newer. One that refuses a batch, or a part of it,
/// does not get that again. Its first failure and its recovery are in the log, and its first
/// refusal.
class span_exporter {
public:
  /// Borrows all but the options.
  span_exporter(const span_rings& from, export_options options, const clock& time, event_log& log);

  /// Sends what is there, within `stop_patience`.
  ~span_exporter();
  span_exporter(const span_exporter&) = delete;
  span_exporter& operator=(const span_exporter&) = delete;

  /// The counts of spans, since the start. Any thread.
  struct counts {
    std::atomic<std::uint64_t> sent{0};
    /// Overwritten before they were read, or refused by the collector.
    std::atomic<std::uint64_t> lost{0};
  };

  const counts& counted() const { return counts_; }

private:
  struct transfer;

  void run();
  void collect();
  bool pause(milliseconds how_long);
  void note(export_verdict how, const std::string& why);
  void settle(std::size_t count, const otlp_answer& said);

  const span_rings& from_;
  const export_options options_;
  const clock& time_;
  event_log& log_;
  std::map<const span_ring*, std::uint64_t> read_up_to_;
  std::vector<span> batch_;
  counts counts_;
  bool is_failing_ = false;
  bool has_objected_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> is_stopped_{false};
  std::atomic<std::int64_t> stop_at_{0}; // Nanoseconds of the monotonic clock.
  std::thread thread_;
};

} // namespace troupe::observe
