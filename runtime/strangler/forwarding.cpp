#include "runtime/strangler/forwarding.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>
#include <vector>

namespace troupe::strangler {

namespace {

// Fields that concern one connection. They include Upgrade: other protocols are not passed through.
// @source RFC 9110, 7.6.1; RFC 9112, 6.1 for Transfer-Encoding.
constexpr std::array<std::string_view, 9> of_connection{
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade"};

// Fields that the sender of the forwarded request writes itself, and fields in which proxies tell
// who asks, for what and how. A legacy system that has only ever received them from its proxy would
// believe a client's values; "proxy" even becomes HTTP_PROXY of a CGI program. The service token is
// meant for the gateway: whoever has it can act as that service.
// @source httpoxy.org, CVE-2016-5385, for "proxy".
constexpr std::array<std::string_view, 25> of_gateway{
    "host",
    "content-length",
    "expect",
    "forwarded",
    "x-forwarded",
    "forwarded-for",
    "x-real-ip",
    "x-host",
    "x-rewrite-url",
    "client-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "fastly-client-ip",
    "x-cluster-client-ip",
    "client-cert",
    "client-cert-chain",
    "x-client-cert",
    "front-end-https",
    "remote-addr",
    "remote-user",
    "x-remote-user",
    "proxy",
    "x-service-token"};
constexpr std::array<std::string_view, 5> families_of_gateway{
    "x-forwarded-", "x-original-", "x-envoy-", "x-ssl-", "ssl-client-"};

// The HTTP server writes its own.
constexpr std::array<std::string_view, 2> of_answer{"content-length", "date"};

template <class Names>
bool has(const Names& names, std::string_view name) {
  return contains(names, name);
}

bool is_of_gateway(std::string_view name) {
  return has(of_gateway, name)
         || std::ranges::any_of(families_of_gateway, [&](std::string_view family) {
              return name.starts_with(family);
            });
}

/// The names listed in the Connection fields, in lower case.
std::vector<std::string> named_by_connection(const http::field_list& fields) {
  std::vector<std::string> names;
  for (const auto& [name, value] : fields) {
    if (http::lower_case(name) == "connection") {
      for (std::string& each : http::list_members(value)) {
        names.push_back(std::move(each));
      }
    }
  }
  return names;
}

bool is_host_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')
         || (letter >= '0' && letter <= '9') || letter == '.' || letter == '-';
}

/// HOST[:PORT], or [ADDRESS][:PORT].
bool is_authority(std::string_view text) {
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    const auto is_address_letter = [](char letter) {
      return letter == ':' || letter == '.' || (letter >= '0' && letter <= '9')
             || (letter >= 'a' && letter <= 'f') || (letter >= 'A' && letter <= 'F');
    };
    if (end == std::string_view::npos || end == 1
        || !std::all_of(
            text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(end), is_address_letter)) {
      return false;
    }
    ++end;
  } else {
    end = std::min(text.find(':'), text.size());
    if (end == 0
        || !std::all_of(
            text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), is_host_letter)) {
      return false;
    }
  }
  if (end == text.size()) {
    return true;
  }
  std::uint16_t port = 0;
  const char* const last = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data() + end + 1, last, port);
  return text[end] == ':' && code == std::errc{} && stop == last && port > 0;
}

/// Host and port of `authority` in lower case, with the default port of `scheme` if it has none.
std::string whole_authority(std::string_view authority, std::string_view scheme) {
  std::string whole = http::lower_case(authority);
  const std::size_t colon = whole.rfind(':');
  if (colon == std::string::npos || whole.ends_with(']')) {
    return whole + (scheme == "https" ? ":443" : ":80");
  }
  return colon + 1 == whole.size() ? whole + (scheme == "https" ? "443" : "80") : whole;
}

/// The part of `url` after the origin, starting with the path; nothing if the origin differs or is
/// missing.
/// @source RFC 3986, 4.2, for "//HOST/PATH"; 6.2.2.1 and 6.2.3 for equivalent spellings of an
/// origin.
std::optional<std::string_view> behind_origin(std::string_view url, const base_url& from) {
  const std::string_view scheme = std::string_view{from.origin}.substr(0, from.origin.find("://"));
  const std::size_t colon = url.find(':');
  std::string_view rest = url;
  if (colon != std::string_view::npos && http::lower_case(url.substr(0, colon)) == scheme) {
    rest.remove_prefix(colon + 1);
  }
  if (!rest.starts_with("//")) {
    return std::nullopt;
  }
  rest.remove_prefix(2);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view own = std::string_view{from.origin}.substr(scheme.size() + 3);
  return whole_authority(rest.substr(0, end), scheme) == whole_authority(own, scheme)
             ? std::optional{rest.substr(end)}
             : std::nullopt;
}

/// `path` without `prefix`, if it starts with that as a whole.
std::string_view without_prefix(std::string_view path, std::string_view prefix) {
  const std::string_view rest = path.starts_with(prefix) ? path.substr(prefix.size()) : path;
  const bool is_whole = rest.empty() || std::string_view{"/?#"}.find(rest.front()) != rest.npos;
  return is_whole ? rest : path;
}

/// Whether a browser reads `path` as "//HOST/PATH": it takes a backslash for a slash, and ignores
/// tabs.
/// @source WHATWG URL, 4.4.
bool names_a_host(std::string_view path) {
  const std::size_t second = path.find_first_not_of('\t', 1);
  return path.starts_with('/') && second != std::string_view::npos
         && (path[second] == '/' || path[second] == '\\');
}

/// Turns an address inside the legacy system into the one by which clients of the gateway reach it:
/// without the origin, and without the prefix that is added to each path on the way there. Other
/// addresses are returned unchanged.
std::string seen_from_outside(std::string url, const base_url& from) {
  const auto behind = behind_origin(url, from);
  if (!behind && (!url.starts_with('/') || names_a_host(url))) {
    return url;
  }
  std::string path{without_prefix(behind.value_or(url), from.prefix)};
  if (!path.starts_with('/')) {
    path.insert(0, 1, '/');
  }
  // "/." only makes clear that no host follows.
  // @source WHATWG URL, 4.5.
  return names_a_host(path) ? "/." + path : path;
}

/// A Set-Cookie whose Path is changed to one that the client uses.
/// @source RFC 6265, 5.2.4.
std::string with_path_outside(std::string_view cookie, std::string_view prefix) {
  std::string made;
  for (std::size_t begin = 0; begin <= cookie.size();) {
    const std::size_t end = std::min(cookie.find(';', begin), cookie.size());
    std::string_view part = cookie.substr(begin, end - begin);
    const std::size_t equals = std::min(part.find('='), part.size());
    const bool is_path = begin > 0 && equals < part.size()
                         && http::lower_case(http::trimmed(part.substr(0, equals))) == "path";
    const std::string_view path =
        is_path ? http::trimmed(part.substr(equals + 1)) : std::string_view{};
    if (path.starts_with('/')) {
      const std::string_view rest = without_prefix(path, prefix);
      made += part.substr(0, equals + 1);
      made += rest.empty() ? "/" : rest;
    } else {
      made += part;
    }
    made += end < cookie.size() ? ";" : "";
    begin = end + 1;
  }
  return made;
}

} // namespace

outcome<base_url> base_url::parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return failure{invalid(
        fmt::format("`{}` {}; write http://HOST:PORT, such as http://127.0.0.1:3002", text, why))};
  };
  const std::size_t scheme = text.find("://");
  const std::string_view name = text.substr(0, scheme);
  if (scheme == std::string_view::npos || (name != "http" && name != "https")) {
    return wrong("is no http or https URL");
  }
  const std::size_t host = scheme + 3;
  const std::size_t path = std::min(text.find('/', host), text.size());
  if (!is_authority(text.substr(host, path - host))) {
    return wrong("names no host that can be asked");
  }
  std::string_view prefix = text.substr(path);
  while (prefix.ends_with('/')) {
    prefix.remove_suffix(1);
  }
  const bool is_path = std::ranges::all_of(prefix, [](char letter) {
    constexpr std::string_view marks = "/-._~!$&'()*+,;=:@";
    return (is_host_letter(letter) || marks.find(letter) != std::string_view::npos);
  });
  if (!is_path || prefix.find("//") != std::string_view::npos) {
    return wrong("has more than a path behind the host");
  }
  return base_url{std::string{text.substr(0, path)}, std::string{prefix}};
}

http::field_list forwarded_fields(const http::request& asked, std::string_view client) {
  const std::vector<std::string> named = named_by_connection(asked.fields);
  http::field_list fields;
  std::string via;
  for (const auto& [name, value] : asked.fields) {
    // Servers that pass fields to programs as variables read "_" as "-".
    std::string as_read = name;
    std::ranges::replace(as_read, '_', '-');
    if (name == "via") {
      via += value + ", ";
    } else if (!has(of_connection, as_read) && !is_of_gateway(as_read) && !has(named, name)) {
      fields.emplace_back(name, value);
    }
  }
  fields.emplace_back("x-forwarded-for", client);
  fields.emplace_back("x-forwarded-proto", asked.peer.uses_tls ? "https" : "http");
  if (const auto host = asked.field("host")) {
    fields.emplace_back("x-forwarded-host", *host);
  }
  fields.emplace_back("via", via + "1.1 troupe");
  return fields;
}

std::optional<http::response> returned(http::response answer, const base_url& from) {
  if (answer.status < 200 || answer.status > 599) {
    return std::nullopt;
  }
  const std::vector<std::string> named = named_by_connection(answer.fields);
  http::field_list kept;
  for (auto& [name, value] : answer.fields) {
    const std::string lower = http::lower_case(name);
    if (!http::is_token(name) || !http::is_field_value(value)) {
      return std::nullopt;
    }
    if (has(of_connection, lower) || has(of_answer, lower) || has(named, lower)) {
      continue;
    }
    if (lower == "location" || lower == "content-location") {
      value = seen_from_outside(std::move(value), from);
    } else if (lower == "set-cookie") {
      value = with_path_outside(value, from.prefix);
    }
    kept.emplace_back(std::move(name), std::move(value));
  }
  answer.fields = std::move(kept);
  return answer;
}

} // namespace troupe::strangler
