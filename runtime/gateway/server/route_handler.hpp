#pragma once

#include "runtime/gateway/routes.hpp"
#include "runtime/http/request.hpp"
#include "runtime/http/responder.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe::gateway {

/// A request that a route takes.
struct route_request {
  http::request asked;
  route_path::variables variables;
  /// The service that the request's token proves; empty where none is asked for.
  std::string service{};
  /// Whether that proof still holds: asked again while an answer goes on. Empty where none is asked
  /// for. On the HTTP loop.
  std::function<bool()> still_holds{};
  /// Another route has taken the request, and tells of it: this is a part of what that does.
  bool is_inner = false;
  /// Whether a page of another site asks that may not read answers (`cors::refuses_site_of`).
  bool is_of_other_site = false;
  /// Whether the request may say that its trace is recorded (`brought_trace`).
  bool is_trusted_with_traces = false;
};

/// Answers the requests of one route.
class route_handler {
public:
  route_handler() = default;
  route_handler(const route_handler&) = delete;
  route_handler& operator=(const route_handler&) = delete;
  virtual ~route_handler() = default;

  /// Handles a request, on the HTTP loop, and must not block: `answers` may be used later, from any
  /// thread.
  virtual void handle(route_request request, const http::responder& answers) = 0;

  /// The gateway is about to end: streams finish, and nothing new is begun. On the HTTP loop.
  virtual void drain() {}
};

struct route {
  route_key key;
  std::unique_ptr<route_handler> handler;
};

} // namespace troupe::gateway
