#pragma once

#include "runtime/wire/schema.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace troupe {

/// Keys in the order in which they are added.
using document = nlohmann::ordered_json;

/// The place where OpenAPI and AsyncAPI keep the schemas of a document.
inline constexpr const char* schemas_path = "#/components/schemas/";

/// JSON Schema of the JSON form of a value (runtime/gateway/README.md).
/// @param prefix stands before the name of a message: "#/components/schemas/orders.".
document schema_of(const wire::value_schema& type, const std::string& prefix);

/// The types `names` and the types they contain, from `types`.
std::vector<wire::message_schema>
reached_from(std::vector<std::string> names, const std::vector<wire::message_schema>& types);

/// Adds message types to the schemas of a document, each as `OWNER.NAME`, as JSON Schema of their
/// JSON form (runtime/gateway/README.md).
///
/// Uses only keywords that draft-07, OpenAPI 3.1 and AsyncAPI 3.0 have in common.
/// @param schemas the object at `path` of the document: "#/components/schemas/".
void add_schemas(
    const std::string& owner,
    const std::vector<wire::message_schema>& types,
    const std::string& path,
    document& schemas);

} // namespace troupe
