#pragma once

#include "runtime/actor/handlers.hpp"
#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"
#include "runtime/wire/schema.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

namespace wire {
struct departure;
}

namespace observe {
struct open_span;
}

class actor;
struct turn_requests;

/// A handler's view of the transaction in which it works, and of the message that it handles.
///
/// Everything written through a turn is kept or undone together with the inbox row of the message.
/// A turn lives for one handler call.
class turn {
public:
  /// @param by the actor whose handler works in it; like `requests`, it outlives the turn.
  turn(
      const actor& by,
      store::database* database,
      std::int64_t writer,
      const uuid& id,
      std::string_view key,
      wall_time now,
      turn_requests& requests)
      : by_{by}, database_{database}, writer_{writer}, id_{id},
        named_after_{id}, key_{key}, now_{now}, requests_{requests} {}

  /// The capability's database, for statements and savepoints; usable only while the handler runs
  /// and on its thread. A savepoint that is undone takes along the effects and events that were
  /// asked for since. A handler that calls begin(), commit(), rollback() or reconnect(), that
  /// leaves a savepoint open or lets another thread use the database, counts as having thrown
  /// (store/lent_session.hpp). Throws no_store if the topology says `store: none`.
  store::database& database();

  /// The id of the call or event, the same for every repeat.
  const uuid& id() const { return id_; }

  /// The ordering key that the caller gave; may be empty.
  std::string_view key() const { return key_; }

  /// The time at which the turn began.
  wall_time now() const { return now_; }

  /// The trace context of the handler: a W3C `traceparent`, followed by a blank and the
  /// `tracestate`, if there is one; empty if the message has no trace. Events and effects of the
  /// turn carry it by themselves; pass it on in calls to the outside (observe/trace_context.hpp).
  std::string_view span() const { return trace_; }

  /// Adds a note to the span of this message, such as `order.items`, `12`. Does nothing if the
  /// trace is not recorded. The key is cut at 40 bytes, the value at 160. Notes beyond the 320
  /// bytes of a span, or not in UTF-8, are left out, and the span says how many were.
  void note(std::string_view key, std::string_view value);

  /// The number under which this process writes to the database (store/turn/writers.hpp).
  std::int64_t writer() const { return writer_; }

  /// Asks for the effect `name`, at most once in a turn. The effect runs after the commit. If its
  /// `settle` is to answer the call, return the `pending` from the handler; nobody waits for others
  /// that the handler asked for. A `settle` may ask for effects, too, also for one of its own name
  /// (the next instalment); nobody waits for those.
  ///
  /// Throws no_store. Throws cannot_leave if the request exceeds the topology's `limits.body`, if
  /// the handler has asked for that effect already, or if the actor has not declared it.
  template <wire::message Request>
  pending effect(std::string_view name, const Request& request) {
    return add_effect(name, body_of(request));
  }

  /// Publishes an event, which is sent after the commit, in the order of commits.
  ///
  /// Throws cannot_leave if `topic` is no topic (wire::is_topic), `key` is not UTF-8 or has more
  /// than 256 bytes, the event exceeds the topology's `limits.body` (1 MiB by default), or the
  /// actor has not declared `Event` under `topic` (`actor::publishes`). Throws no_store, since an
  /// event outside a transaction could be lost.
  template <wire::message Event>
  void publish(std::string_view topic, const Event& event, std::string_view key = {}) {
    add_event(topic, key, body_of(event), wire::message_shape_of<Event>());
  }

  /// Publishes an event at `due`, to within some 10 ms, or as soon after that as a process of the
  /// capability runs. Throws as `publish` does.
  template <wire::message Event>
  void
  publish_at(wall_time due, std::string_view topic, const Event& event, std::string_view key = {}) {
    add_timer(due, topic, key, body_of(event), wire::message_shape_of<Event>());
  }

  /// Publishes an event `delay` after `now()`, in the year 2261 at the latest.
  /// Throws as `publish` does.
  template <wire::message Event>
  void publish_after(
      milliseconds delay, std::string_view topic, const Event& event, std::string_view key = {}) {
    add_timer(in(delay), topic, key, body_of(event), wire::message_shape_of<Event>());
  }

  /// For the runtime: derives the ids of events and the keys of effects from `id` instead of the
  /// call's id, so that they differ from those of an earlier turn of the same call.
  void name_after(const uuid& id) { named_after_ = id; }

  /// For the runtime: sets the trace of the message, and its span if that is recorded. Borrowed.
  void in_trace(std::string_view trace, observe::open_span* recorded) {
    trace_ = trace;
    recorded_ = recorded;
  }

private:
  /// Throws cannot_leave if nobody could read it.
  template <wire::message Message>
  static std::string body_of(const Message& made) {
    auto body = wire::encoded_readable(made);
    if (!body) {
      throw cannot_leave{std::move(body).error()};
    }
    return std::move(*body);
  }

  pending add_effect(std::string_view name, std::string request);
  void add_event(
      std::string_view topic,
      std::string_view key,
      std::string body,
      const wire::message_shape& type);
  void add_timer(
      wall_time due,
      std::string_view topic,
      std::string_view key,
      std::string_view body,
      const wire::message_shape& type);
  std::string trace_of_event(const uuid& id, std::string_view topic);
  void check(const wire::departure& made) const;
  uuid next_event_id(
      std::string_view topic,
      std::string_view key,
      std::string_view body,
      const wire::message_shape& type);
  wall_time in(milliseconds delay) const;

  const actor& by_;
  store::database* database_;
  std::int64_t writer_;
  uuid id_;
  uuid named_after_;
  std::string_view key_;
  wall_time now_;
  turn_requests& requests_;
  std::string_view trace_;
  observe::open_span* recorded_ = nullptr;
  int events_ = 0;
};

} // namespace troupe
