#include "runtime/contract/example.hpp"

#include "runtime/contract/json_place.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::contract {

namespace {

/// Marks a value that carries its matchers, until `split` removes them.
constexpr const char* marker = "troupe:contract:matchers";

json marked(json matchers, json example) {
  return {{marker, std::move(matchers)}, {"value", std::move(example)}};
}

json one(json matcher, json example) {
  return marked(json::array({std::move(matcher)}), std::move(example));
}

/// Removes the matchers from `expected`, at `path`, and adds them to `rules`.
json take(const json& expected, const std::string& path, json& rules) {
  if (expected.is_array()) {
    json content = json::array();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      content.push_back(take(expected[i], fmt::format("{}[{}]", path, i), rules));
    }
    return content;
  }
  if (!expected.is_object()) {
    return expected;
  }
  if (!expected.contains(marker)) {
    json content = json::object();
    for (const auto& each : expected.items()) {
      content[each.key()] = take(each.value(), path + key_in_path(each.key()), rules);
    }
    return content;
  }
  const json& matchers = expected[marker];
  const json& example = expected["value"];
  rules[path] = {{"combine", "AND"}, {"matchers", matchers}};
  const std::string kind = matchers[0]["match"];
  if (kind == "arrayContains") {
    json variants = json::array();
    json content = json::array();
    for (std::size_t i = 0; i < example.size(); ++i) {
      expectation item = split(example[i]);
      content.push_back(std::move(item.content));
      variants.push_back({{"index", i}, {"rules", std::move(item.rules)}});
    }
    rules[path]["matchers"][0]["variants"] = std::move(variants);
    return content;
  }
  // A list whose first item is the example for all.
  if (kind == "type" && matchers[0].contains("min")) {
    const auto least = matchers[0]["min"].get<std::size_t>();
    return json(std::max<std::size_t>(least, 1), take(example[0], path + "[*]", rules));
  }
  if (kind == "eachValue" || kind == "eachKey") {
    json content = json::object();
    for (const auto& each : example.items()) {
      content[each.key()] = take(each.value(), path + ".*", rules);
    }
    return content;
  }
  return take(example, path, rules);
}

} // namespace

json like(json example) {
  return one({{"match", "type"}}, std::move(example));
}

json exactly(json value) {
  return one({{"match", "equality"}}, std::move(value));
}

json integer(std::int64_t example) {
  return one({{"match", "integer"}}, example);
}

json decimal(double example) {
  return one({{"match", "decimal"}}, example);
}

json number(json example) {
  return one({{"match", "number"}}, std::move(example));
}

json boolean(bool example) {
  return one({{"match", "boolean"}}, example);
}

json null() {
  return one({{"match", "null"}}, nullptr);
}

json matching(std::string_view expression, std::string_view example) {
  return one({{"match", "regex"}, {"regex", expression}}, example);
}

json including(std::string_view part, std::string_view example) {
  return one({{"match", "include"}, {"value", part}}, example);
}

json some_uuid(std::string_view example) {
  return matching("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", example);
}

json date_time(std::string_view pattern, std::string_view example) {
  return one({{"match", "datetime"}, {"format", pattern}}, example);
}

json each_like(json example, std::size_t least, std::optional<std::size_t> most) {
  json matcher{{"match", "type"}, {"min", least}};
  if (most) {
    matcher["max"] = *most;
  }
  return one(std::move(matcher), json::array({std::move(example)}));
}

json containing(std::initializer_list<json> items) {
  json all = json::array();
  for (const json& each : items) {
    all.push_back(each);
  }
  return one({{"match", "arrayContains"}}, std::move(all));
}

json each_value_like(json example) {
  return one(
      {{"match", "eachValue"}, {"rules", json::array({{{"match", "type"}}})}}, std::move(example));
}

json each_key_matching(std::string_view expression, json example) {
  const json type{{"match", "type"}};
  return marked(
      json::array(
          {{{"match", "eachKey"},
            {"rules", json::array({{{"match", "regex"}, {"regex", expression}}})}},
           {{"match", "eachValue"}, {"rules", json::array({type})}}}),
      std::move(example));
}

expectation split(const json& expected) {
  expectation made;
  made.content = take(expected, "$", made.rules);
  return made;
}

} // namespace troupe::contract
