#pragma once

#include "runtime/client/call.hpp"
#include "runtime/client/call_header_template.hpp"
#include "runtime/client/client_options.hpp"
#include "runtime/transport/wake.hpp"
#include "runtime/wire/batch.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace troupe::client {

/// Calls on their way to the loop: the batch frame that will leave, and for each call the fields
/// that the loop needs.
struct submitted_batch {
  struct call {
    uuid id;
    instant deadline;
    std::uint64_t token = 0;
    std::uint32_t ttl_at = 0;
    std::uint8_t flags = 0;
  };

  wire::batch_writer frame;
  std::vector<call> calls; // The calls of the frame, in its order.
  std::size_t body_bytes_most = 0;
  /// True if a caller chose one of the ids, which may be one that is outstanding.
  bool has_own_ids = false;
  /// True if one of them is for the broker that keeps the journal.
  bool has_journal_calls = false;
};

/// Bits of a call: whether its token is a `waiting_thread`, whether it is retried after refusals,
/// and whether it is for the broker that keeps the journal.
enum call_flags : std::uint8_t {
  flag_queue = 0,
  flag_waiter = 1,
  flag_patient = 2,
  flag_journal = 4,
};

/// The queue of calls from any thread into the client's loop.
///
/// The submitting thread encodes calls directly into the frame that will be sent.
class submission_queue {
public:
  explicit submission_queue(const options& settings);

  /// Adds a call with `flags`. False if it is refused; `why` is the reason then.
  bool submit_one(const call_request& call, std::uint8_t flags, uuid& id, error& why);

  /// As `submit_one`, but does not wake the loop: `flush` or a later call does.
  bool add_one(const call_request& call, std::uint8_t flags, uuid& id, error& why);
  void flush();

  /// Adds calls in order until one is refused, for the reason in `why`. The ids are appended to
  /// `ids`, if given. @return how many were added.
  std::size_t submit(std::span<const call_request> calls, std::vector<uuid>* ids, error& why);

  /// Refuses all calls from now on.
  void close();

  /// Moves the queued batches into `into`, whose own are recycled. For the loop.
  void take_all(std::vector<submitted_batch>& into);

  /// Notes that the completions of `count` calls were taken: there is room for as many new calls.
  void ended(std::size_t count) { ended_.fetch_add(count, std::memory_order_relaxed); }

  transport::wake& waker() { return wake_; }

private:
  bool add(const call_request& call, std::uint8_t flags, instant now, uuid& id, error& why);
  bool admits(const call_request& call, error& why) const;
  submitted_batch& open_batch(bool own_id);
  uuid make_id(instant now);

  /// Whether the loop must be woken: only for the first of several queued batches, as the loop
  /// clears the descriptor before it reads the queue.
  bool announces() { return !queued_.empty() && !std::exchange(is_announced_, true); }

  const std::size_t body_bytes_max_;
  const std::size_t outstanding_max_;
  transport::wake wake_;
  std::atomic<std::size_t> ended_{0};
  std::mutex mutex_;
  bool is_closed_ = false;
  /// Whether the loop was woken for the queued batches.
  bool is_announced_ = false;
  std::size_t admitted_ = 0;
  std::vector<submitted_batch> queued_;
  std::vector<submitted_batch> spare_;
  call_headers headers_;
  uuid_source ids_;
  // The wall clock is read once a second; in between the steady clock says how much has passed.
  instant anchored_at_{};
  wall_time anchor_{};
};

} // namespace troupe::client
