#include "runtime/broker/events/journal_keeper.hpp"

#include "runtime/broker/journal/tables.hpp"
#include "runtime/store/migrations.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

namespace {

// A loop that has not turned for so long keeps no lease.
constexpr milliseconds stands_still_after{1'000};
// Between two tries of a journal that cannot be opened: each raises its generation.
constexpr milliseconds open_again_after{1'000};

} // namespace

journal_keeper::journal_keeper(options with, const clock& time)
    : options_{std::move(with)}, time_{time}, seen_at_{time.now()},
      beat_{time.now().time_since_epoch().count()} {
}

journal_keeper::~journal_keeper() {
  {
    const std::lock_guard lock{mutex_};
    is_stopped_ = true;
  }
  rung_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

outcome<void> journal_keeper::prepare() {
  TROUPE_TRY(auto session, options_.place.connect());
  TROUPE_CHECK(store::migrate(*session, time_, shared_journal_components()));
  session_ = std::move(session);
  table_.emplace(*session_, *options_.place.dialect);
  return {};
}

void journal_keeper::start() {
  thread_ = std::thread{[this] { run(); }};
}

void journal_keeper::run() {
  std::unique_lock lock{mutex_};
  while (!is_stopped_) {
    lock.unlock();
    step();
    lock.lock();
    rung_.wait_for(lock, options_.look_every, [this] { return is_stopped_ || returned_; });
  }
}

lease_self journal_keeper::self() const {
  const instant beat{instant::duration{beat_.load()}};
  return {
      .owner = options_.place.owner,
      .holds = holds_,
      .is_candidate = !is_retired_.load(),
      .is_lively = time_.now() - beat < stands_still_after};
}

void journal_keeper::step() {
  close_returned();
  const milliseconds lease = options_.place.lease;
  const auto seen = look();
  if (!seen) {
    const auto unseen = std::chrono::duration_cast<milliseconds>(time_.now() - seen_at_);
    if (decide_unseen(self(), unseen, lease) == lease_step::give_up) {
      withdraw("its database cannot be reached");
    }
    return;
  }
  seen_at_ = time_.now();
  if (table_) {
    server_.look(*table_, seen_at_);
  }
  switch (decide(*seen, self(), lease)) {
  case lease_step::wait:
    break;
  case lease_step::renew:
    try {
      (void)table_->renew(*holds_, lease); // If another one was faster, the next look shows it.
    } catch (const store::database_error&) {
      session_.reset(); // The next step says why.
    }
    break;
  case lease_step::take:
    return take(*seen);
  case lease_step::give_up:
    withdraw(fmt::format("broker {} has taken it over", seen->owner_name));
    break;
  }
  tell(*seen);
}

void journal_keeper::close_returned() {
  std::unique_ptr<journal> closing;
  {
    const std::lock_guard lock{mutex_};
    closing = std::move(returned_);
  }
  if (closing != nullptr) {
    closing.reset(); // Waits for what is being written.
    holds_.reset();
    is_withdrawn_ = false;
  }
}

std::optional<lease_seen> journal_keeper::look() {
  if (session_ == nullptr) {
    if (const auto ready = prepare(); !ready) {
      set_trouble(ready.error().message);
      return std::nullopt;
    }
  }
  try {
    lease_seen seen = table_->look();
    set_trouble({});
    return seen;
  } catch (const store::database_error& met) {
    table_.reset();
    session_.reset();
    set_trouble(met.what());
    return std::nullopt;
  }
}

void journal_keeper::take(const lease_seen& seen) {
  if (time_.now() < take_at_) {
    return tell(seen);
  }
  auto opened = options_.open(seen);
  if (!opened && opened.error().code == errc::conflict) {
    return; // Somebody was faster, as the next look shows.
  }
  if (!opened) {
    take_at_ = time_.now() + open_again_after;
    table_.reset(); // It may have been asked of a server that takes writes and confirms none.
    session_.reset();
    return set_trouble(opened.error().message);
  }
  take_at_ = {};
  holds_ = opened->state.generation;
  try { // It is open: from now on its lease is the usual one.
    (void)table_->renew(*holds_, options_.place.lease); // A faster one is seen by the next look.
    seen_at_ = time_.now();
  } catch (const store::database_error&) {
    session_.reset(); // The next look says why.
  }
  {
    const std::lock_guard lock{mutex_};
    news_.opened = std::move(*opened);
  }
  if (const auto now = look()) {
    tell(*now);
  }
  ring();
}

/// Has the journal given back: by the loop if it has it by now.
void journal_keeper::withdraw(std::string why) {
  if (std::exchange(is_withdrawn_, true)) {
    return;
  }
  {
    const std::lock_guard lock{mutex_};
    if (news_.opened) {
      returned_ = std::move(news_.opened->events.kept);
      news_.opened.reset();
      return;
    }
    news_.given_up = std::move(why);
  }
  ring();
}

void journal_keeper::tell(const lease_seen& seen) {
  {
    const std::lock_guard lock{mutex_};
    if (news_.seen.generation == seen.generation && news_.seen.owner == seen.owner) {
      return;
    }
    news_.seen = seen;
  }
  ring();
}

void journal_keeper::set_trouble(std::string trouble) {
  {
    const std::lock_guard lock{mutex_};
    if (news_.trouble == trouble) {
      return;
    }
    news_.trouble = std::move(trouble);
  }
  ring();
}

void journal_keeper::ring() {
  has_news_.store(true, std::memory_order_release);
  options_.wake();
}

journal_news journal_keeper::take_news() {
  const std::lock_guard lock{mutex_};
  has_news_.store(false, std::memory_order_release);
  journal_news taken{
      news_.seen, std::move(news_.opened), std::exchange(news_.given_up, {}), news_.trouble};
  news_.opened.reset();
  return taken;
}

void journal_keeper::give_back(std::unique_ptr<journal> kept) {
  {
    const std::lock_guard lock{mutex_};
    returned_ = std::move(kept);
  }
  rung_.notify_one();
}

} // namespace troupe::broker
