#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/event_store.hpp"
#include "runtime/wire/message.hpp"

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace troupe {

namespace detail {

template <class Life, class Event>
concept applies = wire::message<Event> && requires(typename Life::state now, const Event& event) {
  // The name under which events are stored. It must stay when the C++ type is renamed.
  { Event::event_type } -> std::convertible_to<std::string_view>;
  { Life::apply(std::move(now), event) } -> std::same_as<typename Life::state>;
};

template <class Life, class Events>
inline constexpr bool applies_all = false;
template <class Life, class... Event>
inline constexpr bool applies_all<Life, std::variant<Event...>> = (applies<Life, Event> && ...);

error undecodable(const store::event_row& row, const std::string& why);

/// The last millisecond that a wall_time can hold, in the year 2262.
inline constexpr std::int64_t millis_max =
    std::numeric_limits<wall_time::rep>::max() / wall_time::period::den * 1'000;

/// `time` as the store keeps it.
inline wall_time whole_millis(wall_time time) {
  return std::chrono::floor<milliseconds>(time);
}

} // namespace detail

/// The life of an event-sourced object, such as an order or account: its state and events as types
/// and pure functions of the author, without a base class.
///
///     struct account_life {
///       using state = account;                     // Default: nothing has happened yet.
///       using event = std::variant<opened, moved>; // Each has an `event_type`.
///       static account apply(account now, const opened& event);
///       static account apply(account now, const moved& event);
///       static constexpr std::int64_t snapshot_every = 100; // Events; 0: never.
///       static constexpr std::int64_t snapshot_form = 1;    // Changes with `account`.
///     };
///
/// The state and each event have a TROUPE_MESSAGE line.
template <class Life>
concept life = wire::message<typename Life::state> && std::default_initializable<
    typename Life::state> && detail::applies_all<Life, typename Life::event> && requires {
  { Life::snapshot_every } -> std::convertible_to<std::int64_t>;
  { Life::snapshot_form } -> std::convertible_to<std::int64_t>;
};

/// The event of `row` as one of the alternatives of the variant `Events`.
/// @errors `internal` if it is none of them or does not decode, as when a newer program wrote it.
template <class Events>
outcome<Events> decode_event(const store::event_row& row) {
  outcome<Events> found =
      failure{detail::undecodable(row, "this program knows no event of that type")};
  const auto attempt = [&]<class Event>(std::in_place_type_t<Event>) {
    if (row.type != Event::event_type) {
      return false;
    }
    if (auto decoded = wire::checked_decode<Event>(row.body)) {
      found = std::move(*decoded);
    } else {
      found = failure{detail::undecodable(row, decoded.error().message)};
    }
    return true;
  };
  [&]<class... Event>(std::in_place_type_t<std::variant<Event...>>) {
    (void)(attempt(std::in_place_type<Event>) || ...);
  }(std::in_place_type<Events>);
  return found;
}

/// One event-sourced object: id, version and state. A value: `load` reads it, `record` adds
/// an event.
template <life Life>
class aggregate {
public:
  /// The place where `load` stops: after event `version`, or before the first event later than
  /// `time`.
  struct limit {
    std::int64_t version = store::event_store::newest;
    wall_time time = wall_time::max();
  };

  /// A new object, without events. A caller that expects this need not `load` first:
  /// `record` fails with `conflict` if the object exists.
  explicit aggregate(const uuid& id) : id_{id} {}

  /// Reads the newest snapshot of `id` that is not behind `until`, and applies the later events up
  /// to `until`. Version 0 if there are none.
  /// @errors of decode_event. Throws database_error as the store does.
  static outcome<aggregate>
  load(store::database& session, const uuid& id, const limit& until = {}) {
    store::event_store events{session};
    aggregate loaded{id};
    // Snapshots know their version but not their time.
    if (Life::snapshot_every > 0 && until.time == wall_time::max()) {
      loaded.start_from(events.find_snapshot(id, Life::snapshot_form, until.version));
    }
    outcome<void> read;
    events.read(id, loaded.version_ + 1, [&](const store::event_row& row) {
      if (row.version > until.version || row.at > until.time) {
        return false;
      }
      read = loaded.take(row);
      return read.has_value();
    });
    return read ? outcome<aggregate>{std::move(loaded)} : failure{std::move(read).error()};
  }

  const uuid& id() const { return id_; }

  std::int64_t version() const { return version_; }

  const typename Life::state& state() const { return state_; }

  /// The time of the last event; 1970 if the state came from a snapshot alone.
  wall_time changed_at() const { return changed_at_; }

  /// Appends `event`, applies it, and saves a snapshot if one is due.
  /// @errors `conflict` if the store has events of this object that were not loaded; nothing has
  /// changed then.
  template <class Event>
  outcome<void>
  record(store::database& session, const Event& event, const uuid& cause, wall_time now) {
    static_assert(
        std::constructible_from<typename Life::event, Event>, "not an event of this life");
    store::event_store events{session};
    body_.clear();
    // Of an object with an event that cannot be read, nothing could be read ever after.
    TROUPE_CHECK(wire::encode_readable(body_, event));
    const store::new_event added{Event::event_type, body_};
    TROUPE_TRY(const auto version, events.append(id_, version_, {&added, 1}, cause, now));
    apply(version, detail::whole_millis(now), event);
    if constexpr (Life::snapshot_every > 0) {
      if (version_ % Life::snapshot_every == 0) {
        events.save_snapshot(id_, version_, Life::snapshot_form, wire::encoded(state_));
      }
    }
    return {};
  }

private:
  void start_from(const std::optional<store::snapshot>& found) {
    if (!found) {
      return;
    }
    // An unreadable snapshot is skipped: the events contain everything.
    if (auto state = wire::checked_decode<typename Life::state>(found->body)) {
      state_ = std::move(*state);
      version_ = found->version;
    }
  }

  outcome<void> take(const store::event_row& row) {
    TROUPE_TRY(const auto& event, decode_event<typename Life::event>(row));
    std::visit([&](const auto& each) { apply(row.version, row.at, each); }, event);
    return {};
  }

  template <class Event>
  void apply(std::int64_t version, wall_time at, const Event& event) {
    state_ = Life::apply(std::move(state_), event);
    version_ = version;
    changed_at_ = at;
  }

  uuid id_;
  std::int64_t version_ = 0;
  wall_time changed_at_{};
  typename Life::state state_{};
  std::string body_;
};

} // namespace troupe
