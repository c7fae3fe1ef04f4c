#pragma once

#include "runtime/http/problem.hpp"
#include "runtime/http/request.hpp"

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace troupe::http {

/// A target in origin form, and the authority if it came in absolute form.
struct target_parts {
  request_target target;
  std::string authority;
};

/// Reads a request's target and decodes it, once.
///
/// Takes the origin form and, as a server must, the absolute form with http or https.
/// @errors 400: other forms, characters that a URI does not have, a bad escape, and whatever could
/// mean two things to two readers: an escaped slash, a backslash, control characters, "." and "..",
/// also with parameters ("..;x"), two slashes in a row, bytes that are not UTF-8. 501: "*".
/// @source RFC 9112, 3.2; RFC 3986, 3.3.
tl::expected<target_parts, problem> read_target(std::string_view text);

} // namespace troupe::http
