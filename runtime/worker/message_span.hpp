#pragma once

#include "runtime/observe/span_ring.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/saga/coordinators.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/write.hpp"

#include <string_view>

namespace troupe {

/// The spans of a runner's messages. Confined to the runner's thread.
///
/// An unrecorded message costs one test at its beginning, and one at its end. Failures that count
/// against a breaker, and messages that took more than `observe::slow_from`, are recorded in any
/// case.
class message_spans {
public:
  message_spans(group& of, observe::span_ring& ring) : group_{of}, ring_{ring} {}

  /// Begins the span of a message whose handler is about to be called.
  /// @param trace of the message; for an effect's result, that of the message that asked for the
  /// effect.
  void begin(write& each, std::string_view trace) {
    if (group_.sampling().takes(trace, each.what->id)) {
      open(each, trace);
    }
  }

  /// A message is settled.
  void end(const write& each) {
    if (observe::has_spans
        && (each.span || each.failed || each.threw || each.took > observe::slow_from)) {
      close(each);
    }
  }

  /// A call that ran outside turns is answered.
  /// @param why null if it succeeded.
  void
  end_call(const item& what, const write* in, std::chrono::nanoseconds took, const error* why) {
    if (observe::has_spans
        && (group_.sampling().takes(what.trace, what.id) || why != nullptr
            || took > observe::slow_from)) {
      close_call(what, in, took, why);
    }
  }

  /// A recorded saga has ended.
  void end_saga(const saga::outgoing::ended& over);

private:
  void open(write& each, std::string_view trace);
  void close(const write& each);
  void
  close_call(const item& what, const write* in, std::chrono::nanoseconds took, const error* why);
  observe::span describe(const item& what, std::string_view trace, bool is_open) const;
  void add_published(const observe::open_span& by);
  void finish(observe::span& record, const item& what, std::chrono::nanoseconds took);

  group& group_;
  observe::span_ring& ring_;
};

} // namespace troupe
