#pragma once

#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/http/problem.hpp"
#include "runtime/http/request.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace troupe {

/// The reason why `asked` is not answered to whoever may be on another machine; nothing if it comes
/// from this one: over loopback, under a name of loopback, from no proxy and from no page of
/// another site. Pure.
std::optional<http::problem> refusal_to_strangers(const http::request& asked);

/// The reason why `asked` is not done: a page of another site asks, in the browser of somebody who
/// may. Nothing if no browser asks, or the page itself. Pure.
/// @source Fetch, 3.2 (Origin); Fetch Metadata, 2.1 (Sec-Fetch-Site), which no script can set.
std::optional<http::problem> refusal_to_other_sites(const http::request& asked);

/// A route for whoever is on this machine.
class loopback_route final : public gateway::route_handler {
public:
  explicit loopback_route(std::unique_ptr<gateway::route_handler> inner)
      : inner_{std::move(inner)} {}

  void handle(gateway::route_request request, const http::responder& answers) override;

  void drain() override { inner_->drain(); }

private:
  const std::unique_ptr<gateway::route_handler> inner_;
};

} // namespace troupe
