#include "runtime/actor/turn.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/actor/turn_requests.hpp"
#include "runtime/observe/span.hpp"
#include "runtime/observe/span_names.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/store/turn/timers.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/departure.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

/// A fault of the program, not of the message: a fixed program can handle it.
error asked_twice(std::string_view name) {
  return {
      .code = errc::internal,
      .message = fmt::format(
          "the handler asks for the effect `{}` twice, and the outside would take both for one, as "
          "they had one key; the turn's writes are undone. Ask once, with all that is to be done "
          "in "
          "the request; or declare an effect of another name; or publish an event for each",
          name),
      .details = {{"reason", "effect_twice"}}};
}

} // namespace

const char* no_store::what() const noexcept {
  return "the handler wants a database and the topology says `store: none`: give the capability a "
         "store, then try again";
}

error no_store::to_error() const {
  error refused = rejected("no_store", what());
  refused.possible = effect::unknown;
  return refused;
}

store::database& turn::database() {
  if (database_ == nullptr) {
    throw no_store{};
  }
  return *database_;
}

void turn::note(std::string_view key, std::string_view value) {
  if (recorded_ != nullptr) {
    const bool is_own = key.starts_with(observe::names::own);
    recorded_->record.note_or_count(is_own ? std::string_view{} : key, value);
  }
}

pending turn::add_effect(std::string_view name, std::string request) {
  check({.what = "the effect", .name = name, .body_bytes = request.size()});
  if (auto may = by_.may_ask_for(name); !may) {
    throw cannot_leave{std::move(may).error()};
  }
  const uuid key = derived_id(named_after_, name);
  // The effects that this handler asked for are the last ones.
  for (auto it = requests_.effects.rbegin(); it != requests_.effects.rend() && it->call == id_;
       ++it) {
    if (it->key == key) {
      throw cannot_leave{asked_twice(name)};
    }
  }
  store::effect_row row{key, id_, std::string{name}, std::move(request), {}, std::string{trace_}};
  store::effects{database()}.add(row, writer_);
  requests_.effects.push_back(std::move(row));
  return {key};
}

void turn::add_event(
    std::string_view topic,
    std::string_view key,
    std::string body,
    const wire::message_shape& type) {
  const uuid id = next_event_id(topic, key, body, type);
  requests_.publish(
      database(),
      {0, id, std::string{topic}, std::string{key}, std::move(body), trace_of_event(id, topic)});
}

/// The trace of an event that is published: below a span of its own, if the message's is recorded.
std::string turn::trace_of_event(const uuid& id, std::string_view topic) {
  if (recorded_ == nullptr) {
    return std::string{trace_};
  }
  observe::span made;
  made.trace = recorded_->record.trace;
  made.parent = recorded_->record.id;
  made.id = observe::root_of(id).span;
  made.kind = observe::span_kind::producer;
  made.set_name(fmt::format("publish {}", topic), observe::fields_of(trace_).tracestate);
  made.note(observe::names::message_id, to_string(id));
  made.note(observe::names::topic, topic);
  recorded_->published.push_back(made);
  return observe::trace_text({made.trace, made.id, true}, trace_);
}

void turn::add_timer(
    wall_time due,
    std::string_view topic,
    std::string_view key,
    std::string_view body,
    const wire::message_shape& type) {
  const uuid id = next_event_id(topic, key, body, type);
  store::timers{database()}.add(id, due, topic, key, body, trace_);
  requests_.next_timer = std::min(requests_.next_timer, due);
}

/// The time `delay` from now. A sum that no clock can tell would be in the past.
wall_time turn::in(milliseconds delay) const {
  const milliseconds now{unix_millis(now_)};
  return time_since_1970(
      delay > milliseconds::max() - now ? milliseconds::max() : now + std::max(delay, -now));
}

/// Throws cannot_leave.
void turn::check(const wire::departure& made) const {
  if (auto fits = wire::check_departure(made, requests_.event_bytes_max); !fits) {
    throw cannot_leave{std::move(fits).error()};
  }
}

/// Refuses an event that no broker would take, as in the outbox it would block all later ones, and
/// one that the actor has not declared.
uuid turn::next_event_id(
    std::string_view topic,
    std::string_view key,
    std::string_view body,
    const wire::message_shape& type) {
  check({.what = "an event", .topic = topic, .key = key, .body_bytes = body.size()});
  if (auto declared = by_.may_publish(topic, type); !declared) {
    throw cannot_leave{std::move(declared).error()};
  }
  return derived_id(named_after_, fmt::format("{}#{}", topic, ++events_));
}

} // namespace troupe
