#pragma once

#include "runtime/wire/login.hpp"
#include "runtime/worker/worker_groups.hpp"

#include <map>
#include <string_view>

namespace troupe {

/// Asks the writers, a few times per second, to look after their stores, and tells them which
/// workers are alive. Socket loop.
///
/// Asks nothing unless the brokers list this worker itself: without a broker to say which workers
/// are alive, no process is given up.
class housekeeper {
public:
  housekeeper(worker_groups& groups, const uuid& self) : groups_{groups}, self_{self} {}

  /// ROSTER: the live workers according to the broker of `link`.
  void take_roster(int link, std::string_view body);

  /// Drops the roster of a broker whose link was lost.
  void lost(int link) { rosters_.erase(link); }

  bool has_roster() const { return !rosters_.empty(); }

  void ask_if_due(instant now);

private:
  worker_groups& groups_;
  const uuid self_;
  std::map<int, wire::roster> rosters_; // The rosters, by link.
  instant asked_at_{};
};

} // namespace troupe
