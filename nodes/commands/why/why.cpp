#include "nodes/commands/why/why.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/why/reading.hpp"
#include "runtime/actor/registry.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

struct why_arguments {
  std::string file;
  std::string id;
  std::string data;
  bool json = false;
};

int run_why(const why_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  const registry types{registered_types()};
  try {
    why::reading stores{plan, types, given.data};
    std::vector<uuid> asked;
    if (const auto id = parse_uuid(given.id)) {
      asked.push_back(*id);
    } else {
      auto found = stores.with_key(given.id);
      if (!found) {
        return print_error(
            found.error(),
            given.json,
            found.error().code == errc::rejected
                ? "give the id of a call, event, saga, effect or dead letter, or an ordering key"
                : "");
      }
      asked = std::move(*found);
    }
    bool is_known = false;
    for (const uuid& id : asked) {
      const why::life found = stores.of(id);
      is_known = is_known || judge(found, id).is != why::verdict::not_known;
      fmt::print("{}\n", given.json ? why::json_of(found, id) : why::page_of(found, id));
    }
    return is_known ? exit_code::ok : exit_code::rejected;
  } catch (const store::database_error& fault) {
    return print_error(fault.to_error(), given.json);
  }
}

} // namespace

void add_why(command_line& line) {
  const auto given = std::make_shared<why_arguments>();
  line.add(
          "why",
          "Shows the history of a call, event, saga, effect or dead letter, and how it ended")
      .word("FILE", given->file, "the topology")
      .word("ID", given->id, "its id; or an ordering key, for the newest events that have it")
      .option(
          "--data",
          given->data,
          "a folder with copies of the databases, under the names of their files; without it the "
          "databases of FILE are read on this machine, while they are in use, and nodes are asked "
          "for those of other machines")
      .flag("--json", given->json, "one JSON object for each id")
      .footer(with_exit_codes(
          "Ends with 3 if no store knows the id. The end of the page says what is not stored, and "
          "which stores did not answer."))
      .runs([given] { return run_why(*given); });
}

} // namespace troupe
