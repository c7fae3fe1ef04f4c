#pragma once

#include "runtime/worker/work_queue.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace troupe {

/// The queues in front of a group's runners: one if there is a store, whose writer runs all
/// replicas, else one per replica.
///
/// The socket loop adds the messages of a frame (`add_...`, then `push_added`), so that a runner is
/// woken once per frame and not once per message. Everything else is for any thread.
class group_queues {
public:
  explicit group_queues(std::size_t count);

  std::span<work_queue> all() { return {queues_.get(), batches_.size()}; }

  /// Adds a call: to the queue of its key, or to each queue in turn if it has none. Socket loop.
  item& add_call(std::string_view key);

  /// Adds an event to the queue of its partition. Socket loop.
  item& add_event(std::uint32_t partition);

  /// Adds an order of the journal's broker (an assignment, say) after the events before it. Socket
  /// loop.
  item& add_order(std::uint32_t partition);

  /// Whether something was added and not pushed yet. Socket loop.
  bool has_added() const { return has_added_; }

  /// Passes the added items to the runners. Socket loop.
  void push_added();

  /// Queues an item of the group itself. Never refused: the message it belongs to was accepted
  /// already.
  void push_internal(item&& one) { queues_[queue_of(one.partition)].push(std::move(one)); }

  /// Accepted and unanswered calls. A drain waits for them, and for events in hand.
  std::int64_t calls_in_hand() const { return calls_.load(std::memory_order_relaxed); }

  std::int64_t events_in_hand() const { return events_.load(std::memory_order_relaxed); }

  /// Calls in hand with those not pushed yet. Socket loop.
  std::int64_t calls_taken() const { return calls_in_hand() + added_calls_; }

  std::int64_t events_taken() const { return events_in_hand() + added_events_; }

  /// Calls and events have ended, and their answers and reports are with the sockets: a drain ends
  /// the loop once nothing is in hand. Socket loop.
  void ended(std::int64_t calls, std::int64_t events) {
    calls_.fetch_sub(calls, std::memory_order_relaxed);
    events_.fetch_sub(events, std::memory_order_relaxed);
  }

private:
  std::size_t queue_of(std::uint32_t partition) const { return partition % batches_.size(); }

  item& add(std::size_t queue);

  std::unique_ptr<work_queue[]> queues_;
  std::atomic<std::int64_t> calls_{0};
  std::atomic<std::int64_t> events_{0};

  // The socket loop's items that were added and not pushed yet, by queue.
  std::vector<std::vector<item>> batches_;
  std::int64_t added_calls_ = 0;
  std::int64_t added_events_ = 0;
  bool has_added_ = false;
  std::size_t next_queue_ = 0;
};

} // namespace troupe
