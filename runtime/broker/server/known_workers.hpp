#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/wire/login.hpp"

#include <map>

namespace troupe::broker {

/// What each worker that is logged in last said it serves: for an event service that begins in the
/// middle of its login. Pure; belongs to the switchboard.
class known_workers {
public:
  void joined(login_id whom, const wire::hello& what);
  void said(login_id whom, const wire::state& what);

  void left(login_id whom) { workers_.erase(whom); }

  /// As if each of them logged in now: node, incarnation and what it serves.
  const std::map<login_id, wire::hello>& all() const { return workers_; }

private:
  std::map<login_id, wire::hello> workers_;
};

} // namespace troupe::broker
