#pragma once

#include "runtime/http/request.hpp"
#include "runtime/http/response.hpp"
#include "runtime/outcome.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::strangler {

/// The address at which a legacy system answers.
struct base_url {
  /// "http://127.0.0.1:3002".
  std::string origin;
  /// The prefix of every path there: "/old", or nothing.
  std::string prefix;

  /// Reads "http://HOST[:PORT][/PREFIX]", or https.
  /// @errors `invalid`: another scheme, no host, a port that is none, user and password, a query or
  /// fragment, letters that a URL does not have.
  static outcome<base_url> parse(std::string_view text);

  bool operator==(const base_url&) const = default;
};

/// The fields with which `asked` is sent on to a legacy system: its own, without those for this
/// connection only, those that only a proxy or gateway may set and the service token; then
/// X-Forwarded-For, -Proto and -Host, and Via. Host and Content-Length are left to the sender.
///
/// @param client the address of the client.
/// @source RFC 9110, 7.6.1 (Connection) and 7.6.3 (Via).
http::field_list forwarded_fields(const http::request& asked, std::string_view client);

/// The answer of a legacy system as sent to the client: without the fields for that connection only
/// and those that the server here writes itself. A Location at `from` becomes the path that it has
/// here, without the prefix of `from`; the Path of cookies likewise. Nothing if it has a status or
/// a field that HTTP does not allow.
/// @source RFC 9110, 7.6.1.
std::optional<http::response> returned(http::response answer, const base_url& from);

} // namespace troupe::strangler
