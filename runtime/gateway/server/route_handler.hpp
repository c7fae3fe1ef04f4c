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
  /// The service that the request's token proves; empty where none is required.
  std::string service{};
  /// Whether that token is still valid: called again during a long answer. Empty where none is
  /// required. On the HTTP loop.
  std::function<bool()> still_holds{};
  /// Another route has taken the request and reports it: this one is a part of its work.
  bool is_inner = false;
  /// Whether the request comes from a page of another site that may not read answers
  /// (`cors::refuses_site_of`).
  bool is_of_other_site = false;
  /// Whether the request may ask for its trace to be recorded (`brought_trace`).
  bool is_trusted_with_traces = false;
};

/// Answers the requests of one route.
class route_handler {
public:
  route_handler() = default;
  route_handler(const route_handler&) = delete;
  route_handler& operator=(const route_handler&) = delete;
  virtual ~route_handler() = default;

  /// Handles a request, on the HTTP loop, and must not block; `answers` may be used later, from any
  /// thread.
  virtual void handle(route_request request, const http::responder& answers) = 0;

  /// The gateway is about to end: streams finish, and nothing new begins. On the HTTP loop.
  virtual void drain() {}
};

struct route {
  route_key key;
  std::unique_ptr<route_handler> handler;
};

} // namespace troupe::gateway
