#pragma once

#include "runtime/broker/events/group/assignment.hpp"
#include "runtime/broker/events/group/backlog.hpp"
#include "runtime/broker/quarantine.hpp"

#include <cstdint>
#include <string>

namespace troupe::broker {

/// The turns of one subscriber's suspects: each is sent alone, to a worker that has nothing else,
/// so that a further death is evidence. Asks the broker's quarantine for the worker. Pure.
class isolation {
public:
  /// @param events, workers of the same subscriber; like the quarantine, they outlive this.
  isolation(
      backlog& events, assignment& workers, quarantine& quarantine, const subscriber_options& of)
      : events_{events}, workers_{workers}, quarantine_{quarantine},
        capability_{of.capability}, self_{of.index} {}

  bool is_of_partition(std::uint32_t partition) const {
    return is_ != phase::none && partition_ == partition;
  }

  bool is_at(std::uint32_t worker) const { return is_ != phase::none && worker_ == worker; }

  /// Whether the worker has the suspect in hand, and nothing else.
  bool is_alone_at(std::uint32_t worker) const {
    return is_ == phase::running && worker_ == worker && workers_.at(worker).outstanding == 1
           && quarantine_.is_granted(self_);
  }

  /// Whether the worker is kept free for a suspect that has not been sent yet.
  bool waits_for(std::uint32_t worker) const {
    return (is_ == phase::asked || is_ == phase::granted) && worker_ == worker;
  }

  /// Requests the worker of the next suspect, if there is one and no other has its turn.
  void begin(event_decisions& out);
  /// Follows the quarantine: the turn may have begun, been granted, or been ended.
  /// @return false if there is nothing new.
  bool follow();
  /// Sends the suspect, or the next one, if the worker has nothing in hand.
  /// @return true if the worker was kept free for long enough: other suspects have their turn
  /// first.
  bool advance(instant now, event_decisions& out);
  /// The worker may have other events again.
  void end();

private:
  enum class phase : std::uint8_t { none, asked, granted, running };

  void request();
  bool choose(std::uint32_t worker, event_decisions& out);

  backlog& events_;
  assignment& workers_;
  quarantine& quarantine_;
  std::string capability_;
  suspect_of self_;
  phase is_ = phase::none;
  std::uint32_t worker_ = nowhere;
  std::uint32_t partition_ = nowhere;
  std::uint64_t position_ = 0;
  std::uint8_t outlasted_ = 0;
  instant since_{};
  std::uint32_t next_ = 0; // The partition where the search for a suspect begins.
};

} // namespace troupe::broker
