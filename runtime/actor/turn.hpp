#pragma once

#include "runtime/actor/handlers.hpp"
#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

struct turn_requests;

/// The transaction a handler works in, and the message it works on.
///
/// Everything written through it is kept or undone together with the message's inbox row. Lives for
/// one handler call.
class turn {
public:
  turn(
      store::database* database,
      std::int64_t writer,
      const uuid& id,
      std::string_view key,
      wall_time now,
      turn_requests& requests)
      : database_{database}, writer_{writer}, id_{id},
        events_from_{id}, key_{key}, now_{now}, requests_{requests} {}

  /// The capability's database. Throws no_store if the topology gives it none.
  store::database& database();

  /// The id of the call: the same for every repeat.
  const uuid& id() const { return id_; }

  /// The ordering key the caller gave; may be empty.
  std::string_view key() const { return key_; }

  /// When the turn began.
  wall_time now() const { return now_; }

  /// The number under which this process writes the database (store/writers.hpp).
  std::int64_t writer() const { return writer_; }

  /// Asks for an effect; it runs once the turn is committed, and its `settle` answers the call.
  /// Return what this returns. One per command.
  template <wire::message Request>
  pending effect(std::string_view name, const Request& request) {
    return add_effect(name, wire::encoded(request));
  }

  /// Publishes an event: it leaves after the commit, in the order of commits.
  ///
  /// Throws std::invalid_argument if the topic is none (wire::is_topic), or key or event are larger
  /// than what travels (wire/limits.hpp, the topology's `limits.body`); no_store as `database`
  /// does, since an event that is in no transaction could be lost.
  template <wire::message Event>
  void publish(std::string_view topic, const Event& event, std::string_view key = {}) {
    add_event(topic, key, wire::encoded(event));
  }

  /// Publishes an event at `due`, to some 10 ms, or as soon after it as a process of the capability
  /// runs.
  template <wire::message Event>
  void
  publish_at(wall_time due, std::string_view topic, const Event& event, std::string_view key = {}) {
    add_timer(due, topic, key, wire::encoded(event));
  }

  /// Publishes an event so long after this turn began.
  template <wire::message Event>
  void publish_after(
      milliseconds delay, std::string_view topic, const Event& event, std::string_view key = {}) {
    add_timer(now_ + delay, topic, key, wire::encoded(event));
  }

  /// For the runtime: ids of events follow from this one instead of the call's, since they have to
  /// differ from those of an earlier turn of the same call.
  void name_events_after(const uuid& id) { events_from_ = id; }

private:
  pending add_effect(std::string_view name, std::string request);
  void add_event(std::string_view topic, std::string_view key, std::string body);
  void
  add_timer(wall_time due, std::string_view topic, std::string_view key, std::string_view body);
  uuid next_event_id(std::string_view topic, std::string_view key, std::string_view body);

  store::database* database_;
  std::int64_t writer_;
  uuid id_;
  uuid events_from_;
  std::string_view key_;
  wall_time now_;
  turn_requests& requests_;
  int events_ = 0;
};

} // namespace troupe
