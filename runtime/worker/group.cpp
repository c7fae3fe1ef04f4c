#include "runtime/worker/group.hpp"

#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace troupe {

namespace {

supervision::breaker make_breaker(
    const capability_options& options, instant now, supervision::forced_state stored = {}) {
  return {options.breaker, std::hash<std::string>{}(options.name), now, std::move(stored)};
}

/// Brokers need to know no more than whether they may send.
std::string_view name_for_brokers(supervision::breaker_state state) {
  switch (state) {
  case supervision::breaker_state::forced_open:
    return name_of(supervision::breaker_state::open);
  case supervision::breaker_state::forced_closed:
  case supervision::breaker_state::disabled:
    return name_of(supervision::breaker_state::closed);
  default:
    return name_of(state);
  }
}

} // namespace

group::group(const capability_options& options, const actor_type& type, worker_parts& parts)
    : options_{options}, type_{type}, parts_{parts},
      queue_count_{options.database ? 1 : options.replicas.size()},
      queues_{std::make_unique<work_queue[]>(queue_count_)},
      sorted_(queue_count_), breaker_{make_breaker(options, parts.time.now())} {
}

void group::shut(error why) {
  parts_.log.write(
      "group.down",
      {{"capability", options_.name},
       {"reason", why.message},
       {"code", std::string{name_of(why.code)}},
       {"until", "the worker is restarted"}});
  const std::lock_guard lock{mutex_};
  down_ = true;
  down_reason_ = why.message;
  why_shut_ = std::move(why);
}

outcome<void> group::check_answer(std::size_t bytes, effect possible) const {
  if (bytes <= parts_.body_bytes_max) {
    return {};
  }
  return failure{internal_error(
      fmt::format(
          "the answer has {} bytes; {} are the limit (`limits: {{body: ...}}` of the topology)",
          bytes,
          parts_.body_bytes_max),
      possible)};
}

void group::push(std::vector<item>& batch) {
  in_hand.fetch_add(static_cast<std::int64_t>(batch.size()), std::memory_order_relaxed);
  if (queue_count_ == 1) {
    return queues_[0].push(batch);
  }
  for (item& each : batch) {
    const std::size_t at = each.key.empty()
                               ? next_lane_++ % queue_count_
                               : digest_of(std::as_bytes(std::span{each.key})) % queue_count_;
    sorted_[at].push_back(std::move(each));
  }
  batch.clear();
  push_sorted();
}

void group::push_events(std::vector<item>& batch) {
  events_in_hand.fetch_add(
      std::count_if(
          batch.begin(),
          batch.end(),
          [](const item& each) { return each.what == item::kind::event; }),
      std::memory_order_relaxed);
  if (queue_count_ == 1) {
    return queues_[0].push(batch);
  }
  for (item& each : batch) {
    sorted_[each.partition % queue_count_].push_back(std::move(each));
  }
  batch.clear();
  push_sorted();
}

void group::push_sorted() {
  for (std::size_t i = 0; i < queue_count_; ++i) {
    if (!sorted_[i].empty()) {
      queues_[i].push(sorted_[i]);
    }
  }
}

void group::admit(
    std::size_t wanted, instant now, std::vector<supervision::admission>& admissions) {
  admissions.clear();
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < wanted; ++i) {
    admissions.push_back(breaker_.admit(now, transitions_));
  }
  log_transitions();
}

void group::record(std::span<const result> results, instant now) {
  const std::lock_guard lock{mutex_};
  for (const result& each : results) {
    if (each.how) {
      breaker_.record(*each.how, each.call, each.took, now, transitions_);
    } else {
      breaker_.cancel(each.call, now, transitions_);
    }
  }
  log_transitions();
}

void group::tick(instant now) {
  const std::lock_guard lock{mutex_};
  if (const auto due = breaker_.next_due(); due && *due <= now) {
    breaker_.tick(now, transitions_);
    log_transitions();
  }
}

void group::set_down(std::optional<instant> retry_at, std::string reason) {
  const std::lock_guard lock{mutex_};
  const bool down = retry_at.has_value();
  changed_ = changed_ || retry_at != down_until_; // Also a new time to come back.
  if (down != down_) {
    changed_ = true;
    parts_.log.write(
        down ? "group.down" : "group.up", {{"capability", options_.name}, {"reason", reason}});
  }
  down_reason_ = down ? std::move(reason) : std::string{};
  down_ = down;
  down_until_ = retry_at;
}

std::optional<instant> group::down_until() const {
  const std::lock_guard lock{mutex_};
  return down_until_;
}

std::string group::down_reason() const {
  const std::lock_guard lock{mutex_};
  return down_reason_;
}

void group::set_draining() {
  const std::lock_guard lock{mutex_};
  draining_ = true;
  changed_ = true;
}

wire::served group::served(instant now) const {
  const std::lock_guard lock{mutex_};
  wire::served state{
      .capability = options_.name,
      .credit = down_ || draining_ ? 0U : static_cast<std::uint32_t>(options_.bulkhead.in_flight),
      .inbox = has_store(),
      .replicas = static_cast<std::uint32_t>(options_.replicas.size()),
      .breaker = down_ ? "down" : std::string{name_for_brokers(breaker_.state())},
      .events = down_ || draining_ || !subscribes()
                    ? 0U
                    : static_cast<std::uint32_t>(options_.events_in_flight),
      .forced = forced_words()};
  const auto due = down_ ? down_until_ : breaker_.next_due();
  if (due && (down_ || breaker_.state() == supervision::breaker_state::open)) {
    const auto left = std::chrono::ceil<milliseconds>(*due - now).count();
    state.retry_after_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(1, left));
  } else if (breaker_.state() == supervision::breaker_state::forced_open) {
    state.retry_after_ms = static_cast<std::uint32_t>(options_.breaker.timeout.count());
  }
  if (why_shut_) {
    state.shut = why_shut_->message;
  }
  return state;
}

void group::set_outbox_trouble(std::string why) {
  const std::lock_guard lock{mutex_};
  outbox_trouble_ = std::move(why);
}

std::string group::outbox_trouble() const {
  const std::lock_guard lock{mutex_};
  return outbox_trouble_;
}

void group::force(const store::forced_breaker& said, instant now) {
  const std::lock_guard lock{mutex_};
  const auto mode = supervision::mode_named(said.mode);
  if (!mode || (said_ && said_->request == said.request)) {
    return;
  }
  said_ = said;
  breaker_.force(*mode, said.who, said.why, now, transitions_);
  log_transitions();
}

void group::restore(const store::forced_breaker& said, instant now) {
  const std::lock_guard lock{mutex_};
  const auto mode = supervision::mode_named(said.mode);
  if (!mode) {
    return;
  }
  said_ = said;
  breaker_ = make_breaker(options_, now, {*mode, said.who, said.why});
  changed_ = true;
  if (*mode != supervision::breaker_mode::automatic) {
    parts_.log.write(
        "breaker.still_forced",
        {{"capability", options_.name},
         {"state", std::string{name_of(breaker_.state())}},
         {"who", said.who},
         {"why", said.why},
         {"request", to_string(said.request)}});
  }
}

wire::breaker_report group::breaker_report() const {
  const std::lock_guard lock{mutex_};
  wire::breaker_report report{
      .capability = options_.name,
      .node = parts_.node,
      .state = down_ ? "down" : std::string{name_of(breaker_.state())},
      .durable = has_store()};
  if (said_) {
    report.order = {said_->mode, said_->who, said_->why, said_->request, unix_millis(said_->since)};
  }
  return report;
}

std::string group::breaker_words() const {
  const std::lock_guard lock{mutex_};
  return forced_words().value_or("open");
}

// Called with the mutex held.
std::optional<std::string> group::forced_words() const {
  const supervision::forced_state& forced = breaker_.forced();
  if (forced.mode == supervision::breaker_mode::automatic) {
    return std::nullopt;
  }
  const bool is_off = forced.mode == supervision::breaker_mode::disabled;
  return fmt::format(
      "{}{} by {}: {}", is_off ? "" : "forced ", name_of(forced.mode), forced.who, forced.why);
}

// Called with the mutex held: the log has a mutex of its own and calls nobody.
void group::log_transitions() {
  for (const supervision::breaker_transition& each : transitions_) {
    changed_ = true;
    observe::log_fields fields{
        {"capability", options_.name},
        {"from", std::string{name_of(each.from)}},
        {"epoch", fmt::to_string(each.epoch)}};
    if (each.who.empty()) {
      fields.emplace_back("reason", each.reason);
      parts_.log.write("breaker." + std::string{name_of(each.to)}, fields);
      continue;
    }
    fields.emplace_back("to", name_of(each.to));
    fields.emplace_back("who", each.who);
    fields.emplace_back("why", each.reason);
    fields.emplace_back("request", to_string(said_->request));
    parts_.log.write("breaker.forced", fields);
  }
  transitions_.clear();
}

} // namespace troupe
