#include "runtime/broker/events/group/isolation.hpp"

namespace troupe::broker {

namespace {

// The longest time for which suspects may keep a worker from its other events.
constexpr milliseconds kept_free_max{50};

} // namespace

void isolation::begin(event_decisions& out) {
  if (is_ == phase::none && choose(nowhere, out)) {
    is_ = phase::asked;
    event_worker& kept = workers_.at(worker_);
    request();
    // The worker is not kept free while the suspect waits for its turn.
    kept.is_kept_free = quarantine_.has_turn(self_);
  }
}

void isolation::request() {
  quarantine_.request(self_, workers_.at(worker_).login, quarantine::alone_after(outlasted_));
}

/// Chooses the next suspect of the partitions that this worker has, or of any.
bool isolation::choose(std::uint32_t worker, event_decisions& out) {
  for (std::uint32_t i = 0; i < wire::partition_count && events_.has_deaths(); ++i) {
    const std::uint32_t partition = (next_ + i) % wire::partition_count;
    const std::uint32_t owner = workers_.owner(partition);
    if (!workers_.is_open(partition) || !workers_.at(owner).is_usable()
        || (worker != nowhere && owner != worker)) {
      continue;
    }
    const auto [position, outlasted] = events_.suspect_of(partition);
    if (position == 0) {
      continue;
    }
    next_ = partition + 1;
    worker_ = owner;
    partition_ = partition;
    position_ = position;
    outlasted_ = outlasted;
    out.log.push_back(
        {"event_suspected",
         {{"capability", capability_},
          {"position", std::to_string(position)},
          {"node", workers_.at(owner).node}}});
    return true;
  }
  return false;
}

bool isolation::follow() {
  if (is_ == phase::none) {
    return false;
  }
  const bool has_turn = quarantine_.has_turn(self_);
  if ((is_ == phase::running || is_ == phase::granted) && !has_turn) {
    // The turn took too long: a suspect that was sent goes on beside others, another asks again.
    end();
    return true;
  }
  event_worker& kept = workers_.at(worker_);
  const bool is_news = kept.is_kept_free != has_turn;
  kept.is_kept_free = has_turn;
  if (is_ == phase::asked && quarantine_.is_granted(self_)) {
    is_ = phase::granted;
    return true;
  }
  return is_news;
}

bool isolation::advance(instant now, event_decisions& out) {
  if (is_ == phase::none || is_ == phase::asked || workers_.at(worker_).outstanding != 0) {
    return false;
  }
  // One suspect after another while the worker is free: two killed workers may leave thousands,
  // and to free a worker for each again takes far longer than the events do.
  if (is_ == phase::granted) {
    since_ = now;
  }
  const bool is_over = now - since_ >= kept_free_max;
  while (is_ == phase::granted || (!is_over && choose(worker_, out))) {
    is_ = phase::running;
    event_worker& to = workers_.at(worker_);
    request(); // The next one may have more time than the one before it.
    if (events_.send_suspect(partition_, position_, to.login, now, out)) {
      ++to.outstanding;
      return false;
    }
    events_.woken().push_back(partition_); // The event is no suspect any more.
  }
  end();
  return is_over;
}

void isolation::end() {
  workers_.at(worker_).is_kept_free = false;
  quarantine_.release(self_);
  events_.woken().push_back(partition_);
  is_ = phase::none;
}

} // namespace troupe::broker
