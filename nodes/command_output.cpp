#include "nodes/actor_types.hpp"
#include "nodes/command.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <variant>

namespace troupe {

namespace {

using nlohmann::ordered_json;

std::string line_of(const ordered_json& value) {
  // What others sent may not be UTF-8: it must not end the command.
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void print_faults(const topology::faults& found, bool json) {
  if (!json) {
    fmt::print(stderr, "{}", found.to_text());
    return;
  }
  ordered_json all = ordered_json::array();
  for (const fault& each : found.all) {
    all.push_back(
        {{"line", each.at.line},
         {"column", each.at.column},
         {"what", each.what},
         {"remedy", each.remedy}});
  }
  fmt::print("{}\n", line_of({{"ok", false}, {"file", found.file}, {"faults", all}}));
}

/// What to do next, in words; empty if the message says it.
std::string_view advice(const error& why) {
  switch (why.code) {
  case errc::deadline_exceeded:
    return why.possible == effect::unknown
               ? "ask again with the same --id: it is answered from what happened, not done twice"
               : "is the system up? `troupe up FILE` starts it, `troupe status FILE` looks at it";
  case errc::unknown_capability:
  case errc::unknown_operation:
    return "`troupe check FILE` lists the capabilities";
  case errc::overloaded:
  case errc::circuit_open:
  case errc::unavailable:
    return "try again with the same --id, or give it more time with --deadline";
  case errc::conflict:
    return "this --id was used for something else: leave it out to get a new one";
  case errc::invalid:
    return "change the request as the message says";
  case errc::crashed:
  case errc::internal:
    return "the nodes' log files have the details";
  default:
    return "";
  }
}

int code_for(errc code) {
  switch (code) {
  case errc::rejected:
    return exit_code::rejected;
  case errc::deadline_exceeded:
    return exit_code::deadline;
  default:
    return exit_code::error;
  }
}

} // namespace

std::optional<topology::plan> load_plan(const std::string& file, bool json) {
  auto read = topology::read_file(file, actor_types());
  if (const auto* const found = std::get_if<topology::faults>(&read)) {
    print_faults(*found, json);
    return std::nullopt;
  }
  return std::get<topology::plan>(std::move(read));
}

int print_error(const error& why, bool json, std::string_view next) {
  next = next.empty() ? advice(why) : next;
  const std::string_view possible = why.possible == effect::none ? "none" : "unknown";
  if (json) {
    ordered_json line = {
        {"code", name_of(why.code)}, {"effect", possible}, {"message", why.message}};
    if (why.retry_after) {
      line["retry_after_ms"] = why.retry_after->count();
    }
    for (const auto& [key, value] : why.details) {
      line["details"][key] = value;
    }
    if (!next.empty()) {
      line["next"] = next;
    }
    fmt::print("{}\n", line_of({{"error", line}}));
    return code_for(why.code);
  }
  fmt::print(stderr, "{}: {}\n", name_of(why.code), why.message);
  for (const auto& [key, value] : why.details) {
    fmt::print(stderr, "  {}: {}\n", key, value);
  }
  if (why.possible == effect::unknown) {
    fmt::print(stderr, "  it may have had an effect\n");
  }
  if (!next.empty()) {
    fmt::print(stderr, "  next: {}\n", next);
  }
  return code_for(why.code);
}

} // namespace troupe
