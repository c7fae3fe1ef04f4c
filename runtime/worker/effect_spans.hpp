#pragma once

#include "runtime/observe/span_ring.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/worker/group.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace troupe {

/// The spans of a group's attempts of effects. Under the mutex of their pool.
class effect_spans {
public:
  explicit effect_spans(group& of) : group_{of}, ring_{of.parts().spans.add()} {}

  /// The span of an attempt, if its trace is recorded.
  std::unique_ptr<observe::open_span> begin(const store::effect_row& row);

  struct tried {
    const store::effect_row& row;
    int attempt;
    /// The span that `begin` gave.
    const observe::open_span* begun;
  };

  /// Records an attempt. If the trace is not recorded, only an attempt that failed for a technical
  /// reason or was slow has a span.
  void end(const tried& which, const outcome<std::string>& result, std::chrono::nanoseconds took);

private:
  group& group_;
  observe::span_ring& ring_;
};

} // namespace troupe
