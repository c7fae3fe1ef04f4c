#pragma once

#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/worker/call_intake.hpp"
#include "runtime/worker/saga_calls.hpp"
#include "runtime/worker/state_reports.hpp"
#include "runtime/worker/worker_groups.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// Calls to the node itself, `troupe.node.NAME`: `status`, `describe`, breakers, and matters that
/// wait for a person (runtime/wire/FORMAT.md section 12). Socket loop.
class node_calls {
public:
  node_calls(
      transport::peer_loop& loop,
      worker_parts& parts,
      worker_groups& groups,
      call_intake& calls,
      state_reports& reports,
      const saga_calls& sagas);

  /// The name the node is called by.
  const std::string& name() const { return name_; }

  void take(int link, const wire::header_view& header, std::string_view body, instant now);

private:
  void force_breaker(int link, const wire::header_view& header, std::string_view body, instant now);
  void pass_on(int link, const wire::header_view& header, std::string_view body, instant now);
  outcome<group*> find_group(std::string_view capability) const;
  void answer(int link, const uuid& id, std::string_view body);

  transport::peer_loop& loop_;
  worker_parts& parts_;
  worker_groups& groups_;
  call_intake& calls_;
  state_reports& reports_;
  const saga_calls& sagas_;
  const std::string name_;
};

} // namespace troupe
