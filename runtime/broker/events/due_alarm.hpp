#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace troupe::broker {

/// The alarm that says when to ask the journal for due scheduled events.
///
/// An answer says when the next event is due, but only of the events on disk when it was read:
/// events written in the meantime are remembered separately. A value; times are milliseconds of the
/// wall clock.
class due_alarm {
public:
  /// @param next when the first event in the journal is due.
  explicit due_alarm(std::optional<std::int64_t> next) : next_{next} {}

  /// An event that is due at `at` is on disk. Not called earlier, as a read would not find it.
  void written(std::int64_t at) { next_ = std::min(next_.value_or(at), at); }

  /// Whether waiting cancellations go before due events: they take turns.
  bool gives_way(std::int64_t now) {
    const bool gives = was_asked_ || !is_due(now);
    was_asked_ = was_asked_ && !gives;
    return gives;
  }

  /// Whether the journal has not answered yet.
  bool is_asking() const { return is_asking_; }

  /// Whether to ask now. If so, `answered` or `failed` must follow before this is true again.
  bool begin(std::int64_t now) {
    if (is_asking_ || !is_due(now)) {
      return false;
    }
    is_asking_ = was_asked_ = true;
    next_.reset();
    return true;
  }

  /// @param next the time at which the first scheduled event after the answer is due.
  void answered(std::optional<std::int64_t> next) {
    is_asking_ = false;
    if (next) {
      written(*next);
    }
  }

  /// The read failed.
  void failed() {
    is_asking_ = false;
    ask_again();
  }

  /// Events that were found due are still in the journal.
  void ask_again() { next_ = 0; }

private:
  bool is_due(std::int64_t now) const { return next_ && *next_ <= now; }

  std::optional<std::int64_t> next_;
  bool is_asking_ = false;
  bool was_asked_ = false; // Whether it was asked since `gives_way` was true.
};

} // namespace troupe::broker
