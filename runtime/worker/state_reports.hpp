#pragma once

#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/worker/worker_groups.hpp"

#include <string>

namespace troupe {

/// Reports the state of the groups to the brokers (STATE), whenever it has changed. Socket loop.
class state_reports {
public:
  state_reports(transport::peer_loop& loop, worker_groups& groups) : loop_{loop}, groups_{groups} {}

  void tell(const group& changed, instant now);
  void tell_all(instant now);
  /// Reports to one broker.
  void tell_all(int link, instant now);

  /// Makes each report from now on say that the worker is being drained.
  void set_draining() { draining_ = true; }

  bool is_draining() const { return draining_; }

private:
  void send(int link, const std::string& state);

  transport::peer_loop& loop_;
  worker_groups& groups_;
  bool draining_ = false;
};

} // namespace troupe
