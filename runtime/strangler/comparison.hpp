#pragma once

#include "runtime/http/request.hpp"
#include "runtime/http/response.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::strangler {

/// Larger bodies are not compared, but reported as too large.
inline constexpr std::size_t compared_bytes_max = std::size_t{1} << 20U;
/// The most differences that are reported; others are left out.
inline constexpr std::size_t differences_max = 16;

/// Whether `which` may be sent to both sides: it changes nothing. @source RFC 9110, 9.2.1.
bool is_safe(http::method which);

/// The parts of two answers that are not compared, and those that are, besides status and body.
struct comparison_rules {
  /// Pointers into JSON bodies (RFC 6901), in which `*` is any one key or index: these values and
  /// everything below them are ignored.
  std::vector<std::string> ignored{};
  /// Names of fields, in lower case.
  std::vector<std::string> fields{};
};

/// One difference. Contains no values of a body, which may be a customer's secret.
struct difference {
  /// "status", "field content-type", "body", or a pointer into it: "/items/0/price".
  std::string at;
  /// "200, not 404" (of modern, not as of legacy), "missing", "a text, not a number", "another
  /// number".
  std::string what;

  bool operator==(const difference&) const = default;
};

/// The differences of `modern` from `legacy`, in the order of the body; `differences_max` at most.
///
/// JSON is compared by its values: order of keys, white space, escapes and forms of a number do not
/// count. Everything else is compared byte by byte, after its content coding. The bodies of two
/// answers with the same error status are not compared, since each side has its own error texts.
std::vector<difference> differences_of(
    const http::response& legacy, const http::response& modern, const comparison_rules& rules);

} // namespace troupe::strangler
