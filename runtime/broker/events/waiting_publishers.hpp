#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <tsl/robin_map.h>

namespace troupe::broker {

/// The waiting events of each publisher. Pure.
class waiting_publishers {
public:
  /// @param events_max of one publisher; @param bytes_max of all: one may have as many as are left
  /// for the others, and its only event may have any size (see shares.hpp).
  waiting_publishers(std::uint32_t events_max, std::size_t bytes_max)
      : events_max_{events_max}, bytes_max_{bytes_max} {}

  /// Counts one more event of a publisher.
  /// @param all_bytes of all waiting events, including those of outboxes.
  /// @errors `overloaded`: too much waits.
  outcome<void> admit(origin from, std::size_t bytes, std::size_t all_bytes);
  /// One of the publisher's events, with these bytes, no longer waits.
  void release(origin whom, std::size_t bytes);

  /// The same for an operator, whose call may have no event (0 bytes).
  void release_scheduled(origin whom, std::size_t bytes) {
    if (bytes != 0) {
      release(whom, bytes);
    }
  }

private:
  struct share {
    std::uint32_t events = 0;
    std::size_t bytes = 0;
  };

  std::uint32_t events_max_;
  std::size_t bytes_max_;
  tsl::robin_map<std::uint64_t, share> of_;
};

} // namespace troupe::broker
