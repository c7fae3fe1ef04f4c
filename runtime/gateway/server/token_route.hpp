#pragma once

#include "runtime/clock.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/security/checked_tokens.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace troupe::gateway {

/// A route for services alone: a request goes on to the handler if its `x-service-token` is good.
/// Without one it is answered with 401, with one that is not accepted with 403.
///
/// A token that is bound to the key of a link (`cnf`) is not accepted: over HTTP nobody proves that
/// he has the key.
class token_route final : public route_handler {
public:
  /// Whether the service of a good token may use the route.
  using right = std::function<bool(const std::string& service)>;

  /// @param tokens, time outlive this. @param may all services, if it is empty.
  token_route(
      security::checked_tokens& tokens,
      const clock& time,
      std::unique_ptr<route_handler> inner,
      right may = {})
      : tokens_{tokens}, time_{time}, inner_{std::move(inner)}, may_{std::move(may)} {}

  void handle(route_request request, const http::responder& answers) override;

  void drain() override { inner_->drain(); }

private:
  security::checked_tokens& tokens_;
  const clock& time_;
  const std::unique_ptr<route_handler> inner_;
  const right may_;
};

/// The public keys of tokens, for whoever checks some: `/.well-known/jwks.json`.
/// @source RFC 7517, 5.
class token_keys_route final : public route_handler {
public:
  /// @param tokens outlives this.
  explicit token_keys_route(const security::checked_tokens& tokens) : tokens_{tokens} {}

  void handle(route_request request, const http::responder& answers) override;

private:
  const security::checked_tokens& tokens_;
};

} // namespace troupe::gateway
