#pragma once

#include "nodes/commands/documents/json_schema.hpp"

#include <string_view>

namespace troupe {

/// A reference to a component: "responses/problem".
document reference(std::string_view to);

/// A response that is a problem.
document problem_response(std::string_view what);
/// The same, with the time after which to retry.
document busy_response(std::string_view what);

/// A body of JSON.
document json_content(document schema);

/// The parts that every document of a gateway has: the schema `problem`; the responses `problem`
/// and `accepted`; the parameters `key`, `required_key`, `prefer` and `prefer_async`.
document shared_components();

} // namespace troupe
