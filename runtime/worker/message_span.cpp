#include "runtime/worker/message_span.hpp"

#include "runtime/observe/span_names.hpp"
#include "runtime/supervision/breaker.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

using std::chrono::nanoseconds;

/// "orders.place", "order.placed", "settle charge".
std::string name_of_span(const item& what, const std::string& capability) {
  switch (what.what) {
  case item::kind::call:
    return fmt::format("{}.{}", capability, what.operation);
  case item::kind::event:
    return fmt::format("{} {}", capability, what.operation);
  default:
    return fmt::format("{} settles an effect", capability);
  }
}

observe::span_kind kind_of(const item& what) {
  switch (what.what) {
  case item::kind::call:
    return observe::span_kind::server;
  case item::kind::event:
    return observe::span_kind::consumer;
  default:
    return observe::span_kind::internal;
  }
}

/// Whether a span counts as failed, as a breaker counts: a refusal by the business is no failure.
bool counts_as_failed(errc code) {
  using supervision::call_result;
  return supervision::result_of(code).value_or(call_result::ok) != call_result::ok;
}

} // namespace

/// A message without a trace, or with one that cannot be read, begins one under its own id. Of an
/// event, each try of each subscriber begins it: no two spans have one number.
observe::span
message_spans::describe(const item& what, std::string_view trace, bool is_open) const {
  observe::span made;
  std::string_view state;
  if (const auto above = observe::read_trace(trace)) {
    made.trace = above->trace;
    made.parent = above->span;
    made.id = ring_.new_id();
    state = observe::fields_of(trace).tracestate;
  } else if (what.what == item::kind::event) {
    made.trace = what.id;
    made.id = ring_.new_id();
  } else {
    const observe::trace_context root = observe::root_of(what.id);
    made.trace = root.trace;
    made.id = is_open || what.attempt == 1 ? root.span : ring_.new_id();
    made.parent = made.id == root.span ? 0 : root.span;
  }
  made.kind = kind_of(what);
  made.set_name(name_of_span(what, group_.name()), state);
  made.note(observe::names::message_id, to_string(what.id));
  made.note(observe::names::capability, group_.name());
  if (what.attempt > 1) {
    made.note(observe::names::attempt, fmt::to_string(what.attempt));
  }
  if (what.what == item::kind::event) {
    made.note(observe::names::topic, what.operation);
    made.note(observe::names::position, fmt::to_string(what.token));
  }
  return made;
}

void message_spans::open(write& each, std::string_view trace) {
  each.span = std::make_unique<observe::open_span>();
  each.span->record = describe(*each.what, trace, true);
  const observe::span& record = each.span->record;
  each.span->record.start = group_.parts().time.now().time_since_epoch().count();
  each.span->context = observe::trace_text(
      {record.trace, record.id, true}, observe::read_trace(trace) ? trace : std::string_view{});
}

void message_spans::close(const write& each) {
  const item& what = *each.what;
  // A settlement without a span has no trace at hand; the tries of its effect have told of it.
  const bool is_message = is_call(what) || what.what == item::kind::event || each.span;
  const bool has_failed = each.threw || (each.failed && counts_as_failed(*each.failed));
  if (!is_message || (!each.span && !has_failed && each.took <= observe::slow_from)) {
    return;
  }
  observe::span record = each.span ? each.span->record : describe(what, what.trace, false);
  record.has_failed = record.has_failed || has_failed;
  record.note_or_count(observe::names::replica, fmt::to_string(each.replica));
  if (each.threw) {
    record.note_or_count(observe::names::error, *each.threw);
  } else if (each.failed) {
    record.note_or_count(observe::names::error, name_of(*each.failed));
  }
  finish(record, what, each.took);
  // A call that is refused and an event that failed are undone; the result of an effect is kept.
  const bool is_kept = !each.failed || (what.what == item::kind::effect_done && !each.is_put_off);
  if (each.span && !each.threw && is_kept) {
    add_published(*each.span);
  }
}

/// The events that a message has published, committed now: what handles them stands below.
void message_spans::add_published(const observe::open_span& by) {
  const auto now =
      std::chrono::duration_cast<nanoseconds>(group_.parts().time.wall().time_since_epoch());
  for (observe::span each : by.published) {
    each.note(observe::names::capability, group_.name());
    each.start = now.count();
    ring_.add(each);
  }
}

void message_spans::close_call(
    const item& what, const write* in, nanoseconds took, const error* why) {
  const bool has_failed = why != nullptr && counts_as_failed(why->code);
  if (why != nullptr && !has_failed && took <= observe::slow_from
      && !group_.sampling().takes(what.trace, what.id)) {
    return; // A refusal is no failure.
  }
  observe::span record =
      in != nullptr && in->span ? in->span->record : describe(what, what.trace, false);
  record.has_failed = has_failed;
  if (why != nullptr) {
    record.note_or_count(observe::names::error, name_of(why->code));
  }
  finish(record, what, took);
}

/// Sets the times of a span that ends now: a call's begins where it came in.
void message_spans::finish(observe::span& record, const item& what, nanoseconds took) {
  const instant now = group_.parts().time.now();
  instant began = now - took;
  if (is_call(what)) {
    began = what.taken;
    record.note_or_count(
        observe::names::handler_us,
        fmt::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  } else if (record.start != 0) {
    began = instant{nanoseconds{record.start}};
  }
  record.duration = (now - began).count();
  record.start =
      std::chrono::duration_cast<nanoseconds>(group_.parts().time.wall().time_since_epoch()).count()
      - record.duration;
  record.note_lost();
  ring_.add(record);
}

/// A saga begins with its id, and its span has a number that follows from the id: whoever ends it
/// has all that the span says.
void message_spans::end_saga(const saga::outgoing::ended& over) {
  const auto above = observe::read_trace(over.trace);
  if (!above) {
    return;
  }
  observe::span record;
  record.trace = above->trace;
  record.parent = above->span;
  record.id = observe::span_of_saga(over.saga);
  record.set_name(
      fmt::format("saga {}.{}", group_.name(), over.operation),
      observe::fields_of(over.trace).tracestate);
  record.note(observe::names::saga_id, to_string(over.saga));
  record.note(observe::names::capability, group_.name());
  record.note(observe::names::saga_end, over.is_compensated ? "compensated" : "completed");
  const auto now =
      std::chrono::duration_cast<nanoseconds>(group_.parts().time.wall().time_since_epoch());
  const auto born = std::chrono::duration_cast<nanoseconds>(over.saga.born().time_since_epoch());
  record.start = std::min(now, born).count();
  record.duration = now.count() - record.start;
  ring_.add(record);
}

} // namespace troupe
