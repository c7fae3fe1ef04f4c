#include "runtime/worker/group_condition.hpp"

#include "runtime/wire/error_map.hpp"
#include "runtime/wire/limits.hpp"

#include <utility>

namespace troupe {

namespace {

// A database that failed longer ago may be well: nothing was written since.
constexpr std::chrono::minutes store_failure_kept{1};
constexpr instant::duration store_failure_told = std::chrono::seconds{5};

} // namespace

void group_condition::shut(error why) {
  const std::lock_guard lock{mutex_};
  if (is_shut_) {
    return;
  }
  log_.write(
      "group.down",
      {{"capability", capability_},
       {"reason", why.message},
       {"code", std::string{name_of(why.code)}},
       {"until", "the worker is restarted"}});
  why_shut_ = std::move(why);
  is_shut_.store(true, std::memory_order_release);
  changed_ = true;
}

void group_condition::set_down(instant retry_at, std::string reason) {
  const std::lock_guard lock{mutex_};
  if (!outage_) {
    log_.write("group.down", {{"capability", capability_}, {"reason", reason}});
  }
  if (!outage_ || outage_->retry_at != retry_at) {
    changed_ = true; // Brokers want to know a new time to come back, too.
  }
  outage_ = {retry_at, std::move(reason)};
}

void group_condition::set_up(std::string reason) {
  const std::lock_guard lock{mutex_};
  if (outage_) {
    log_.write("group.up", {{"capability", capability_}, {"reason", std::move(reason)}});
    changed_ = true;
  }
  outage_.reset();
}

std::optional<instant> group_condition::down_until() const {
  const std::lock_guard lock{mutex_};
  return outage_ ? std::optional{outage_->retry_at} : std::nullopt;
}

bool group_condition::is_down() const {
  return why_shut() != nullptr || down_until();
}

std::string group_condition::down_reason() const {
  if (const error* why = why_shut()) {
    return why->message;
  }
  const std::lock_guard lock{mutex_};
  return outage_ ? outage_->reason : std::string{};
}

void group_condition::set_draining() {
  draining_ = true;
  changed_ = true;
}

void group_condition::set_outbox_trouble(std::string why) {
  const std::lock_guard lock{mutex_};
  outbox_trouble_ = std::move(why);
}

std::string group_condition::outbox_trouble() const {
  const std::lock_guard lock{mutex_};
  return outbox_trouble_;
}

void group_condition::store_failed(std::string reason, instant now) {
  const std::lock_guard lock{mutex_};
  const bool lasts = store_failure_ && now - store_failure_->last < store_failure_kept;
  store_failure_ = {std::move(reason), lasts ? store_failure_->since : now, now, false};
  has_store_failure_ = true;
}

void group_condition::note_store_worked() {
  const std::lock_guard lock{mutex_};
  if (store_failure_) {
    store_failure_->has_worked = true;
  }
  has_store_failure_ = false;
}

std::optional<group_condition::store_failure> group_condition::store_trouble(instant now) const {
  const std::lock_guard lock{mutex_};
  if (!store_failure_) {
    return std::nullopt;
  }
  const auto kept =
      store_failure_->has_worked ? store_failure_told : instant::duration{store_failure_kept};
  return now - store_failure_->last < kept ? store_failure_ : std::nullopt;
}

void group_condition::set_open_matters(open_matters what) {
  // An author's words, which go into the status of the node: nobody could read that for a text that
  // is no UTF-8.
  what.what = wire::travelling(what.what, wire::why_bytes_max);
  what.operation = wire::travelling(what.operation, wire::name_bytes_max);
  const std::lock_guard lock{mutex_};
  open_ = std::move(what);
}

open_matters group_condition::open() const {
  const std::lock_guard lock{mutex_};
  return open_;
}

} // namespace troupe
