#include "runtime/gateway/server/brought_trace.hpp"

namespace troupe::gateway {

std::string
brought_trace(const http::request& asked, bool is_trusted, const observe::sampling& by) {
  // Repeated fields are ignored (W3C Trace Context, 3.2.2).
  std::string text = observe::trace_text(
      asked.repeats("traceparent") ? "" : asked.field("traceparent").value_or(""),
      asked.listed("tracestate"));
  auto above = observe::read_trace(text);
  if (is_trusted || !above) {
    return text;
  }
  above->is_recorded = by.takes(above->trace);
  return observe::trace_text(*above, text);
}

} // namespace troupe::gateway
