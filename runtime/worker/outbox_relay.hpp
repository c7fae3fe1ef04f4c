#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace troupe {

/// Decides which events of a capability's outbox leave for the journal, and when. Pure: no socket,
/// no clock, no database.
///
/// What a turn committed leaves at once, from memory, while there is room in the window; what does
/// not, and what the broker asks for again, is read from the table later. Several processes relay
/// one outbox: the broker puts their events in order by number, and the window is the outbox's.
/// @source DESIGN 7, "Outbox rows"; runtime/wire/FORMAT.md, "Outboxes".
class outbox_relay {
public:
  /// Numbers beyond the last confirmed one by more than this do not leave.
  static constexpr std::uint64_t window = 4'096;

  /// Numbers, both included.
  struct range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    bool operator==(const range&) const = default;
  };

  /// The outbox was announced to the journal's broker, which will say what it has and what it
  /// wants. @param newest the newest number then.
  void joined(std::uint64_t newest, instant now);
  /// The broker is gone. Nothing leaves until `joined`.
  void left();

  /// Events that were just committed, `count` from the number `first` on.
  /// @return how many of them, from the first, are to leave now.
  std::uint64_t committed(std::uint64_t first, std::uint64_t count);

  void confirmed(std::uint64_t up_to, instant now);
  /// The broker takes nothing more from this outbox. Until `joined`.
  void refused();
  void resend(range what);

  /// What is to be read from the table and to leave next, `rows_max` at most.
  std::optional<range> to_read(std::uint64_t rows_max) const;
  /// Of what `to_read` said, what there is up to here has left.
  void sent(std::uint64_t up_to);

  /// Whether events have waited for their confirmation so long that the outbox had better be
  /// announced again.
  bool is_stalled(instant now) const;

  bool is_up() const { return state_ == state::up; }

  bool is_refused() const { return state_ == state::refused; }

  /// In the journal for certain: may be forgotten.
  std::uint64_t confirmed() const { return confirmed_; }

  /// The newest number this process knows of.
  std::uint64_t newest() const { return newest_; }

private:
  enum class state : std::uint8_t { down, up, refused };

  void add_waiting(range what);

  state state_ = state::down;
  std::uint64_t confirmed_ = 0;
  std::uint64_t newest_ = 0;
  // What the window begins after. Until the broker has said what it has: the newest at the time.
  std::uint64_t base_ = 0;
  bool is_base_known_ = false;
  // Still to leave: in order, and none touches the next.
  std::deque<range> waiting_;
  instant progress_at_{};
};

} // namespace troupe
