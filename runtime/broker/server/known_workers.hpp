#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/wire/login.hpp"

#include <map>

namespace troupe::broker {

/// The services that each logged-in worker last reported, for an event service that starts during
/// its login. Pure; belongs to the switchboard.
class known_workers {
public:
  void joined(login_id whom, const wire::hello& what);
  void said(login_id whom, const wire::state& what);

  void left(login_id whom) { workers_.erase(whom); }

  /// Calls back for each worker as if it logged in now: node, incarnation and services.
  const std::map<login_id, wire::hello>& all() const { return workers_; }

private:
  std::map<login_id, wire::hello> workers_;
};

} // namespace troupe::broker
