#include "runtime/gateway/routes.hpp"

#include <fmt/format.h>
#include <set>

namespace troupe::gateway {

outcome<route_key> route_key::parse(std::string_view text) {
  const std::size_t blank = text.find(' ');
  const auto method = http::method_named(text.substr(0, blank));
  if (blank == std::string_view::npos || !method || *method == http::method::head
      || *method == http::method::options) {
    return failure{invalid(fmt::format(
        "`{}` is no route: write GET, POST, PUT, PATCH or DELETE, a blank and a path, such as `GET "
        "/api/users/{{user_id}}`",
        text))};
  }
  return route_path::parse(text.substr(blank + 1)).map([&](route_path&& parsed) {
    return route_key{*method, std::move(parsed)};
  });
}

std::vector<std::string> own_paths() {
  return {"/calls/{id}", "/openapi.json", "/asyncapi.json", "/.well-known/jwks.json"};
}

route_lookup find_route(
    const std::vector<route_key>& routes,
    http::method method,
    const std::vector<std::string>& path) {
  const http::method wanted = method == http::method::head ? http::method::get : method;
  std::set<std::string_view> allowed;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    auto variables = routes[i].path.match(path);
    if (!variables) {
      continue;
    }
    if (routes[i].method == wanted) {
      return route_found{i, std::move(*variables)};
    }
    allowed.insert(http::name_of(routes[i].method));
    if (routes[i].method == http::method::get) {
      allowed.insert(http::name_of(http::method::head));
    }
  }
  if (allowed.empty()) {
    return no_such_path{};
  }
  return other_methods{fmt::format("{}", fmt::join(allowed, ", "))};
}

} // namespace troupe::gateway
