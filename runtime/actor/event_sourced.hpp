#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/actor/aggregate.hpp"
#include "runtime/actor/history.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// The place of an event, for a projection.
struct event_place {
  uuid id;
  std::int64_t version = 0;
  wall_time at{};
};

namespace detail {

template <class Projection, class Event>
concept projects = requires(
    const Projection& projection,
    store::database& session,
    const event_place& place,
    const Event& event) {
  projection.project(session, place, event);
};

template <class Projection, class Events>
inline constexpr bool projects_all = false;
template <class Projection, class... Event>
inline constexpr bool
    projects_all<Projection, std::variant<Event...>> = (projects<Projection, Event> && ...);

} // namespace detail

/// Tables for queries, derived from events. `project` applies an event to them, `clear`
/// deletes the rows of the ids in (after, upto].
///
///     void project(store::database&, const event_place&, const opened&) const;
///     void project(store::database&, const event_place&, const moved&) const;
///     void clear(store::database&, const uuid& after, const uuid& upto) const;
///
/// An event may change only rows of its own id, since `rebuild` rebuilds them id by id.
template <class Projection, class Life>
concept projection_of = detail::projects_all<Projection, typename Life::event> && requires(
    const Projection& projection, store::database& session, const uuid& id) {
  projection.clear(session, id, id);
};

/// The base of an event-sourced actor: its objects are derived from events (aggregate.hpp), and its
/// query tables are updated from the events in the same turn.
///
/// It answers `history`, `at` and `rebuild` (history.hpp) besides its author's operations.
/// `type_of` adds the tables of the events.
template <life Life, projection_of<Life> Projection>
class event_sourced : public actor {
public:
  using life_type = Life;

protected:
  using thing = aggregate<Life>;

  explicit event_sourced(Projection projection) : projection_{std::move(projection)} {
    query("history", [](const get_history& request, store::database& session) {
      return read_history(request, session);
    });
    query("at", [](const get_past_state& request, store::database& session) {
      return read_past(request, session);
    });
    command("rebuild", [this](const rebuild_projection& request, turn& turn) {
      return rebuild(request, turn);
    });
  }

  /// @errors of aggregate::load.
  static outcome<thing> load(turn& turn, const uuid& id) {
    return thing::load(turn.database(), id);
  }

  /// Appends `event` to the events of `it`, applies it, and projects it.
  /// @errors of aggregate::record; nothing has changed then.
  template <class Event>
  outcome<void> record(turn& turn, thing& it, const Event& event) const {
    auto recorded = it.record(turn.database(), event, turn.id(), turn.now());
    if (recorded) {
      projection_.project(turn.database(), {it.id(), it.version(), it.changed_at()}, event);
    }
    return recorded;
  }

private:
  static constexpr std::int64_t slice_events_max = 50'000;
  static constexpr std::size_t slice_bytes_max = std::size_t{16} << 20U;

  static outcome<past_state> read_past(const get_past_state& request, store::database& session) {
    if (request.version && request.at) {
      return failure{invalid("version and at: one of the two is wanted")};
    }
    typename thing::limit until;
    until.version = request.version.value_or(until.version);
    if (request.at) {
      until.time =
          wall_time{milliseconds{std::clamp<std::int64_t>(*request.at, 0, detail::millis_max)}};
    }
    TROUPE_TRY(const auto found, thing::load(session, request.id, until));
    if (found.version() == 0) {
      return failure{no_history(request.id)};
    }
    return past_state{request.id, found.version(), {wire::encoded(found.state())}};
  }

  outcome<projection_rebuilt> rebuild(const rebuild_projection& request, turn& turn) const {
    const std::int64_t count = request.events.value_or(slice_events_max);
    if (count < 1 || count > slice_events_max) {
      return failure{invalid("events: 1 to 50000 are wanted")};
    }
    const uuid after = request.after.value_or(uuid{});
    store::event_store events{turn.database()};
    projection_rebuilt done{.next = events.stream_after(after, count)};
    uuid upto;
    upto.bytes.fill(std::byte{0xff});
    upto = done.next.value_or(upto);
    TROUPE_TRY(auto slice, read_slice(events, after, upto, done));
    upto = done.next.value_or(upto);
    projection_.clear(turn.database(), after, upto);
    for (const auto& [place, event] : slice) {
      std::visit(
          [&, &where = place](const auto& each) {
            projection_.project(turn.database(), where, each);
          },
          event);
    }
    return done;
  }

  using typed_events = std::vector<std::pair<event_place, typename Life::event>>;

  /// Reads the events up to those of `upto`, or until their bodies are many bytes: then `done` says
  /// which is the last object.
  static outcome<typed_events> read_slice(
      store::event_store& events, const uuid& after, const uuid& upto, projection_rebuilt& done) {
    typed_events found;
    outcome<void> read;
    std::size_t bytes = 0;
    events.read_streams(after, [&](const store::event_row& row) {
      if (row.stream > upto) {
        return false;
      }
      if (row.version == 1 && bytes > slice_bytes_max) {
        done.next = found.back().first.id;
        return false;
      }
      bytes += row.body.size();
      auto event = decode_event<typename Life::event>(row);
      if (!event) {
        read = failure{std::move(event).error()};
        return false;
      }
      ++done.events;
      done.things += row.version == 1 ? 1 : 0;
      found.emplace_back(event_place{row.stream, row.version, row.at}, std::move(*event));
      return true;
    });
    return read ? outcome<typed_events>{std::move(found)} : failure{std::move(read).error()};
  }

  Projection projection_;
};

} // namespace troupe
