#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/broker/journal/event.hpp"
#include "runtime/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::broker {

/// An event that waits for its turn in a partition, or is with a worker.
struct held_event {
  /// What is to become of it.
  enum class fate : std::uint8_t {
    /// To be handled.
    handled,
    /// Too many workers died with it; a dead letter, unless the database says that it was handled.
    convicted,
    /// Its dead letter is on its way to the disk.
    burying,
    /// Its dead letter is on disk.
    buried,
  };

  event_ref what;
  std::uint64_t position = 0;
  /// For the first time; the clock's epoch before that.
  instant delivered_at{};
  std::size_t bytes = 0;
  std::uint32_t next = nowhere;
  fate is = fate::handled;
};

/// A partition's events in order of position: those with its worker, then those that wait.
struct event_line {
  /// The oldest.
  std::uint32_t first = nowhere;
  /// The first that is not with the worker.
  std::uint32_t next = nowhere;
  std::uint32_t last = nowhere;

  bool has_in_flight() const { return first != next; }
};

/// The held events of one group, in slots that are used again: once warm, taking one in and letting
/// it go costs no allocation.
class held_events {
public:
  held_event& operator[](std::uint32_t slot) { return slots_[slot]; }

  const held_event& operator[](std::uint32_t slot) const { return slots_[slot]; }

  /// At the end of the line, not delivered.
  held_event& append(event_line& to, const event_ref& what);
  /// Takes out the oldest of a line that is not empty.
  event_ref pop(event_line& from);

  std::size_t size() const { return size_; }

  std::size_t bytes() const { return bytes_; }

private:
  std::vector<held_event> slots_;
  std::uint32_t free_ = nowhere;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace troupe::broker
