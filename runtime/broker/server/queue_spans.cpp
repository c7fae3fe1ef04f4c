#include "runtime/broker/server/queue_spans.hpp"

#include "runtime/observe/span_names.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

// A page that is left open asks each node again and again, and is refused while a capability is
// down: its questions would fill the ring, and a collector, beside the failures that count.
constexpr std::string_view questions_to_nodes = "troupe.node.";

} // namespace

void queue_spans::add(const call& sent, instant now) {
  add("queue", sent.id, sent.header(), now - sent.arrived, nullptr);
}

void queue_spans::add(const failed_call& ended, instant now) {
  add("call", ended.id, ended.header, now - ended.arrived, &ended.why);
}

void queue_spans::add(
    std::string_view what,
    const uuid& id,
    std::string_view header,
    instant::duration took,
    const errc* why) {
  const auto read = wire::scan_header(header);
  if (!read) {
    return; // The header was scanned when it came in.
  }
  const auto above = observe::read_trace(read->traceparent).value_or(observe::root_of(id));
  if (why != nullptr && !observe::says_recorded(read->traceparent)
      && read->to.starts_with(questions_to_nodes)) {
    return;
  }
  observe::span made;
  made.trace = above.trace;
  made.parent = above.span;
  made.id = ring_.new_id();
  made.duration = std::max<instant::duration>(took, {}).count();
  made.start =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time_.wall().time_since_epoch()).count()
      - made.duration;
  made.set_name(
      fmt::format("{} {}", what, read->to), observe::fields_of(read->traceparent).tracestate);
  made.note(observe::names::capability, read->to);
  made.note(observe::names::operation, read->op);
  made.note(observe::names::message_id, to_string(id));
  if (why != nullptr) {
    made.has_failed = true;
    made.note(observe::names::error, name_of(*why));
  }
  ring_.add(made);
}

} // namespace troupe::broker
