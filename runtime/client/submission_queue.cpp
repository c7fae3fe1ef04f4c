#include "runtime/client/submission_queue.hpp"

#include "runtime/wire/departure.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/reader.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace troupe::client {

namespace {

constexpr milliseconds overloaded_retry{10};
constexpr milliseconds deadline_max{std::numeric_limits<std::uint32_t>::max()};
// Batches kept for reuse. More are created while no link is up, and are freed afterwards.
constexpr std::size_t spare_max = 16;
constexpr std::size_t spare_bytes_max = 2 * wire::batch_bytes_target;

bool refuse(error& to, error why) {
  to = std::move(why);
  return false;
}

} // namespace

submission_queue::submission_queue(const options& settings)
    : body_bytes_max_{settings.body_bytes_max}, outstanding_max_{settings.outstanding_max} {
}

bool submission_queue::submit_one(
    const call_request& call, std::uint8_t flags, uuid& id, error& why) {
  bool wakes = false;
  {
    const std::lock_guard lock{mutex_};
    if (!add(call, flags, std::chrono::steady_clock::now(), id, why)) {
      return false;
    }
    wakes = announces();
  }
  if (wakes) {
    wake_.ring();
  }
  return true;
}

bool submission_queue::add_one(const call_request& call, std::uint8_t flags, uuid& id, error& why) {
  const std::lock_guard lock{mutex_};
  return add(call, flags, std::chrono::steady_clock::now(), id, why);
}

void submission_queue::flush() {
  bool wakes = false;
  {
    const std::lock_guard lock{mutex_};
    wakes = announces();
  }
  if (wakes) {
    wake_.ring();
  }
}

std::size_t
submission_queue::submit(std::span<const call_request> calls, std::vector<uuid>* ids, error& why) {
  std::size_t added = 0;
  bool wakes = false;
  {
    const std::lock_guard lock{mutex_};
    const instant now = std::chrono::steady_clock::now();
    uuid id;
    for (; added < calls.size() && add(calls[added], flag_queue, now, id, why); ++added) {
      if (ids != nullptr) {
        ids->push_back(id);
      }
    }
    wakes = announces();
  }
  if (wakes) {
    wake_.ring();
  }
  return added;
}

bool submission_queue::admits(const call_request& call, error& why) const {
  if (is_closed_) {
    return refuse(why, {.code = errc::unavailable, .message = "the client is closed"});
  }
  if (admitted_ - ended_.load(std::memory_order_relaxed) >= outstanding_max_) {
    return refuse(
        why,
        {.code = errc::overloaded,
         .message = fmt::format(
             "{} calls are outstanding already; take their completions first", outstanding_max_),
         .retry_after = overloaded_retry});
  }
  if (call.id && *call.id == uuid{}) {
    return refuse(why, invalid("an id of zeros names no call; leave it out, or make one"));
  }
  // Capability and operation are checked once, when the template of their header is made.
  const bool has_body_alone = call.key.empty() && call.traceparent.empty();
  if (!has_body_alone || call.body.size() > body_bytes_max_) {
    const wire::departure made{
        .what = "the call",
        .key = call.key,
        .traceparent = call.traceparent,
        .body_bytes = call.body.size()};
    if (auto fits = wire::check_departure(made, body_bytes_max_); !fits) {
      return refuse(why, std::move(fits).error());
    }
  }
  if (call.deadline <= milliseconds::zero() || call.deadline > deadline_max) {
    return refuse(why, invalid("a deadline is between 1 ms and 49 days from now"));
  }
  return true;
}

bool submission_queue::add(
    const call_request& call, std::uint8_t asked, instant now, uuid& id, error& why) {
  if (!admits(call, why)) {
    return false;
  }
  const auto header = headers_.find(call.capability, call.operation);
  if (!header) {
    return refuse(why, header.error());
  }
  id = call.id ? *call.id : make_id(now);
  submitted_batch& batch = open_batch(call.id.has_value());
  const auto ttl = static_cast<std::uint32_t>(call.deadline.count());
  const std::size_t at = batch.frame.begin();
  (*header)->append(batch.frame.frame(), id, ttl, call.key, call.traceparent);
  batch.frame.begin_body(at);
  batch.frame.frame().append(call.body);
  batch.frame.end(at);
  batch.body_bytes_most = std::max(batch.body_bytes_most, call.body.size());
  const bool is_patient = call.retry.value_or((asked & flag_waiter) != 0);
  const bool is_for_journal =
      call.capability == "troupe.publish" || call.capability == "troupe.events";
  batch.has_journal_calls = batch.has_journal_calls || is_for_journal;
  const auto flags = static_cast<std::uint8_t>(
      asked | (is_patient ? flag_patient : 0) | (is_for_journal ? flag_journal : 0));
  batch.calls.push_back({id, now + call.deadline, call.token, (*header)->ttl_at(), flags});
  ++admitted_;
  return true;
}

submitted_batch& submission_queue::open_batch(bool own_id) {
  if (queued_.empty() || queued_.back().frame.bytes() > wire::batch_bytes_target) {
    if (spare_.empty()) {
      queued_.emplace_back();
    } else {
      queued_.push_back(std::move(spare_.back()));
      spare_.pop_back();
    }
  }
  submitted_batch& batch = queued_.back();
  batch.has_own_ids = batch.has_own_ids || own_id;
  return batch;
}

uuid submission_queue::make_id(instant now) {
  if (now - anchored_at_ > std::chrono::seconds{1}) {
    anchored_at_ = now;
    anchor_ = std::chrono::system_clock::now();
  }
  return ids_.next(anchor_ + std::chrono::duration_cast<wall_time::duration>(now - anchored_at_));
}

void submission_queue::close() {
  const std::lock_guard lock{mutex_};
  is_closed_ = true;
}

void submission_queue::take_all(std::vector<submitted_batch>& into) {
  wake_.clear();
  for (submitted_batch& batch : into) {
    batch.frame.clear();
    batch.calls.clear();
    batch.body_bytes_most = 0;
    batch.has_own_ids = false;
    batch.has_journal_calls = false;
  }
  const std::lock_guard lock{mutex_};
  for (submitted_batch& batch : into) {
    if (spare_.size() < spare_max && batch.frame.frame().capacity() <= spare_bytes_max) {
      spare_.push_back(std::move(batch));
    }
  }
  into.clear();
  into.swap(queued_);
  is_announced_ = false;
}

} // namespace troupe::client
