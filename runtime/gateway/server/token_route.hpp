#pragma once

#include "runtime/clock.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/gateway/server/token_audit.hpp"
#include "runtime/outcome.hpp"
#include "runtime/security/checked_tokens.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::gateway {

/// A route for services only: a request goes on to the handler if its `x-service-token` is valid.
/// Without one it is answered with 401, with one that is not accepted with 403.
///
/// A token that is bound to the key of a link (`cnf`) is not accepted: over HTTP nobody can prove
/// possession of the key.
class token_route final : public route_handler {
public:
  /// What all routes use to check tokens and to note refusals. All of it outlives the routes.
  struct checking {
    security::checked_tokens& tokens;
    token_audit& refusals;
    const clock& time;
  };

  /// Whether the service of a valid token may use the route.
  using right = std::function<bool(const std::string& service)>;

  /// @param name of the route, for the audit log. @param may if empty, all services may.
  token_route(checking with, std::string name, std::unique_ptr<route_handler> inner, right may = {})
      : with_{with}, name_{std::move(name)}, inner_{std::move(inner)}, may_{std::move(may)} {}

  void handle(route_request request, const http::responder& answers) override;

  void drain() override { inner_->drain(); }

  /// The service that a request's token proves.
  /// @errors `unauthenticated`: it has none; `forbidden`: it is not accepted; `overloaded`
  /// (`too_many_bad_tokens`): it was not checked, since others from there had wrong signatures.
  static outcome<std::string> service_in(const http::request& asked, const checking& with);

private:
  static outcome<std::string>
  service_of(std::string_view token, const std::string& from, const checking& with);

  const checking with_;
  const std::string name_;
  const std::unique_ptr<route_handler> inner_;
  const right may_;
};

/// The public keys of tokens, for others that check tokens: `/.well-known/jwks.json`.
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
