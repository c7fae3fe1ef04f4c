#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace troupe {

/// Decides which events of a capability's outbox are sent to the journal, and when. Pure: no
/// socket, no clock, no database.
///
/// Nothing is sent before the broker has reported which events it has, and these fit the outbox
/// (`confirmed`): a journal that is older than the outbox may request events that another journal
/// has. From then on committed events are sent at once, from memory, while there is room in the
/// window. The others, and those that the broker requests again, are read from the table later.
/// Several processes relay one outbox: the broker orders their events by number, and they share the
/// window.
/// @source runtime/wire/FORMAT.md, "Outboxes".
class outbox_relay {
public:
  /// The most events that may be sent ahead of the last confirmed one.
  static constexpr std::uint64_t window = 4'096;

  /// Numbers of events, both ends included.
  struct range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    bool operator==(const range&) const = default;
  };

  /// The outbox was announced to the journal's broker, which will confirm its events and request
  /// missing ones. Nothing is sent until `confirmed`, unless the outbox is new or this is not the
  /// first time since `left`.
  /// @param newest the number of the newest event then.
  void joined(std::uint64_t newest, instant now);
  /// The broker is lost. Nothing is sent until `joined`.
  void left();

  /// `count` events from the number `first` on have just been committed.
  /// @return how many of them, from the first, are sent now.
  std::uint64_t committed(std::uint64_t first, std::uint64_t count);

  /// A turn has found this number to be the newest of the outbox: another process may have left an
  /// event in it that it cannot relay.
  void noticed(std::uint64_t newest, instant now);

  /// The broker has all events up to this number in its journal, and they are those of the outbox.
  void confirmed(std::uint64_t up_to, instant now);
  /// The broker accepts nothing more from this outbox. Nothing is sent until `joined`.
  void refused();
  /// The broker requests these missing events.
  void resend(range what);

  /// The events to read from the table and to send next, `rows_max` at most.
  std::optional<range> to_read(std::uint64_t rows_max) const;
  /// The events of `to_read` up to this number have been sent.
  void sent(std::uint64_t up_to);

  /// Whether confirmations have been missing for so long that the outbox should be announced again.
  bool is_stalled(instant now) const;

  /// Announced, whether confirmed or not.
  bool is_up() const { return state_ == state::announced || state_ == state::up; }

  /// Neither announced nor refused.
  bool is_down() const { return state_ == state::down; }

  bool is_refused() const { return state_ == state::refused; }

  /// The last event that is in the journal for certain: the outbox may delete all up to it.
  std::uint64_t confirmed() const { return confirmed_; }

  /// The newest number known to this process.
  std::uint64_t newest() const { return newest_; }

private:
  enum class state : std::uint8_t { down, announced, up, refused };

  void add_waiting(range what);

  state state_ = state::down;
  std::uint64_t confirmed_ = 0;
  std::uint64_t newest_ = 0;
  // The window begins after this number: the last one confirmed or, until the broker has said
  // which events it has, the newest one at the login.
  std::uint64_t base_ = 0;
  bool is_base_known_ = false;
  // The events still to be sent, in order; no range touches the next.
  std::deque<range> waiting_;
  instant progress_at_{};
};

} // namespace troupe
