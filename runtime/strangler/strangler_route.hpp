#pragma once

#include "runtime/gateway/server/request_traces.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/strangler/comparison_desk.hpp"
#include "runtime/strangler/feature.hpp"
#include "runtime/strangler/legacy_client.hpp"

#include <memory>
#include <string>

namespace troupe::strangler {

/// The traces of a route's requests: the name of the route in them, and which are recorded.
struct route_tracing {
  gateway::request_traces& traces;
  observe::sampling sampling{};
  /// "/api/users/{user_id}"; empty for what no route takes.
  std::string path{};
};

/// A route whose requests go to a legacy system or to the route that takes its place.
///
/// A request that the legacy system answers has a span, and another one for the request to that
/// system, which gets it as the trace of its request. The other route reports its own requests.
///
/// On the HTTP loop; borrows what is shared by the routes of a gateway.
class strangler_route final : public gateway::route_handler {
public:
  /// @param modern takes the place of the legacy system; null: nothing does yet.
  strangler_route(
      feature& of,
      legacy_client& legacy,
      comparison_desk& desk,
      route_tracing tracing,
      std::unique_ptr<gateway::route_handler> modern)
      : feature_{of}, legacy_{legacy}, desk_{desk}, tracing_{std::move(tracing)}, modern_{std::move(
                                                                                      modern)} {}

  void handle(gateway::route_request request, const http::responder& answers) override;
  void drain() override;

private:
  void ask_legacy(gateway::route_request request, const http::responder& answers);
  void refuse(
      const gateway::route_request& request,
      const http::responder& answers,
      const http::problem& why);

  feature& feature_;
  legacy_client& legacy_;
  comparison_desk& desk_;
  const route_tracing tracing_;
  const std::unique_ptr<gateway::route_handler> modern_;
};

} // namespace troupe::strangler
