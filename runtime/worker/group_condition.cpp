#include "runtime/worker/group_condition.hpp"

#include <utility>

namespace troupe {

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

void group_condition::set_sagas_trouble(std::string what) {
  const std::lock_guard lock{mutex_};
  sagas_trouble_ = std::move(what);
}

std::string group_condition::sagas_trouble() const {
  const std::lock_guard lock{mutex_};
  return sagas_trouble_;
}

} // namespace troupe
