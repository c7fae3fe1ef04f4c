#pragma once

#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/strangler/comparison_desk.hpp"
#include "runtime/strangler/feature.hpp"
#include "runtime/strangler/legacy_client.hpp"

#include <memory>

namespace troupe::strangler {

/// A route whose requests go to a legacy system or to the route that takes its place.
///
/// On the HTTP loop; borrows what is shared by the routes of a gateway.
class strangler_route final : public gateway::route_handler {
public:
  /// @param modern takes the place of the legacy system; null: nothing does yet.
  strangler_route(
      feature& of,
      legacy_client& legacy,
      comparison_desk& desk,
      std::unique_ptr<gateway::route_handler> modern)
      : feature_{of}, legacy_{legacy}, desk_{desk}, modern_{std::move(modern)} {}

  void handle(gateway::route_request request, const http::responder& answers) override;
  void drain() override;

private:
  void ask_legacy(gateway::route_request request, const http::responder& answers);

  feature& feature_;
  legacy_client& legacy_;
  comparison_desk& desk_;
  const std::unique_ptr<gateway::route_handler> modern_;
};

} // namespace troupe::strangler
