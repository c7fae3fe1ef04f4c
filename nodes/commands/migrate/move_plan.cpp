#include "nodes/commands/migrate/move_plan.hpp"

#include "topology/store_path.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>

namespace troupe {

namespace {

constexpr std::string_view usual_file = "sqlite:data/{capability}.db";

/// One side of a move, as given by the user.
struct side {
  bool is_server = false;
  std::optional<std::string> place;
};

outcome<side> side_of(const std::string& option, const std::string& word) {
  if (word == "sqlite" || word == "postgresql") {
    return side{word == "postgresql", std::nullopt};
  }
  const auto fault = word == "none" ? std::optional{troupe::fault{{}, "is no place", {}}}
                                    : topology::check_store(word);
  if (fault) {
    return failure{invalid(fmt::format(
        "{} {}: write sqlite, postgresql, sqlite:data/{{capability}}.db or "
        "postgresql://HOST/DATABASE",
        option,
        topology::told_of_store(word, fault->what)))};
  }
  const bool is_server = topology::is_on_server(word);
  if (!is_server && word.find("{capability}") == std::string::npos) {
    return failure{invalid(fmt::format(
        "{} `{}` is one file for all: each database has its own, so write {{capability}} into its "
        "name",
        option,
        word))};
  }
  return side{is_server, word};
}

} // namespace

outcome<move_plan>
move_plan_of(const topology::plan& plan, const std::string& from, const std::string& to) {
  TROUPE_TRY(const auto source, side_of("--from", from));
  TROUPE_TRY(const auto target, side_of("--to", to));
  if (source.is_server == target.is_server) {
    return failure{invalid("--from and --to name the same engine: one of them is sqlite, the other "
                           "one postgresql")};
  }
  move_plan made;
  made.to_server = target.is_server;
  made.system = plan.name;
  const side& server = target.is_server ? target : source;
  const side& files = target.is_server ? source : target;
  const auto all = stored_databases(plan);
  const bool has_server = std::ranges::any_of(
      all, [](const stored_database& each) { return topology::is_on_server(each.store); });
  for (const stored_database& each : all) {
    const bool is_on_server = topology::is_on_server(each.store);
    if (has_server && !is_on_server) {
      made.staying.push_back(each.owner);
      continue;
    }
    if (!server.place && !is_on_server) {
      return failure{invalid(fmt::format(
          "the topology has no store on a server, so say which one: {} "
          "postgresql://USER@HOST/DATABASE",
          target.is_server ? "--to" : "--from"))};
    }
    const std::string kept =
        files.place || is_on_server ? *topology::store_for(
            files.place.value_or(std::string{usual_file}), capability_name{each.owner}, plan.folder)
                                    : each.store;
    made.databases.push_back(
        {each,
         std::filesystem::absolute(topology::path_in(kept)).lexically_normal().string(),
         server.place.value_or(each.store)});
  }
  return made;
}

} // namespace troupe
