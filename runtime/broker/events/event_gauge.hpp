#pragma once

#include "runtime/broker/events/bus.hpp"
#include "runtime/broker/events/confirm_times.hpp"
#include "runtime/broker/events/event_measures.hpp"
#include "runtime/broker/events/journal_client.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <vector>

namespace troupe::broker {

/// Measures the broker's work with events, for /health and /metrics. Asks the journal only on
/// request. Confined to the thread of the event service.
class event_gauge {
public:
  /// All of these outlive this.
  event_gauge(const clock& time, journal_client& journal, const bus& events)
      : time_{time}, journal_{journal}, bus_{events} {}

  /// Notes that an event may have arrived.
  void took_in(instant now) { confirms_.waiting(bus_.incoming().pending(), now); }

  /// A batch of this many events is on disk, or has failed for this reason.
  void ended(std::size_t events, const outcome<void>& how, instant now);

  /// Counts a batch that is on disk now.
  void wrote(const journal_batch& batch) {
    fired_ += batch.fired.size();
    cancelled_ += batch.cancelled.size();
  }

  /// Asks the journal, unless its last answer is still missing.
  void probe(instant now);

  /// Whether the journal has answered.
  bool is_answered() const { return !is_open_; }

  event_measures look(instant now) const;

private:
  std::string journal_trouble(instant now) const;

  const clock& time_;
  journal_client& journal_;
  const bus& bus_;
  confirm_times confirms_;
  bool is_open_ = false;
  instant asked_{};
  std::chrono::nanoseconds took_{};
  std::string trouble_;
  /// The reason why the last batch failed; empty if it is on disk.
  std::string write_trouble_;
  instant write_failed_{};
  std::vector<dead_letters_counted::count> dead_letters_;
  std::uint64_t scheduled_ = 0;
  std::uint64_t fired_ = 0;
  std::uint64_t cancelled_ = 0;
};

} // namespace troupe::broker
