#pragma once

#include "runtime/actor/open_matters.hpp"
#include "runtime/clock.hpp"
#include "runtime/error.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/worker/told_trouble.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

namespace troupe {

/// The conditions of a group, apart from its breaker, that keep it from working: shut, down,
/// draining or ending.
///
/// Shut: its store was refused for good, at the start or later. Down: its supervisor gave up for a
/// while. Draining: the worker takes nothing new. Ending: the process is about to end. Any thread.
class group_condition {
public:
  /// @param changed set whenever the brokers must be told about a change; the group's.
  group_condition(
      const std::string& capability, observe::event_log& log, std::atomic<bool>& changed)
      : capability_{capability}, log_{log}, changed_{changed} {}

  /// The store was refused for good: runners do nothing, brokers route elsewhere until the process
  /// ends. The first reason stays.
  void shut(error why);

  /// The reason why it is shut, for callers and people; null if it is not. The pointer stays valid.
  const error* why_shut() const {
    return is_shut_.load(std::memory_order_acquire) ? &*why_shut_ : nullptr;
  }

  void set_down(instant retry_at, std::string reason);
  void set_up(std::string reason);

  /// The time at which the supervisor tries again; nothing if the group is not down.
  std::optional<instant> down_until() const;

  /// Whether it is down or shut.
  bool is_down() const;

  /// The reason why it is down or shut; empty if it is neither.
  std::string down_reason() const;

  void set_draining();

  bool is_draining() const { return draining_.load(std::memory_order_relaxed); }

  /// The process is about to end: no thread waits for locks any more.
  void set_ending() { ending_ = true; }

  bool is_ending() const { return ending_; }

  /// The reason why the journal's broker accepts no more events of this group's outbox; empty if it
  /// does.
  void set_outbox_trouble(std::string why);
  std::string outbox_trouble() const;

  /// The reason why the database refused a turn just now, and since when it has done so.
  struct store_failure {
    std::string reason;
    instant since{};
    instant last{};
    /// Whether another turn was committed since.
    bool has_worked = false;
  };

  /// A turn could not be committed, through no fault of a message.
  void store_failed(std::string reason, instant now);

  /// A turn was committed.
  void store_worked() {
    if (has_store_failure_.load(std::memory_order_relaxed)) {
      note_store_worked();
    }
  }

  /// The server of the database cannot be reached: no work is accepted until it is back.
  void set_store_away(bool is_away) {
    if (store_away_.exchange(is_away) != is_away) {
      changed_ = true;
    }
  }

  bool is_store_away() const { return store_away_; }

  /// The last failure of a turn; nothing if that was a minute ago, or five seconds ago if a turn
  /// was committed since: on a nearly full disk, small turns may still succeed.
  std::optional<store_failure> store_trouble(instant now) const;

  /// The matters of the capability that wait for a person.
  void set_open_matters(open_matters what);
  open_matters open() const;

  /// The group's sagas that stand still, need a person or follow earlier steps.
  told_trouble& sagas_trouble() { return sagas_trouble_; }

  /// The trouble that the time by which answers are deleted is far ahead of the local clock.
  told_trouble& time_ahead() { return time_ahead_; }

private:
  void note_store_worked();

  struct outage {
    instant retry_at{};
    std::string reason{};
  };

  const std::string& capability_;
  observe::event_log& log_;
  std::atomic<bool>& changed_;
  std::optional<error> why_shut_; // The reason, which never changes once `is_shut_`.
  std::atomic<bool> is_shut_{false};

  mutable std::mutex mutex_;
  std::optional<outage> outage_;
  std::string outbox_trouble_;
  told_trouble sagas_trouble_;
  told_trouble time_ahead_;
  std::optional<store_failure> store_failure_;
  open_matters open_;
  std::atomic<bool> has_store_failure_{false};
  std::atomic<bool> store_away_{false};
  std::atomic<bool> draining_{false};
  std::atomic<bool> ending_{false};
};

} // namespace troupe
