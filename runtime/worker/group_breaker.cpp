#include "runtime/worker/group_breaker.hpp"

#include "runtime/contains.hpp"
#include "runtime/time_text.hpp"

#include <fmt/format.h>
#include <functional>
#include <utility>

namespace troupe {

namespace {

constexpr std::size_t orders_remembered = 64;

supervision::breaker make_breaker(
    const capability_options& options, instant now, supervision::forced_state stored = {}) {
  return {options.breaker, std::hash<std::string>{}(options.name), now, std::move(stored)};
}

/// The state as brokers hear it, who need to know only whether they may send.
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

group_breaker::group_breaker(
    const capability_options& options, worker_parts& parts, std::atomic<bool>& changed)
    : options_{options}, parts_{parts}, changed_{changed}, breaker_{make_breaker(
                                                               options, parts.time.now())} {
}

void group_breaker::admit(
    std::size_t wanted, instant now, std::vector<supervision::admission>& admissions) {
  admissions.clear();
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < wanted; ++i) {
    admissions.push_back(breaker_.admit(now, transitions_));
  }
  log_transitions();
}

void group_breaker::record(std::span<const result> results, instant now) {
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

void group_breaker::tick(instant now) {
  const std::lock_guard lock{mutex_};
  if (const auto due = breaker_.next_due(); due && *due <= now) {
    breaker_.tick(now, transitions_);
    log_transitions();
  }
}

void group_breaker::force(const store::forced_breaker& order, instant now) {
  const std::lock_guard lock{mutex_};
  carry_out(order, now);
}

void group_breaker::force_once(const store::forced_breaker& order, instant now) {
  const std::lock_guard lock{mutex_};
  if (contains(ordered_, order.request)) {
    return;
  }
  ordered_.push_back(order.request);
  if (ordered_.size() > orders_remembered) {
    ordered_.pop_front();
  }
  carry_out(order, now);
}

// Called with the mutex held.
void group_breaker::carry_out(const store::forced_breaker& order, instant now) {
  const auto mode = supervision::mode_named(order.mode);
  if (!mode || (order_ && order_->request == order.request)) {
    return;
  }
  order_ = order;
  breaker_.force(*mode, order.who, order.why, now, transitions_);
  log_transitions();
}

void group_breaker::restore(const store::forced_breaker& order, instant now) {
  const std::lock_guard lock{mutex_};
  const auto mode = supervision::mode_named(order.mode);
  if (!mode) {
    return;
  }
  order_ = order;
  breaker_ = make_breaker(options_, now, {*mode, order.who, order.why});
  changed_ = true;
  if (*mode != supervision::breaker_mode::automatic) {
    parts_.log.write(
        "breaker.still_forced",
        {{"capability", options_.name},
         {"state", std::string{name_of(breaker_.state())}},
         {"who", order.who},
         {"why", order.why},
         {"request", to_string(order.request)}});
  }
}

std::optional<instant> group_breaker::describe(wire::served& told, instant now) const {
  const std::lock_guard lock{mutex_};
  told.breaker = name_for_brokers(breaker_.state());
  told.forced = forced_words();
  switch (breaker_.state()) {
  case supervision::breaker_state::open:
    return breaker_.next_due();
  case supervision::breaker_state::forced_open:
    return now + options_.breaker.timeout;
  default:
    return std::nullopt;
  }
}

wire::breaker_report group_breaker::report() const {
  const std::lock_guard lock{mutex_};
  wire::breaker_report report{
      .capability = options_.name,
      .node = parts_.node,
      .state = std::string{name_of(breaker_.state())},
      .durable = options_.database.has_value()};
  if (order_) {
    report.order = {
        order_->mode, order_->who, order_->why, order_->request, unix_millis(order_->since)};
  }
  return report;
}

std::string group_breaker::words() const {
  const std::lock_guard lock{mutex_};
  return forced_words().value_or("open");
}

// Called with the mutex held.
std::optional<std::string> group_breaker::forced_words() const {
  const supervision::forced_state& forced = breaker_.forced();
  if (forced.mode == supervision::breaker_mode::automatic) {
    return std::nullopt;
  }
  const bool is_off = forced.mode == supervision::breaker_mode::disabled;
  return fmt::format(
      "{}{} by {}: {}", is_off ? "" : "forced ", name_of(forced.mode), forced.who, forced.why);
}

// Called with the mutex held: the log has a mutex of its own and calls nobody.
void group_breaker::log_transitions() {
  for (const supervision::breaker_transition& each : transitions_) {
    changed_ = true;
    if (each.to == supervision::breaker_state::open
        || each.to == supervision::breaker_state::forced_open) {
      openings_.fetch_add(1, std::memory_order_relaxed);
    }
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
    fields.emplace_back("request", to_string(order_->request));
    parts_.log.write("breaker.forced", fields);
  }
  transitions_.clear();
}

} // namespace troupe
