#include "nodes/commands/status.hpp"

#include "nodes/commands/plan_file.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view empty_map = "\x80";

struct status_arguments {
  std::string file;
  milliseconds deadline{1'000};
  bool json = false;
  bool exit_code = false;
};

/// What `status` ends with under --exit-code.
enum verdict_code : int { healthy = 0, degraded = 1, unreachable = 2 };

/// The status of one broker or node, or why there is no answer.
struct report {
  std::string kind;
  std::string name;
  outcome<ordered_json> said;
};

/// Asks `status` of each capability at once; the answers are in the same order.
std::vector<outcome<ordered_json>>
ask(const topology::plan& plan,
    std::vector<std::string> brokers,
    const std::vector<std::string>& capabilities,
    milliseconds deadline) {
  std::vector<question> questions;
  questions.reserve(capabilities.size());
  for (const std::string& each : capabilities) {
    questions.push_back({each, "status", std::string{empty_map}});
  }
  std::vector<outcome<ordered_json>> answers;
  for (const auto& each :
       ask_at_once(options_for_command(plan, std::move(brokers), "status"), questions, deadline)) {
    answers.push_back(each.and_then([](const std::string& body) { return wire::to_json(body); })
                          .map([](const std::string& text) { return ordered_json::parse(text); }));
  }
  return answers;
}

std::vector<report> ask_all(const topology::plan& plan, milliseconds deadline) {
  std::vector<report> reports;
  std::vector<std::string> brokers;
  for (const auto& each : plan.brokers) {
    brokers.push_back(each.listen);
    auto answers = ask(plan, {each.listen}, {"troupe.broker"}, deadline);
    reports.push_back({"broker", each.name, std::move(answers.front())});
  }
  std::vector<std::string> capabilities;
  for (const auto& each : plan.nodes) {
    capabilities.push_back("troupe.node." + each.name.value);
  }
  auto answers = ask(plan, std::move(brokers), capabilities, deadline);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    reports.push_back({"node", plan.nodes[i].name.value, std::move(answers[i])});
  }
  return reports;
}

std::string text_of(const ordered_json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

bool is_table(const ordered_json& value) {
  return value.is_array() && !value.empty() && value.front().is_object();
}

/// The text of a row's cell under `column`; "-" if the row has none, or has a table there.
std::string cell_of(const ordered_json& row, const std::string& column) {
  constexpr std::size_t longest = 4'096; // The reasons for which something is down say what to do.
  const auto found = row.find(column);
  return found == row.end() || is_table(*found) ? "-" : cell_text(text_of(*found), longest);
}

/// Prints a list of objects, a line each; what they contain in turn follows as tables of its own.
void print_table(const std::string& title, const ordered_json& rows) {
  std::vector<std::string> columns;
  for (const ordered_json& row : rows) {
    for (const auto& [key, value] : row.items()) {
      if (!is_table(value) && std::find(columns.begin(), columns.end(), key) == columns.end()) {
        columns.push_back(key);
      }
    }
  }
  std::vector<std::size_t> widths;
  for (const std::string& column : columns) {
    std::size_t width = column.size();
    for (const ordered_json& row : rows) {
      width = std::max(width, width_of(cell_of(row, column)));
    }
    const bool is_last = widths.size() + 1 == columns.size(); // The last column needs no padding.
    widths.push_back(is_last ? 0 : width);
  }
  fmt::print("  {}\n   ", title);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    fmt::print(" {:<{}}", columns[i], widths[i]);
  }
  fmt::print("\n");
  for (const ordered_json& row : rows) {
    fmt::print("   ");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      fmt::print(" {:<{}}", cell_of(row, columns[i]), widths[i]);
    }
    fmt::print("\n");
  }
  for (const ordered_json& row : rows) {
    for (const auto& [key, value] : row.items()) {
      if (is_table(value)) {
        // The first entry of a row names it.
        print_table(fmt::format("{} of {}", key, text_of(row.begin().value())), value);
      }
    }
  }
}

void print_report(const report& report) {
  if (!report.said) {
    fmt::print(
        "{} {}: no answer: {}: {}\n",
        report.kind,
        report.name,
        name_of(report.said.error().code),
        message_of(report.said.error()));
    return;
  }
  fmt::print("{} {}\n", report.kind, report.name);
  const ordered_json& said = *report.said;
  for (const auto& [key, value] : said.items()) {
    if (value.is_object()) {
      fmt::print("  {}\n", key);
      for (const auto& [inner, figure] : value.items()) {
        fmt::print("    {}: {}\n", inner, text_of(figure));
      }
    } else if (!is_table(value)) {
      fmt::print("  {}: {}\n", key, text_of(value));
    }
  }
  for (const auto& [key, value] : said.items()) {
    if (is_table(value)) {
      print_table(key, value);
    }
  }
}

/// The gateways of `plan`, each with the brokers at which it is logged in.
ordered_json gateways_of(const topology::plan& plan, const std::vector<report>& reports) {
  ordered_json all = ordered_json::array();
  for (const topology::gateway_plan& each : plan.gateways) {
    ordered_json joined = ordered_json::array();
    for (const report& broker : reports) {
      const ordered_json known =
          broker.said ? broker.said->value("gateways", ordered_json{}) : ordered_json{};
      if (std::any_of(known.begin(), known.end(), [&](const ordered_json& one) {
            return one.value("name", "") == each.name && one.value("live", false);
          })) {
        joined.push_back(broker.name);
      }
    }
    all.push_back(
        {{"name", each.name},
         {"listen", each.listen},
         {"admin", each.admin},
         {"live", !joined.empty()},
         {"brokers", std::move(joined)}});
  }
  return all;
}

ordered_json json_of(const topology::plan& plan, const std::vector<report>& reports) {
  ordered_json all = {{"brokers", ordered_json::array()}, {"nodes", ordered_json::array()}};
  for (const report& each : reports) {
    ordered_json one = {{"name", each.name}, {"answers", each.said.has_value()}};
    if (each.said) {
      one["status"] = *each.said;
    } else {
      one["error"] = {
          {"code", name_of(each.said.error().code)}, {"message", message_of(each.said.error())}};
    }
    all[each.kind == "broker" ? "brokers" : "nodes"].push_back(std::move(one));
  }
  all["gateways"] = gateways_of(plan, reports);
  return all;
}

bool is_set(const ordered_json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && *found != "" && *found != false;
}

/// Whether a broker or node says of itself that something is wrong.
bool is_in_trouble(const ordered_json& said) {
  const auto any = [&](const char* rows, const auto& is_bad) {
    const auto found = said.find(rows);
    return found != said.end() && std::any_of(found->begin(), found->end(), is_bad);
  };
  return is_set(said, "draining")
         || any(
             "capabilities",
             [](const ordered_json& row) { return is_set(row, "waiting_for_workers"); })
         || any("groups", [](const ordered_json& row) {
              return is_set(row, "down_reason") || is_set(row, "outbox_trouble")
                     || row.value("breaker", "") == "open";
            });
}

int verdict_on(const std::vector<report>& reports) {
  const bool is_reached = std::any_of(reports.begin(), reports.end(), [](const report& each) {
    return each.kind == "broker" && each.said;
  });
  if (!is_reached) {
    return verdict_code::unreachable;
  }
  const bool is_fine = std::all_of(reports.begin(), reports.end(), [](const report& each) {
    return each.said && !is_in_trouble(*each.said);
  });
  return is_fine ? verdict_code::healthy : verdict_code::degraded;
}

int run(const status_arguments& given) {
  const auto plan = load_plan(given.file, given.json);
  if (!plan) {
    return given.exit_code ? verdict_code::unreachable : plan.error();
  }
  const std::vector<report> reports = ask_all(*plan, given.deadline);
  const bool all_answer = std::all_of(
      reports.begin(), reports.end(), [](const report& each) { return each.said.has_value(); });
  if (given.json) {
    fmt::print(
        "{}\n",
        json_of(*plan, reports).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    for (const report& each : reports) {
      print_report(each);
    }
    if (!all_answer) {
      print_aside(fmt::format(
          "next: `troupe up {}` starts what is missing; its log files say why it ended\n",
          given.file));
    }
  }
  if (given.exit_code) {
    return verdict_on(reports);
  }
  return all_answer ? exit_code::ok : exit_code::error;
}

} // namespace

void add_status(command_line& line) {
  const auto given = std::make_shared<status_arguments>();
  line.add("status", "Asks every broker and node how it is")
      .word("FILE", given->file, "the topology")
      .option("--deadline", given->deadline, "how long to wait for each [1s]")
      .flag("--json", given->json, "one JSON object instead of tables")
      .flag("--exit-code", given->exit_code, "end with 0 healthy, 1 degraded, 2 unreachable")
      .footer(with_exit_codes("Ends with 4 if a broker or node did not answer. With --exit-code: "
                              "with 2 if no broker did "
                              "or the topology has faults, with 1 if a node did not or anything is "
                              "wrong, else with 0."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
