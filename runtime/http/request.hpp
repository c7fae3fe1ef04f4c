#pragma once

#include "runtime/http/fields.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::http {

/// The methods that are known; any other is answered with 501.
enum class method : std::uint8_t { get, head, post, put, patch, erase, options };

/// As it is on the wire; `erase` is DELETE.
std::string_view name_of(method which);
std::optional<method> method_named(std::string_view name);

/// What a request asks for.
struct request_target {
  /// As it came, in origin form: "/users/a%20b?full=1".
  std::string raw;
  /// The segments of the path, decoded once: "/users/a%20b" is {"users", "a b"}, "/" is {} and
  /// "/a/" is {"a", ""}. None has a slash, a backslash or a control character, or is "." or "..";
  /// only the last may be empty.
  std::vector<std::string> path;
  /// The parameters in their order, decoded once; "+" is a space. One without "=" has an empty
  /// value.
  std::vector<std::pair<std::string, std::string>> query;

  bool operator==(const request_target&) const = default;
};

/// The sender of a request: the other end of the connection, whatever the request says.
struct peer_address {
  /// "127.0.0.1", "::1".
  std::string host;
  std::uint16_t port = 0;
  bool uses_tls = false;
};

/// A complete request. A value: the connection keeps nothing of it.
struct request {
  http::method method = http::method::get;
  request_target target;
  /// Names in lower case, values without surrounding space, in the order received.
  field_list fields;
  std::string body;
  peer_address peer;

  /// The value of the first field `name` (in lower case), or nothing.
  std::optional<std::string_view> field(std::string_view name) const { return find(fields, name); }

  /// The values of all fields `name` (in lower case) as one list.
  std::string listed(std::string_view name) const { return http::listed(fields, name); }

  /// Whether there are several fields `name` (in lower case).
  bool repeats(std::string_view name) const;

  /// The value of the first parameter `name`, or nothing.
  std::optional<std::string_view> parameter(std::string_view name) const {
    return find(target.query, name);
  }
};

} // namespace troupe::http
