#include "nodes/commands/databases_on_server.hpp"

#include "topology/store_path.hpp"

#include <fmt/format.h>
#include <string>
#include <vector>

namespace troupe {

outcome<void> check_all_files(const topology::plan& plan, std::string_view purpose) {
  std::vector<std::string> on_server;
  if (plan.events.is_shared()) {
    on_server.emplace_back("the brokers (the journal)");
  }
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.store && topology::is_on_server(*each.store)) {
      on_server.push_back(each.name.value);
    }
  }
  if (on_server.empty()) {
    return {};
  }
  return failure{invalid(fmt::format(
      "{} {} their data on a PostgreSQL server, and this release copies files only: {} with the "
      "server's own tools (nodes/OPERATING.md, \"PostgreSQL\"), all schemas at one moment, and "
      "stop the system before you copy {}",
      fmt::join(on_server, ", "),
      on_server.size() == 1 && !plan.events.is_shared() ? "keeps" : "keep",
      purpose,
      plan.events.is_shared() ? "files" : "the journal"))};
}

} // namespace troupe
