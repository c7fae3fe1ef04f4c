#include "nodes/commands/plan_file.hpp"

#include "nodes/actor_types.hpp"
#include "runtime/config.hpp"
#include "runtime/wire/json.hpp"
#include "topology/read.hpp"

#include <fmt/format.h>
#include <variant>

namespace troupe {

void print_faults(const topology::faults& found, bool json) {
  if (!json) {
    return print_aside(found.to_text());
  }
  std::vector<wire::json_object> all;
  for (const fault& each : found.all) {
    all.emplace_back()
        .add("line", each.at.line)
        .add("column", each.at.column)
        .add("what", each.what)
        .add("remedy", each.remedy);
  }
  fmt::print(
      "{}\n",
      wire::json_object{}.add("ok", false).add("file", found.file).add("faults", all).text());
}

or_exit<topology::plan> load_plan(const std::string& file, bool json) {
  auto text = topology::read_text(file);
  if (const auto* const found = std::get_if<topology::faults>(&text)) {
    print_faults(*found, json);
    return tl::unexpected{exit_code::faults};
  }
  return load_text(std::get<std::string>(text), file, json);
}

or_exit<topology::plan> load_text(const std::string& text, const std::string& file, bool json) {
  auto read = topology::read(text, file, actor_types());
  if (const auto* const found = std::get_if<topology::faults>(&read)) {
    print_faults(*found, json);
    return tl::unexpected{exit_code::faults};
  }
  return std::get<topology::plan>(std::move(read));
}

error unknown_capability(const topology::plan& plan, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& each : plan.capabilities) {
    known.push_back(each.name.value);
  }
  return {
      .code = errc::unknown_capability,
      .message =
          fmt::format("{} has no capability `{}`{}", plan.file, name, did_you_mean(name, known))};
}

} // namespace troupe
