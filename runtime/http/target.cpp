#include "runtime/http/target.hpp"

#include "runtime/wire/check.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace troupe::http {

namespace {

using refusal = tl::unexpected<problem>;

refusal malformed_target(std::string detail) {
  return refusal{{400, "malformed_target", std::move(detail)}};
}

int value_of_digit(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  if (digit >= 'a' && digit <= 'f') {
    return digit - 'a' + 10;
  }
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/// Whether a character is allowed in a path. Looked up in a table, since each request has dozens.
/// @source RFC 3986, 3.3: pchar and the slash.
bool is_of_path(char letter) {
  static constexpr auto letters = [] {
    std::array<bool, 256> allowed{};
    constexpr std::string_view all =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "-._~!$&'()*+,;=:@%/";
    for (const char each : all) {
      allowed[static_cast<unsigned char>(each)] = true;
    }
    return allowed;
  }();
  return letters[static_cast<unsigned char>(letter)];
}

/// `text` with its escapes decoded; nothing if an escape is malformed or stands for a control
/// character, or if the result is not UTF-8.
std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
  if (text.find('%') == std::string_view::npos
      && (!plus_is_space || text.find('+') == std::string_view::npos)) {
    return std::string{text}; // The target consists of visible ASCII.
  }
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      plain += ' ';
    } else if (text[i] != '%') {
      plain += text[i];
    } else {
      const int high = i + 2 < text.size() ? value_of_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? value_of_digit(text[i + 2]) : -1;
      const int byte = high * 16 + low;
      if (high < 0 || low < 0 || byte < 0x20 || byte == 0x7f) {
        return std::nullopt;
      }
      plain += static_cast<char>(byte);
      i += 2;
    }
  }
  return wire::is_utf8(plain) ? std::optional{std::move(plain)} : std::nullopt;
}

tl::expected<std::vector<std::string>, problem> read_path(std::string_view path) {
  if (!std::ranges::all_of(path, is_of_path)) {
    return malformed_target("the path has a character that must be escaped as %XX");
  }
  std::vector<std::string> segments;
  if (path == "/") {
    return segments;
  }
  segments.reserve(static_cast<std::size_t>(std::ranges::count(path, '/')));
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view raw = path.substr(begin, end - begin);
    auto segment = decoded(raw, false);
    if (!segment) {
      return malformed_target("the path has an escape that is none, or stands for a control "
                              "character or for bytes that are no UTF-8");
    }
    const bool has_escapes = segment->size() < raw.size();
    if (has_escapes && segment->find_first_of("/\\") != std::string::npos) {
      return malformed_target("the path has an escaped slash or backslash");
    }
    // Some servers remove parameters before they resolve the path, and read "..;x" as "..".
    const std::string_view name = std::string_view{*segment}.substr(0, segment->find(';'));
    if (name == "." || name == "..") {
      return malformed_target(
          fmt::format("the path has the segment `{}`: resolve it first", *segment));
    }
    if (segment->empty() && end < path.size()) {
      return malformed_target("the path has two slashes in a row");
    }
    segments.push_back(std::move(*segment));
    begin = end + 1;
  }
  return segments;
}

/// @source WHATWG URL, 5.1 (application/x-www-form-urlencoded), limited to strict UTF-8.
tl::expected<std::vector<std::pair<std::string, std::string>>, problem>
read_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    if (one.empty()) {
      continue;
    }
    const std::size_t equals = std::min(one.find('='), one.size());
    auto name = decoded(one.substr(0, equals), true);
    auto value = decoded(one.substr(std::min(equals + 1, one.size())), true);
    if (!name || !value) {
      return malformed_target("the query has an escape that is none, or stands for a control "
                              "character or for bytes that are no UTF-8");
    }
    parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

/// Removes scheme and authority from a target in absolute form; nothing if the target has another
/// form.
std::optional<std::string> take_authority(std::string_view& target) {
  if (target.front() == '/') {
    return std::nullopt;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (lower_case(target.substr(0, scheme.size())) == scheme) {
      target.remove_prefix(scheme.size());
      const std::string authority{target.substr(0, target.find_first_of("/?"))};
      target.remove_prefix(authority.size());
      return authority;
    }
  }
  return std::nullopt;
}

} // namespace

tl::expected<target_parts, problem> read_target(std::string_view text) {
  if (text == "*") {
    return refusal{{501, "not_implemented", "there are no options of the server as a whole"}};
  }
  const bool is_visible = std::ranges::all_of(
      text, [](char each) { return each > 0x20 && each < 0x7f && each != '#'; });
  if (text.empty() || !is_visible) {
    return malformed_target("the target is empty or has a character that must be escaped as %XX");
  }
  target_parts parts;
  const auto authority = take_authority(text);
  if (authority && authority->empty()) {
    return malformed_target("the target names no host");
  }
  parts.authority = authority.value_or("");
  if (authority && (text.empty() || text.front() == '?')) {
    // An empty path means "/".
    // @source RFC 9110, 4.2.3.
    parts.target.raw += '/';
  } else if (text.empty() || text.front() != '/') {
    return malformed_target("the target is neither a path nor http://HOST/PATH");
  }
  parts.target.raw += text;
  const std::string_view raw = parts.target.raw;
  const std::size_t mark = std::min(raw.find('?'), raw.size());
  auto path = read_path(raw.substr(0, mark));
  if (!path) {
    return refusal{std::move(path.error())};
  }
  auto query = read_query(raw.substr(std::min(mark + 1, raw.size())));
  if (!query) {
    return refusal{std::move(query.error())};
  }
  parts.target.path = std::move(*path);
  parts.target.query = std::move(*query);
  return parts;
}

} // namespace troupe::http
