#include "nodes/commands/version.hpp"

#include "nodes/commands/dependencies.hpp"
#include "nodes/commands/output.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <memory>
#include <vector>

namespace troupe {

namespace {

using wire::json_object;

constexpr auto program = "troupe";
constexpr auto release = "0.1.0";

/// The software bill of materials.
/// @source CycloneDX 1.5, bom-1.5.schema.json.
std::string bill_of_materials() {
  std::vector<json_object> components;
  for (const dependency& each : dependencies()) {
    std::vector<json_object> licenses(1);
    licenses.front().add("expression", each.license);
    std::vector<json_object> properties(1);
    properties.front().add("name", "troupe:linked").add("value", each.is_shared ? "shared" : "in");
    components.emplace_back()
        .add("type", "library")
        .add("bom-ref", fmt::format("{}@{}", each.name, each.version))
        .add("name", each.name)
        .add("version", each.version)
        .add("licenses", licenses)
        .add("purl", fmt::format("pkg:generic/{}@{}", each.name, each.version))
        .add("properties", properties);
  }
  json_object self;
  self.add("type", "application")
      .add("bom-ref", fmt::format("{}@{}", program, release))
      .add("name", program)
      .add("version", release);
  return json_object{}
      .add("bomFormat", "CycloneDX")
      .add("specVersion", "1.5")
      .add("version", 1)
      .add("metadata", json_object{}.add("component", self))
      .add("components", components)
      .text();
}

} // namespace

std::string version_text() {
  return fmt::format("{} {}", program, release);
}

void add_version(command_line& line) {
  const auto wants_materials = std::make_shared<bool>(false);
  const std::string text = version_text();
  line.version(text);
  line.add("version", "Prints the version")
      .flag(
          "--sbom",
          *wants_materials,
          "the libraries it was built with and their versions, as JSON (CycloneDX 1.5)")
      .runs([wants_materials, text] {
        fmt::print("{}\n", *wants_materials ? bill_of_materials() : text);
        return exit_code::ok;
      });
}

} // namespace troupe
