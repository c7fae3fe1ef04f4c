#pragma once

#include "runtime/gateway/json_codec.hpp"
#include "runtime/gateway/route_path.hpp"
#include "runtime/http/request.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <string_view>

namespace troupe::gateway {

/// A request as the message of an operation.
struct request_message {
  /// MessagePack.
  std::string body;
  /// The value of the field that orders calls, as text; empty if it has none.
  std::string key;
};

/// `asked` as a message of type `name`: its fields come from the variables of the path; for GET and
/// DELETE from the parameters of the query; else from the JSON object in the body.
///
/// @param key_field the field that orders calls, or empty.
/// @errors `invalid`, as `from_json`; a field given twice in path or query, or in both body and
/// path; a body of a GET or DELETE, a parameter of another method.
outcome<request_message> message_of(
    const http::request& asked,
    const route_path::variables& variables,
    const types& all,
    std::string_view name,
    std::string_view key_field);

} // namespace troupe::gateway
