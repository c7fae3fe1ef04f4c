#pragma once

#include "runtime/client/client.hpp"
#include "runtime/gateway/server/request_traces.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/observe/metrics_text.hpp"
#include "runtime/outcome.hpp"
#include "runtime/security/key_ring.hpp"
#include "runtime/strangler/comparison_desk.hpp"
#include "runtime/strangler/feature.hpp"
#include "runtime/strangler/flag_follower.hpp"
#include "runtime/strangler/legacy_client.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What a gateway's routes between legacy systems and capabilities share: flags, the client of the
/// legacy systems, comparison.
///
/// Outlives the gateway and its answers. Owns a client of the brokers and three threads.
class gateway_features {
public:
  /// @return null if no route of `self` needs any.
  /// @errors of `client::open` and `legacy_client::start`.
  /// @param keys of the gateway; null if links have none.
  /// @param traces of requests that legacy systems answer; outlives this.
  static outcome<std::unique_ptr<gateway_features>> open(
      const topology::plan& plan,
      const topology::gateway_plan& self,
      std::shared_ptr<const security::key_ring> keys,
      gateway::request_traces& traces,
      observe::event_log& log);

  ~gateway_features();
  gateway_features(const gateway_features&) = delete;
  gateway_features& operator=(const gateway_features&) = delete;

  /// A route of a feature. `modern` replaces the legacy system; null if nothing does yet.
  /// @param path of the route; empty for requests that match no route.
  /// @param sampling of its traces.
  std::unique_ptr<gateway::route_handler> route(
      const std::string& feature,
      const std::string& path,
      const observe::sampling& sampling,
      std::unique_ptr<gateway::route_handler> modern);

  /// The outcomes of a feature's requests at this gateway; null if there is no such feature. Any
  /// thread.
  const strangler::feature_counts* counts_of(std::string_view feature) const;

  /// Adds the metrics of each feature. Any thread.
  void tell(observe::metrics_text& to) const;

private:
  gateway_features(
      std::unique_ptr<client::client> calls,
      std::string name,
      const topology::plan& plan,
      gateway::request_traces& traces,
      observe::event_log& log);

  std::unique_ptr<client::client> calls_;
  gateway::request_traces& traces_;
  strangler::flag_follower flags_;
  std::vector<std::unique_ptr<strangler::feature>> features_;
  strangler::comparison_desk desk_;
  std::unique_ptr<strangler::legacy_client> legacy_;
};

} // namespace troupe
