#pragma once

#include "runtime/worker/group.hpp"
#include "runtime/worker/runner_store.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Finds events without a handler here for which another process over the same database has one:
/// one of another release, in a rolling upgrade. Such an event is not skipped, but waits until that
/// process has its partition. An event also waits while the process that has a handler is down, if
/// it was started later than this one: it is of the newer release, and restarts.
///
/// Confined to the runner's thread; borrows everything.
class other_handlers {
public:
  /// @param store null if the capability has none: then no other process is known.
  other_handlers(group& of, runner_store* store) : group_{of}, store_{store} {}

  /// Whether the topic waits for another process; logged once per topic.
  bool handle(std::string_view topic);

  /// A turn has ended: other processes may have started or ended.
  void look_again() { patterns_.reset(); }

private:
  group& group_;
  runner_store* store_;
  std::optional<std::vector<std::string>> patterns_; // As of the turn.
  std::set<std::string, std::less<>> told_;
};

} // namespace troupe
