#pragma once

#include "runtime/worker/group.hpp"
#include "runtime/worker/runner_store.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Which events without a handler here another process over the same database has one for: one of
/// another release, in a rolling change. Such an event is not passed over, but waits until its
/// partition is there.
///
/// Confined to the runner's thread; borrows everything.
class other_handlers {
public:
  /// @param store null if the capability has none: then nobody else is known.
  other_handlers(group& of, runner_store* store) : group_{of}, store_{store} {}

  /// Whether another process handles the topic; the log has it once for each.
  bool handle(std::string_view topic);

  /// A turn is over: others may have come or gone.
  void look_again() { patterns_.reset(); }

private:
  group& group_;
  runner_store* store_;
  std::optional<std::vector<std::string>> patterns_; // As of the turn.
  std::set<std::string, std::less<>> told_;
};

} // namespace troupe
