#include "runtime/strangler/forwarding.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>
#include <vector>

namespace troupe::strangler {

namespace {

// Fields about one connection. Upgrade among them: no other protocol is passed through.
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

// The fields that whoever sends the request writes anew. A client's own words in them would be
// believed by a system that has only ever heard them from its proxy.
constexpr std::array<std::string_view, 11> of_gateway{
    "host",
    "content-length",
    "expect",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-real-ip"};

// The server writes its own.
constexpr std::array<std::string_view, 2> of_answer{"content-length", "date"};

template <class Names>
bool has(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The names that the fields Connection give, in lower case.
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
  const bool is_path = std::all_of(prefix.begin(), prefix.end(), [](char letter) {
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
    // Servers that hand fields to programs as variables take "_" for "-".
    std::string as_read = name;
    std::replace(as_read.begin(), as_read.end(), '_', '-');
    if (name == "via") {
      via += value + ", ";
    } else if (!has(of_connection, as_read) && !has(of_gateway, as_read) && !has(named, name)) {
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
    if (lower == "location" && value.starts_with(from.origin + "/")) {
      value.erase(0, from.origin.size());
    }
    kept.emplace_back(std::move(name), std::move(value));
  }
  answer.fields = std::move(kept);
  return answer;
}

} // namespace troupe::strangler
