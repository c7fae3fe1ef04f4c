#pragma once

#include "runtime/http/fields.hpp"
#include "runtime/http/problem.hpp"

#include <string>
#include <string_view>

namespace troupe::http {

/// An answer. The server adds Date, Content-Length, Transfer-Encoding and Connection, which must
/// not be among the fields.
struct response {
  /// 200 to 599.
  int status = 200;
  field_list fields{};
  std::string body{};
};

/// An answer with a Content-Type.
response with_body(int status, std::string_view type, std::string body);

/// `what` as an answer; with Retry-After if it has `retry_after_ms`, in seconds, rounded up.
response to_response(const problem& what);

} // namespace troupe::http
