#pragma once

#include "runtime/broker/journal/event.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/events.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace troupe::broker {

/// An event that was not handled in its turn: a row of the capability's database.
struct postponed_event {
  enum class state : std::uint8_t {
    /// For its back-off, for an earlier one of its key, or for room at the worker.
    waiting,
    /// Delivered again.
    with_worker,
    /// Too many workers died with it; a dead letter, unless the database says that it was handled.
    convicted,
    /// Its dead letter is on its way to the disk.
    burying,
  };

  std::uint32_t partition = 0;
  /// Null until the journal has been asked for it.
  event_ref what;
  /// As the worker said last.
  wire::postponed said;
  /// Of the worker that said so; empty if it was another, before.
  std::string node;
  state is = state::waiting;
  instant due{};
  instant first{};
};

/// The postponed events of one group, by position, and which of each key is the first.
///
/// Events without a key are in no order.
class postponed_events {
public:
  postponed_event* find(std::uint64_t position);
  postponed_event& add(std::uint64_t position, std::uint32_t partition);
  void give_body(std::uint64_t position, postponed_event& to, const event_ref& what);
  /// @return the position of the one that is first of its key now; 0 if there is none.
  std::uint64_t remove(std::uint64_t position);
  bool is_first_of_key(std::uint64_t position, const postponed_event& which) const;

  const std::map<std::uint64_t, postponed_event>& all() const { return all_; }

  /// Those that have their body.
  std::size_t held() const { return held_; }

  std::size_t bytes() const { return bytes_; }

private:
  std::map<std::uint64_t, postponed_event> all_;
  std::map<std::string, std::set<std::uint64_t>, std::less<>> of_key_;
  std::size_t held_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace troupe::broker
