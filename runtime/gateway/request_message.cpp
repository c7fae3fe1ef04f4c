#include "runtime/gateway/request_message.hpp"

#include "runtime/gateway/strict_json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::gateway {

namespace {

using json = nlohmann::json;

bool has_body(http::method method) {
  return method != http::method::get && method != http::method::head
         && method != http::method::erase;
}

const wire::field_schema*
find_field(const types& all, std::string_view type, std::string_view name) {
  const wire::message_schema* const known = wire::find_schema(all, type);
  if (known == nullptr) {
    return nullptr;
  }
  for (const wire::field_schema& each : known->fields) {
    if (each.name == name) {
      return &each;
    }
  }
  return nullptr;
}

/// Whether a value of this type is written in JSON as the same text as in a URL.
bool stands_for_itself(const wire::value_schema& type) {
  return type.within.empty() && (type.is == wire::form::text || type.is == wire::form::id);
}

/// Whether `text` consists of letters, digits and dashes, as most values do.
bool is_word(std::string_view text) {
  return std::ranges::all_of(text, [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z')
           || (letter >= 'A' && letter <= 'Z') || letter == '-';
  });
}

/// Adds the field `name` with the value `text`, taken from the `part` of a URL.
outcome<void>
add(json& object,
    std::string_view part,
    const std::string& name,
    const std::string& text,
    const wire::field_schema* type) {
  const auto wrong = [&](std::string_view what) {
    return failure{wrong_json(pointer_to("", name), what)};
  };
  if (type == nullptr) {
    return wrong(fmt::format("the {} has no such field", part));
  }
  if (object.contains(name)) {
    return wrong(fmt::format("it is given twice, once in the {}", part));
  }
  if (is_word(text) && stands_for_itself(type->type)) {
    object[name] = text;
    return {};
  }
  const auto value = json_of_text(text, type->type);
  if (!value) {
    return wrong(fmt::format("the {} has no value of its type", part));
  }
  object[name] = json::parse(*value);
  return {};
}

/// The value of the ordering key, as text.
std::string key_of(const json& object, std::string_view field) {
  const auto found = object.find(std::string{field});
  if (found == object.end() || found->is_null()) {
    return {};
  }
  if (!found->is_string()) {
    return found->dump();
  }
  const auto& text = found->get_ref<const std::string&>();
  // UUIDs are normalised, so that upper and lower case give the same key.
  const auto id = parse_uuid(text);
  return id ? to_string(*id) : text;
}

} // namespace

outcome<request_message> message_of(
    const http::request& asked,
    const route_path::variables& variables,
    const types& all,
    std::string_view name,
    std::string_view key_field) {
  json object = json::object();
  if (has_body(asked.method)) {
    if (!asked.target.query.empty()) {
      return failure{invalid(fmt::format(
          "`{}` stands behind the path, and a {} has its fields in the body",
          asked.target.query.front().first,
          http::name_of(asked.method)))};
    }
    if (!asked.body.empty()) {
      TROUPE_TRY(object, strict_json(asked.body));
      if (!object.is_object()) {
        return failure{wrong_json("", "an object is wanted")};
      }
    }
  } else if (!asked.body.empty()) {
    return failure{invalid(fmt::format(
        "a {} has no body; its fields stand in the path and the query",
        http::name_of(asked.method)))};
  }
  for (const auto& [field, text] : variables) {
    TROUPE_CHECK(add(object, "path", field, text, find_field(all, name, field)));
  }
  for (const auto& [field, text] : asked.target.query) {
    TROUPE_CHECK(add(object, "query", field, text, find_field(all, name, field)));
  }
  return from_value(object, all, name).map([&](std::string&& body) {
    return request_message{
        std::move(body), key_field.empty() ? std::string{} : key_of(object, key_field)};
  });
}

} // namespace troupe::gateway
