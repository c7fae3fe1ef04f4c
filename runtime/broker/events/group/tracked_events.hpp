#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/broker/journal/event.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/events.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::broker {

/// An event that, as far as the broker knows, the subscriber has neither handled nor given up.
struct tracked_event {
  enum class state : std::uint8_t {
    /// The event waits for its turn, for its back-off, or for an earlier event of its key.
    waiting,
    with_worker,
    /// Too many workers died with it: a dead letter, unless the database says that it was handled.
    convicted,
    /// Its dead letter is on its way to the disk.
    dying,
    /// Its dead letter is on disk.
    dead,
  };

  /// A row of the capability's database: the event was not handled in its turn.
  struct postponement {
    /// The state that the worker reported last.
    wire::postponed said;
    /// The node of that worker; empty if the row was written in an earlier life of the broker.
    std::string node;
    instant due{};
  };

  /// The event; null for a postponed one that was not read from the journal yet.
  event_ref what;
  std::uint64_t position = 0;
  /// The time of its first delivery; the clock's epoch before that.
  instant first{};
  /// The postponement; null for an event in line.
  std::unique_ptr<postponement> postponed;
  std::uint32_t partition = 0;
  std::uint32_t bytes = 0;
  /// The slot behind it in its line.
  std::uint32_t next = nowhere;
  state is = state::waiting;
};

/// The slots of a partition's events in order of position: those with the worker, then the others.
struct event_line {
  std::uint32_t first = nowhere;
  /// The first that is not with the worker.
  std::uint32_t next = nowhere;
  std::uint32_t last = nowhere;

  bool has_in_flight() const { return first != next; }
};

/// The events that a subscriber may hold in memory.
struct event_window {
  std::size_t events = 8'192;
  std::size_t bytes = 8U << 20U;
};

/// The events that one subscriber holds, in reused slots: once warm, adding and removing an event
/// costs no allocation.
class tracked_events {
public:
  /// @param body_bytes_max of an event that a worker can be sent.
  tracked_events(event_window window, std::size_t body_bytes_max)
      : window_{window}, body_bytes_max_{body_bytes_max} {}

  tracked_event& operator[](std::uint32_t slot) { return slots_[slot]; }

  const tracked_event& operator[](std::uint32_t slot) const { return slots_[slot]; }

  /// Adds an event at the end of the line.
  tracked_event& append(event_line& to, const event_ref& what, std::uint32_t partition);
  /// Takes the oldest out of a line that is not empty; it is tracked until `remove`.
  /// @return its slot.
  std::uint32_t pop(event_line& from);
  /// Adds an event that is in no line and has no body yet.
  std::uint32_t add(std::uint64_t position, std::uint32_t partition);
  void give_body(std::uint32_t slot, const event_ref& what);
  /// Forgets an event that is in no line.
  void remove(std::uint32_t slot);

  /// Whether the event, which has its body, can be sent.
  bool fits(std::uint32_t slot) const { return slots_[slot].what->body.size() <= body_bytes_max_; }

  std::size_t body_bytes_max() const { return body_bytes_max_; }

  std::size_t in_line() const { return in_line_.events; }

  /// Whether another event may be offered now. A single one always may, whatever its size.
  bool has_room() const;
  /// The number of events that may be offered, apart from their bytes.
  std::size_t room() const;
  /// Whether it is time to read on: an event that is read and finds no room is read again. Counts
  /// only the events in line, since postponed ones may fill the window for a long time.
  bool wants_more() const;

private:
  std::uint32_t take_slot(std::uint64_t position, std::uint32_t partition);

  event_window window_;
  std::size_t body_bytes_max_;
  std::vector<tracked_event> slots_;
  std::uint32_t free_ = nowhere;
  event_window all_{0, 0};
  event_window in_line_{0, 0};
};

} // namespace troupe::broker
