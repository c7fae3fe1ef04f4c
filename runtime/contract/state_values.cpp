#include "runtime/contract/state_values.hpp"

#include "runtime/contract/json_place.hpp"
#include "runtime/contract/rule_path.hpp"
#include "runtime/contract/value_rules.hpp"

#include <optional>
#include <string>

namespace troupe::contract {

namespace {

/// The value of a generator; nothing if the generator is of another type, or a value is missing.
std::optional<json> value_of(const json& generator, const json& values) {
  if (!generator.is_object() || generator.value("type", "") != "ProviderState") {
    return std::nullopt;
  }
  const std::string expression = generator.value("expression", "");
  if (values.contains(expression)) { // A plain name.
    return values[expression];
  }
  std::string made;
  std::size_t at = 0;
  for (std::size_t open = expression.find("${"); open != std::string::npos;
       open = expression.find("${", at)) {
    const std::size_t close = expression.find('}', open);
    const std::string name =
        close == std::string::npos ? std::string{} : expression.substr(open + 2, close - open - 2);
    if (!values.contains(name)) {
      return std::nullopt;
    }
    if (open == 0 && close + 1 == expression.size()) {
      return values[name];
    }
    made += expression.substr(at, open - at) + text_of(values[name]);
    at = close + 1;
  }
  return at == 0 ? std::nullopt : std::optional<json>{made + expression.substr(at)};
}

/// Sets every value whose place matches the path.
void set(json& to, const json_place& at, const rule_path& path, const json& value) {
  if (path.is_as_long_as(at) && path.weight(at) > 0) {
    to = value;
    return;
  }
  if (to.is_object()) {
    for (auto& each : to.items()) {
      set(each.value(), at.child(each.key()), path, value);
    }
  } else if (to.is_array()) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      set(to[i], at.child(i), path, value);
    }
  }
}

void set_named(named_values& to, const json& generators, const json& values) {
  for (const auto& each : generators.items()) {
    if (const auto value = value_of(each.value(), values)) {
      const std::string name = each.key().substr(0, each.key().find('['));
      to[name] = {text_of(*value)};
    }
  }
}

} // namespace

http_request with_state_values(http_request asked, const json& values) {
  const json generators = asked.generators.is_object() ? asked.generators : json::object();
  if (const auto path = value_of(generators.value("path", json{}), values)) {
    asked.path = text_of(*path);
  }
  set_named(asked.query, generators.value("query", json::object()), values);
  set_named(asked.fields, generators.value("header", json::object()), values);
  if (asked.body && asked.body->value) {
    const json in_body = generators.value("body", json::object());
    for (const auto& each : in_body.items()) {
      const auto path = rule_path::parse(each.key());
      if (const auto value = value_of(each.value(), values); path && value) {
        set(*asked.body->value, {}, *path, *value);
      }
    }
    asked.body->bytes = asked.body->value->dump();
  }
  return asked;
}

} // namespace troupe::contract
