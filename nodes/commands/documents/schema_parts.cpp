#include "nodes/commands/documents/schema_parts.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe {

document of_text(std::string_view what, const char* pattern) {
  document made = {{"description", what}, {"type", "string"}};
  if (pattern != nullptr) {
    made["pattern"] = pattern;
  }
  return made;
}

document whole_number(std::string_view what, std::int64_t least, std::int64_t most) {
  return {
      {"description", fmt::format("{}: {} to {}", what, least, most)},
      {"type", {"integer", "string"}},
      {"minimum", least},
      {"maximum", most},
      {"pattern", "^[0-9]+$"}};
}

document fraction(std::string_view what, range<double> within, double otherwise) {
  return {
      {"description", fmt::format("{}: {} to {}", what, within.least, within.most)},
      {"type", {"number", "string"}},
      {"minimum", within.least},
      {"maximum", within.most},
      {"pattern", "^[0-9.e-]+$"},
      {"default", otherwise}};
}

document duration(std::string_view what, range<std::chrono::milliseconds> within) {
  return {
      {"description",
       fmt::format("{}: {} to {}", what, duration_text(within.least), duration_text(within.most))},
      {"type", "string"},
      {"pattern", "^[0-9]+(ms|s|m|h|d)$"}};
}

document size(std::string_view what, range<std::uint64_t> within, std::uint64_t otherwise) {
  return {
      {"description",
       fmt::format("{}: {} to {}", what, size_text(within.least), size_text(within.most))},
      {"type", {"integer", "string"}},
      {"minimum", within.least},
      {"maximum", within.most},
      {"pattern", "^[0-9]+([KMG]iB)?$"},
      {"default", size_text(otherwise)}};
}

document list_of(std::string_view what, document item, int most) {
  return {
      {"description", what},
      {"type", "array"},
      {"maxItems", most},
      {"uniqueItems", true},
      {"items", std::move(item)}};
}

document section(std::string_view what, document keys) {
  return {
      {"description", what},
      {"type", {"object", "null"}},
      {"properties", std::move(keys)},
      {"additionalProperties", false}};
}

document section(std::string_view what, document keys, std::vector<std::string> required) {
  document made = section(what, std::move(keys));
  made["type"] = "object";
  made["required"] = std::move(required);
  return made;
}

document map_of(std::string_view what, const char* names, document each) {
  return {
      {"description", what},
      {"type", "object"},
      {"minProperties", 1},
      {"propertyNames", {{"pattern", names}}},
      {"additionalProperties", std::move(each)}};
}

document address(std::string_view what, const char* pattern, const char* example) {
  document made = of_text(what, pattern);
  made["examples"] = document::array({example});
  return made;
}

document admin() {
  return address(
      "where the process answers `/livez`, `/readyz`, `/health` and `/metrics` over HTTP; loopback",
      "^.+:[0-9]+$",
      "127.0.0.1:9101");
}

document host() {
  document made = of_text("the machine it runs on", "^[A-Za-z0-9.:_-]{1,253}$");
  made["default"] = "here";
  return made;
}

} // namespace troupe
