#pragma once

#include "runtime/gateway/route_path.hpp"
#include "runtime/http/request.hpp"

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace troupe::gateway {

/// "GET /api/users/{user_id}": which requests a route takes.
struct route_key {
  http::method method = http::method::get;
  route_path path;

  /// @errors `invalid`: not a method that gateways know (GET, POST, PUT, PATCH, DELETE), one blank
  /// and a path.
  static outcome<route_key> parse(std::string_view text);

  /// Whether some request matches both.
  bool overlaps(const route_key& other) const {
    return method == other.method && path.overlaps(other.path);
  }
};

/// The paths that a gateway answers by itself, and which cannot be routes.
std::vector<std::string> own_paths();

/// The route of a request, by its number in the table, and the values of its variables.
struct route_found {
  std::size_t route = 0;
  route_path::variables variables{};
};

/// No route has that path.
struct no_such_path {};

/// Routes have that path, but for other methods.
struct other_methods {
  /// The methods as the field Allow has them: "GET, HEAD, POST".
  std::string allow;
};

using route_lookup = std::variant<route_found, no_such_path, other_methods>;

/// The route among `routes`, of which no two overlap, that takes a request. HEAD is taken by
/// routes of GET. @source RFC 9110, 9.3.2 and 10.2.1.
route_lookup find_route(
    const std::vector<route_key>& routes,
    http::method method,
    const std::vector<std::string>& path);

} // namespace troupe::gateway
