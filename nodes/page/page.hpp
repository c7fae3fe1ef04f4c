#pragma once

#include "nodes/gateway_features.hpp"
#include "nodes/page/page_desk.hpp"
#include "nodes/page/state_reader.hpp"
#include "runtime/clock.hpp"
#include "runtime/gateway/server/gateway.hpp"
#include "runtime/gateway/server/token_audit.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/security/checked_tokens.hpp"
#include "runtime/security/key_ring.hpp"
#include "topology/plan.hpp"

#include <memory>

namespace troupe {

/// The page of a system, at /ui of a gateway: its files, and what they ask.
///
/// Made before the gateway is started, and ends before it does.
class page {
public:
  /// Gives `to` the routes of the page; null if the topology says that there is none.
  /// @param keys of the gateway; null if links have none. @param tokens is there if the page is for
  /// operators. @param refusals takes those that are not accepted, `log` each order. @param
  /// features of the gateway; null if it has none. All that is borrowed outlives this.
  static std::unique_ptr<page>
  add(gateway::gateway& to,
      const topology::plan& plan,
      const topology::gateway_plan& self,
      std::shared_ptr<const security::key_ring> keys,
      security::checked_tokens* tokens,
      gateway::token_audit& refusals,
      observe::event_log& log,
      const gateway_features* features,
      const clock& time);

  page(
      const topology::plan& plan,
      const topology::gateway_plan& self,
      std::shared_ptr<const security::key_ring> keys,
      const gateway_features* features,
      const clock& time);

private:
  state_reader reader_;
  /// Last, as its thread uses the other.
  page_desk desk_;
};

} // namespace troupe
