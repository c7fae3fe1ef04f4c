#pragma once

#include "runtime/http/http_options.hpp"
#include "runtime/http/problem.hpp"
#include "runtime/http/request.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace troupe::http {

/// The head of a request, once it is known to be unambiguous.
struct request_head {
  http::method method = http::method::get;
  request_target target;
  /// As in `request`.
  field_list fields;
  bool is_http_1_0 = false;
  /// The peer wants the connection kept after the answer.
  bool keeps_alive = true;
  /// The peer waits for status 100 before it sends the body.
  bool expects_continue = false;
  bool is_chunked = false;
  /// 0 without a body, and if it is chunked.
  std::uint64_t content_length = 0;

  bool has_body() const { return is_chunked || content_length > 0; }
};

/// Reads a head that `head_scanner` found complete, and refuses whatever another server on the way
/// could read differently. Pure.
///
/// @param hosts as in `server_options`.
/// @errors Each ends the connection, as nobody knows where the next request would begin.
///   400: malformed lines, names, versions or targets; a line that continues another (obs-fold); on
///        HTTP/1.1 no Host or several; Content-Length with Transfer-Encoding, several times or no
///        number; a transfer coding whose last is not `chunked`, or any on HTTP/1.0.
///   413: a Content-Length above `body_bytes_max`. 415: a content coding. 417: an unknown
///   expectation. 421: a Host that is not among `hosts`. 501: a method or transfer coding that is
///   not known. 505: another version than 1.0 and 1.1, such as the preface of HTTP/2.
/// @source RFC 9110, RFC 9112, 3 to 6.
tl::expected<request_head, problem>
read_head(std::string_view head, const limits& most, const std::vector<std::string>& hosts);

/// The Origin of a head, whatever is wrong with it; empty if there is not one.
std::string origin_of(std::string_view head);

} // namespace troupe::http
