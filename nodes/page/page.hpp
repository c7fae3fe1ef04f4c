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

/// The page of a system, at /ui of a gateway: its files, and the routes that they use.
///
/// Created before the gateway is started, and destroyed before it.
class page {
public:
  /// Adds the routes of the page to `to`; null if the topology has no page.
  /// @param keys of the gateway; null if links have none.
  /// @param tokens set if the page is for operators.
  /// @param refusals counts tokens that are not accepted; `log` receives each order.
  /// @param features of the gateway; null if it has none. Borrowed arguments outlive this.
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
  /// The last member, as its thread uses the others.
  page_desk desk_;
};

} // namespace troupe
