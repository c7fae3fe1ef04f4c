#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/schema.hpp"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::gateway {

using types = std::vector<wire::message_schema>;

/// The MessagePack of `json` as a message of type `name`, field by field in the order of the type:
/// so that the same request has the same bytes however its JSON is written.
///
/// Integers are whole and within the range of their field; ids are UUIDs as text; bytes are base64;
/// durations are whole milliseconds. An optional field may be null or absent.
/// @errors `invalid`, with the RFC 6901 pointer of the place as `details.pointer`: not JSON, or not
/// UTF-8; a duplicate key; nested deeper than `wire::depth_max`; an integer beyond 64 bits or its
/// field; a fraction where an integer is required; a field that is unknown, missing or of another
/// type. `internal`: `all` has no type `name`.
outcome<std::string> from_json(std::string_view json, const types& all, std::string_view name);

/// The same for a value that `strict_json` has read.
outcome<std::string>
from_value(const nlohmann::json& value, const types& all, std::string_view name);

/// The JSON of a message of type `name`. Fields that the type lacks are left out, since they come
/// from a newer program; an optional one without a value is left out, too.
/// @errors `internal`: `bytes` are not such a message.
outcome<std::string> to_json(std::string_view bytes, const types& all, std::string_view name);

/// The value of a field as written in a path or query: text as it is, everything else as in JSON,
/// but without quotes. Lists, maps and messages have no such form.
/// @return the JSON value; nothing if `text` is not such a value.
std::optional<std::string> json_of_text(std::string_view text, const wire::value_schema& type);

} // namespace troupe::gateway
