#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/envelope.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// The map's own code is not written for -Wconversion; it is a system header.
#include <boost/container/small_vector.hpp>

#include <tsl/robin_map.h>

namespace troupe::broker {

/// Somebody who wants the answer of a call.
struct waiter {
  origin to;
  instant deadline;
};

/// A doubly linked list through `call::previous` and `call::next`. A call is in one at most.
struct call_list {
  std::uint32_t head = nowhere;
  std::uint32_t tail = nowhere;
  std::uint32_t size = 0;
};

/// A call from its arrival to its answer. Lives in a slot that is used again and again.
///
/// With thousands of calls under way each step of each call meets a cold slot: what all steps need
/// is in the first line of the cache, what a call without trouble needs in the first three.
struct alignas(64) call {
  enum class phase : std::uint8_t {
    /// The slot is free.
    none,
    /// In its capability's queue.
    queued,
    /// Held by two workers that died; waits to be sent alone.
    suspected,
    /// Delivered: uses credit of its placement until the worker replies or dies, also when nobody
    /// waits
    /// for the answer any more.
    outstanding,
    /// A worker has it on record and answers later; uses no credit.
    awaiting,
  };

  uuid id;
  phase is = phase::none;
  bool has_key = false;
  bool was_delivered = false;
  /// A worker left, or its link did, while it had the call: it may have been carried out.
  bool was_left = false;
  /// Workers that died with it in hand.
  std::uint8_t deaths = 0;
  std::uint16_t op_size = 0;
  std::uint32_t capability = nowhere;
  /// In the capability's placements; where it is outstanding.
  std::uint32_t placement = nowhere;
  std::uint32_t previous = nowhere;
  std::uint32_t next = nowhere;
  /// Links and place in the deadline wheel.
  std::uint32_t wheel_previous = nowhere;
  std::uint32_t wheel_next = nowhere;
  std::uint32_t wheel_place = nowhere;
  /// Offsets in the header.
  std::uint32_t op_at = 0;
  std::uint32_t ttl_at = 0;
  std::uint32_t header_size = 0;
  /// The header, then the body.
  std::string bytes;
  boost::container::small_vector<waiter, 1> waiters;
  std::uint64_t due_tick = 0;
  std::uint64_t key_digest = 0;
  /// Nodes that refused it without effect, and the refusal with the smallest wait.
  std::vector<std::uint32_t> tried;
  errc refusal = errc::unavailable;
  milliseconds refusal_wait{0};

  std::string_view header() const { return std::string_view{bytes}.substr(0, header_size); }

  std::string_view body() const { return std::string_view{bytes}.substr(header_size); }

  std::string_view op() const { return std::string_view{bytes}.substr(op_at, op_size); }

  /// Of those who wait, who waits longest. Some must.
  instant latest_deadline() const;
  instant earliest_deadline() const;
};

/// All calls, by slot and by id.
class held_calls {
public:
  call& operator[](std::uint32_t index) {
    return chunks_[index / chunk_calls][index % chunk_calls];
  }

  const call& operator[](std::uint32_t index) const {
    return chunks_[index / chunk_calls][index % chunk_calls];
  }

  /// The slot of `id`, or `nowhere`.
  std::uint32_t find(const uuid& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nowhere : found->second;
  }

  /// A slot for a new id, with header and body copied in. `ttl` is always patchable afterwards.
  std::uint32_t
  add(const wire::header_view& header, std::string_view header_bytes, std::string_view body);

  /// Frees a slot; it must be in no list and not in the wheel.
  void remove(std::uint32_t index);

  void push_back(call_list& list, std::uint32_t index);
  void push_front(call_list& list, std::uint32_t index);
  void unlink(call_list& list, std::uint32_t index);

  std::size_t size() const { return by_id_.size(); }

private:
  static constexpr std::uint32_t chunk_calls = 1024;

  // Chunks, so that slots never move and growing copies nothing.
  std::vector<std::unique_ptr<call[]>> chunks_;
  std::vector<std::uint32_t> free_;
  tsl::robin_map<uuid, std::uint32_t> by_id_;
};

} // namespace troupe::broker
