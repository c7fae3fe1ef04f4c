#include "nodes/commands/documents/json_schema.hpp"

#include "runtime/contains.hpp"

namespace troupe {

namespace {

using wire::form;

document of_integer(form is) {
  const wire::integer_range range = *wire::range_of(is);
  document made = {{"type", "integer"}};
  if (is == form::duration) {
    made["description"] = "milliseconds";
  } else if (is == form::int64 || is == form::uint64) {
    // Given as a format, since the bounds would lose digits in programs that read numbers as
    // doubles.
    made["format"] = wire::word_of(is);
    if (is == form::uint64) {
      made["minimum"] = 0;
    }
  } else {
    made["minimum"] = range.least;
    made["maximum"] = range.most;
  }
  return made;
}

document of_innermost(const wire::value_schema& type, const std::string& prefix) {
  switch (type.is) {
  case form::any:
    return document::object();
  case form::boolean:
    return {{"type", "boolean"}};
  case form::number:
    return {{"type", "number"}};
  case form::text:
    return {{"type", "string"}};
  case form::id:
    return {{"type", "string"}, {"format", "uuid"}};
  case form::bytes:
    return {{"type", "string"}, {"contentEncoding", "base64"}};
  case form::words:
    return {{"type", "string"}, {"enum", type.words}};
  case form::message:
    return {{"$ref", prefix + type.message.value_or("")}};
  default:
    return of_integer(type.is);
  }
}

} // namespace

document schema_of(const wire::value_schema& type, const std::string& prefix) {
  document made = of_innermost(type, prefix);
  for (auto each = type.within.rbegin(); each != type.within.rend(); ++each) {
    document outer = {{"type", *each == form::list ? "array" : "object"}};
    outer[*each == form::list ? "items" : "additionalProperties"] = std::move(made);
    made = std::move(outer);
  }
  return made;
}

std::vector<wire::message_schema>
reached_from(std::vector<std::string> names, const std::vector<wire::message_schema>& types) {
  // The list grows as messages refer to others.
  for (std::size_t i = 0; i < names.size(); ++i) {
    const wire::message_schema* const type = wire::find_schema(types, names[i]);
    if (type == nullptr) {
      continue;
    }
    for (const wire::field_schema& field : type->fields) {
      const auto& inner = field.type.message;
      if (inner && !contains(names, *inner)) {
        names.push_back(*inner);
      }
    }
  }
  std::vector<wire::message_schema> found;
  for (const wire::message_schema& each : types) {
    if (contains(names, each.name)) {
      found.push_back(each);
    }
  }
  return found;
}

void add_schemas(
    const std::string& owner,
    const std::vector<wire::message_schema>& types,
    const std::string& path,
    document& schemas) {
  const std::string prefix = path + owner + ".";
  for (const wire::message_schema& each : types) {
    document fields = document::object();
    std::vector<std::string> required;
    for (const wire::field_schema& field : each.fields) {
      fields[field.name] = schema_of(field.type, prefix);
      if (!field.optional) {
        required.push_back(field.name);
      }
    }
    document made = {{"type", "object"}, {"properties", std::move(fields)}};
    if (!required.empty()) {
      made["required"] = std::move(required);
    }
    schemas[owner + "." + each.name] = std::move(made);
  }
}

} // namespace troupe
