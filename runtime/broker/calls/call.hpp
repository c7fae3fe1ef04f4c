#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/clock.hpp"
#include "runtime/contains.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The map's own code is not written for -Wconversion; it is a system header.
#include <boost/container/small_vector.hpp>

namespace troupe::broker {

/// A caller that waits for the answer of a call.
struct waiter {
  origin to;
  instant deadline;
};

/// A call from its arrival to its answer. Lives in a slot that is used again and again.
///
/// With thousands of held calls each step of a call reads a cold slot: the data of an ordinary call
/// are in the slot's first two cache lines.
struct alignas(64) call {
  /// A slot with its timer and its places in the tables.
  static constexpr std::size_t slot_bytes = 512;

  enum class phase : std::uint8_t {
    /// A call in no list: new, or on its way from one list to another.
    none,
    /// A call in its capability's queue.
    queued,
    /// A call in the line of the placement that gets the calls of its key.
    lined_up,
    /// A suspect: two workers died with it in hand; in the list of calls to be sent alone.
    suspected,
    /// Delivered: uses credit of its placement until the worker replies or dies, also when nobody
    /// waits for the answer any more.
    outstanding,
    /// A worker has recorded it and answers later; uses no credit.
    awaiting,
  };

  uuid id;
  phase is = phase::none;
  bool has_key = false;
  bool was_delivered = false;
  /// A worker left or lost its link while it had the call, or has recorded it: the call may have
  /// been carried out.
  bool was_left = false;
  /// Workers that died with it in hand.
  std::uint8_t deaths = 0;
  /// A node no longer has it in hand, but may still answer: `given_to`.
  bool may_come_late = false;
  /// It was repeated while a worker had it, with a later deadline than the worker knows.
  bool has_more_time = false;
  /// Its trace is recorded.
  bool is_traced = false;
  std::uint16_t op_size = 0;
  std::uint32_t capability = nowhere;
  /// The index of the placement where the call is outstanding or in line, in the capability's
  /// placements.
  std::uint32_t placement = nowhere;
  /// The call's neighbours in the list that `is` names.
  std::uint32_t previous = nowhere;
  std::uint32_t next = nowhere;
  /// Offsets in the header.
  std::uint32_t op_at = 0;
  std::uint32_t ttl_at = 0;
  std::uint32_t header_size = 0;
  /// Rises from call to call, around the end of its range.
  std::uint32_t arrival = 0;
  /// The header, then the body.
  std::string bytes;
  boost::container::small_vector<waiter, 1> waiters;
  std::uint64_t key_digest = 0;
  instant arrived{};
  /// Nodes that refused it without effect, and the refusal with the smallest wait.
  std::vector<std::uint32_t> tried;
  errc refusal = errc::unavailable;
  milliseconds refusal_wait{0};
  /// The peer in whose share a call is that awaits its answer (`held_calls::may_await`).
  origin awaited_by{};
  std::uint32_t given_to = nowhere;

  std::string_view header() const { return std::string_view{bytes}.substr(0, header_size); }

  std::string_view body() const { return std::string_view{bytes}.substr(header_size); }

  std::string_view op() const { return std::string_view{bytes}.substr(op_at, op_size); }

  /// Its approximate size in bytes.
  std::size_t size() const { return bytes.size() + slot_bytes; }

  bool came_before(const call& other) const {
    return static_cast<std::int32_t>(arrival - other.arrival) < 0;
  }

  /// Whether it waits for a worker with room.
  bool is_waiting() const { return is == phase::queued || is == phase::lined_up; }

  bool was_tried_at(std::uint32_t node) const { return contains(tried, node); }

  /// The latest and the earliest deadline of the waiters, of which there must be at least one.
  instant latest_deadline() const;
  instant earliest_deadline() const;
};

/// The placement whose worker has calls of one key in hand. A call sent elsewhere in the meantime
/// could be carried out first.
struct key_hold {
  /// `nowhere` if there are none.
  std::uint32_t placement = nowhere;
  std::uint32_t calls = 0;
  /// Calls at other placements: suspects, and calls that a worker listed in HELLO.
  std::uint32_t elsewhere = 0;
};

/// A doubly linked list through `call::previous` and `call::next`.
struct call_list {
  std::uint32_t head = nowhere;
  std::uint32_t tail = nowhere;
  std::uint32_t size = 0;
};

} // namespace troupe::broker
