#pragma once

#include "runtime/clock.hpp"
#include "runtime/store/turn/writers.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace troupe {

/// Deletes events from the outbox that are in the journal: in later turns, and never many at once.
/// Stores the number that the journal confirmed with them.
///
/// Confined to the runner's thread; borrows the session.
class outbox_trim {
public:
  explicit outbox_trim(store::database& session) : session_{session} {}

  /// Events up to this number are in the journal, and may be deleted. 0 while that is uncertain.
  void confirmed(const store::outbox_mark& up_to) { confirmed_ = up_to; }

  /// Deletes confirmed events in this turn if there are at least `at_least`.
  void run(std::uint64_t at_least, instant now) {
    if (now < rests_until_) {
      return;
    }
    store::outbox outbox{session_};
    if (deleted_ == 0) {
      deleted_ = outbox.oldest() - 1;
    }
    if (confirmed_.confirmed < deleted_ + at_least) {
      return;
    }
    deleting_ = std::min(confirmed_.confirmed, deleted_ + events_max);
    outbox.raise_mark(confirmed_); // A journal that has less than this is an older copy.
    outbox.forget(deleted_, deleting_);
  }

  /// The database was reconnected, and may have gone back: forgets its state.
  void begin_anew() {
    confirmed_ = {};
    deleted_ = deleting_ = 0;
  }

  void committed() { deleted_ = std::max(deleted_, deleting_); }

  void rolled_back() { deleting_ = 0; }

  /// A turn took too long, possibly because of the deletion: its messages come first.
  void rest(instant now) { rests_until_ = now + std::chrono::minutes{1}; }

private:
  static constexpr std::uint64_t events_max = 4'096;

  store::database& session_;
  store::outbox_mark confirmed_;
  // The last event deleted, 0 until the outbox was read for it; and the last one in this turn.
  std::uint64_t deleted_ = 0;
  std::uint64_t deleting_ = 0;
  instant rests_until_{};
};

} // namespace troupe
