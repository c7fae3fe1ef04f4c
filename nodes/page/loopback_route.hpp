#pragma once

#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/http/problem.hpp"
#include "runtime/http/request.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace troupe {

/// Why `asked` is refused, because it may come from another machine. Nothing if it comes from this
/// one: over loopback, under a name of loopback, through no proxy and from no page of another site.
/// Pure.
std::optional<http::problem> refusal_to_strangers(const http::request& asked);

/// Why `asked` is refused, because a page of another site sends it through the browser of an
/// authorized user. Nothing if it comes from no browser, or from the page itself. Pure.
/// @source Fetch, 3.2 (Origin); Fetch Metadata, 2.1 (Sec-Fetch-Site), which no script can set.
std::optional<http::problem> refusal_to_other_sites(const http::request& asked);

/// A route for users on this machine only.
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
