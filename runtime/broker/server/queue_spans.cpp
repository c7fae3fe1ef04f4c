#include "runtime/broker/server/queue_spans.hpp"

#include "runtime/observe/span_names.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

void queue_spans::add(const call& sent, instant now) {
  const auto header = wire::scan_header(sent.header());
  if (!header) {
    return; // The header was scanned when it came in.
  }
  const auto above = observe::read_trace(header->traceparent).value_or(observe::root_of(sent.id));
  observe::span made;
  made.trace = above.trace;
  made.parent = above.span;
  made.id = ring_.new_id();
  made.duration = std::max<instant::duration>(now - sent.arrived, {}).count();
  made.start =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time_.wall().time_since_epoch()).count()
      - made.duration;
  made.set_name(fmt::format("queue {}", header->to));
  made.note(observe::names::capability, header->to);
  made.note(observe::names::operation, sent.op());
  made.note(observe::names::message_id, to_string(sent.id));
  ring_.add(made);
}

} // namespace troupe::broker
