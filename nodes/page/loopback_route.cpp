#include "nodes/page/loopback_route.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace troupe {

namespace {

/// The fields that proxies add. A proxy that adds none of them cannot be told from a browser.
constexpr std::array<const char*, 4> proxy_fields{
    "forwarded", "via", "x-forwarded-for", "x-real-ip"};

bool is_loopback_peer(std::string_view host) {
  return host.starts_with("127.") || host == "::1" || host == "::ffff:127.0.0.1";
}

/// "127.0.0.1" from "127.0.0.1:8080".
std::string_view name_in(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool is_in_brackets = host.ends_with(']'); // An IPv6 address without a port.
  return is_in_brackets ? host : host.substr(0, colon);
}

/// Whether a name belongs to loopback. Any other name that leads here may be an attack (DNS
/// rebinding).
bool is_loopback_name(std::string_view name) {
  return name == "localhost" || name == "[::1]"
         || (name.starts_with("127.") && name.find_first_not_of("0123456789.") == name.npos);
}

bool is_of_host(std::string_view origin, std::string_view host) {
  return origin == fmt::format("http://{}", host) || origin == fmt::format("https://{}", host);
}

} // namespace

std::optional<http::problem> refusal_to_other_sites(const http::request& asked) {
  const auto site = asked.field("sec-fetch-site");
  const auto origin = asked.field("origin");
  const std::string_view host = asked.field("host").value_or("");
  const bool is_own = site ? *site == "same-origin" : !origin || is_of_host(*origin, host);
  return is_own ? std::nullopt
                : std::optional{http::problem{403, "forbidden", "a page of another site asks"}};
}

std::optional<http::problem> refusal_to_strangers(const http::request& asked) {
  const auto refusal = [](const char* why) {
    return http::problem{
        403,
        "forbidden",
        fmt::format(
            "{}; `ui: operators` in the topology shows the page to whoever has a token", why)};
  };
  if (!is_loopback_peer(asked.peer.host)) {
    return refusal("the page is for whoever is on the gateway's machine");
  }
  if (std::ranges::any_of(
          proxy_fields, [&](const char* each) { return asked.field(each).has_value(); })) {
    return refusal("the request came through a proxy, which hides who asks");
  }
  const std::string_view host = asked.field("host").value_or("");
  if (!is_loopback_name(name_in(host))) {
    return refusal("open the page at 127.0.0.1 or localhost: another name may be anybody's");
  }
  const auto origin = asked.field("origin");
  const auto site = asked.field("sec-fetch-site");
  if ((origin && !is_of_host(*origin, host)) || (site && *site == "cross-site")) {
    return refusal("a page of another site asks");
  }
  return std::nullopt;
}

void loopback_route::handle(gateway::route_request request, const http::responder& answers) {
  if (const auto refused = refusal_to_strangers(request.asked)) {
    answers.respond(*refused);
  } else {
    inner_->handle(std::move(request), answers);
  }
}

} // namespace troupe
