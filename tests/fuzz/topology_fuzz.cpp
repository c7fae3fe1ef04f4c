#include "tests/fuzz/target.hpp"
#include "topology/explain.hpp"
#include "topology/read.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

const std::vector<topology::actor_type>& all_types() {
  static const std::vector<topology::actor_type> made{
      {.name = "users",
       .wants_store = true,
       .check_config = {},
       .calls = {},
       .described = {.actor = "users", .operations = {{"get"}}, .handles = {{"*"}}}},
      {.name = "orders",
       .wants_store = false,
       .check_config = {},
       .calls = {{.to = "users.get"}},
       .described = {.actor = "orders", .operations = {{"place"}}, .handles = {{"user.*"}}}}};
  return made;
}

void try_units(const std::string& text) {
  if (const auto duration = parse_duration(text)) {
    expect(parse_duration(duration_text(*duration)) == duration);
  }
  if (const auto size = parse_size(text)) {
    expect(!size_text(*size).empty());
  }
}

/// A plan that can be explained, or faults that say where they are and what to do.
void try_topology(std::string_view text) {
  try_units(std::string{text});
  const auto read = topology::read(text, "fuzz/topology.yaml", all_types());
  if (const auto* plan = std::get_if<topology::plan>(&read)) {
    return expect(!topology::explain(*plan, all_types()).empty());
  }
  const auto& wrong = std::get<topology::faults>(read);
  const auto lines = 1 + std::ranges::count(text, '\n');
  expect(!wrong.all.empty() && !wrong.to_text().empty());
  int last = 0;
  for (const fault& each : wrong.all) {
    expect(!each.what.empty() && !each.remedy.empty());
    expect(each.at.line >= last && each.at.line <= lines);
    last = each.at.line;
  }
}

const target registered{"topology", try_topology};

} // namespace

} // namespace troupe::fuzz
