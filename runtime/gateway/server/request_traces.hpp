#pragma once

#include "runtime/clock.hpp"
#include "runtime/http/request.hpp"
#include "runtime/http/responder.hpp"
#include "runtime/observe/span_ring.hpp"
#include "runtime/observe/trace_context.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::gateway {

/// The place of a request over HTTP in its trace, from its arrival to its answer.
struct traced_request {
  /// The trace as it came, or as it begins here; empty if there is none.
  std::string text;
  uuid trace{};
  /// 0 if there is no trace.
  std::uint64_t parent = 0;
  std::uint64_t span = 0;
  bool is_recorded = false;
  instant began{};
  http::method method = http::method::get;
  /// Without the query, which may contain secrets.
  std::string path{};

  /// The trace of what happens below the request.
  std::string below() const;
};

/// The end of a request, for its span.
struct request_end {
  /// The names of the span: "GET /api/users/{user_id}", and the route's template alone.
  std::string_view name;
  std::string_view route;
  int status = 0;
  /// A word for what went wrong; empty if nothing did.
  std::string_view error{};
  observe::span_kind kind = observe::span_kind::server;
  /// The id of the message made from a request, which names its trace if it brought none.
  uuid message{};
  std::vector<std::pair<std::string_view, std::string_view>> notes{};
};

/// The traces of a gateway's requests, both received ones and those that begin here, and their
/// spans.
///
/// A request that fails (a status of 500 and more), or takes longer than `observe::slow_from`, has
/// a span although its trace is not recorded. Any thread; borrows the clock and the ring, and
/// nothing else may write into the ring.
class request_traces {
public:
  request_traces(const clock& time, observe::span_ring& ring) : time_{time}, ring_{ring} {}

  /// The place of a request that has just come in.
  /// @param is_trusted whether it may ask for its trace to be recorded (`brought_trace`).
  traced_request
  begin(const http::request& asked, bool is_trusted, const observe::sampling& sampling);

  /// A request that is sent on behalf of `above`: below it, in the same trace.
  traced_request begin_below(const traced_request& above);

  /// Writes the span of a request that is answered, if it has one.
  void end(const traced_request& which, const request_end& how);

  /// Adds `traceresponse` to the answer, so that the client can name the trace.
  /// @source W3C Trace Context level 2 (draft of 2021), "Traceresponse Header".
  static http::responder telling(http::responder to, const traced_request& which);

private:
  std::uint64_t new_id();
  uuid new_trace_id();
  std::string new_trace(const observe::sampling& sampling);

  const clock& time_;
  std::mutex mutex_; // Guards `ring_`.
  observe::span_ring& ring_;
};

/// Puts `text`, a trace or nothing, in the place of the trace that the fields of a request have.
void set_trace(http::request& to, std::string_view text);

} // namespace troupe::gateway
