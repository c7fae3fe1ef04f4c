#include "nodes/commands/status/status.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/status/questions.hpp"
#include "nodes/commands/status/report.hpp"
#include "nodes/commands/status/screen.hpp"
#include "nodes/commands/status/tables.hpp"
#include "nodes/commands/status/troubles.hpp"
#include "nodes/connection.hpp"
#include "nodes/stop_signals.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace troupe {

namespace {

constexpr std::size_t columns_of_a_page = 100;
constexpr milliseconds watch_interval{2'000};

struct status_arguments {
  std::string file;
  milliseconds deadline{1'000};
  bool all = false;
  bool watch = false;
  bool json = false;
  bool exit_code = false;
};

void print_all(const system_answers& answers) {
  for (const status_report& each : answers.reports) {
    const auto title = fmt::format("{} {}", each.kind, each.name);
    if (const auto said = json_of(each.said)) {
      print_tables(title, *said);
    } else {
      fmt::print(
          "\n{}: no answer: {}: {}\n", title, name_of(said.error().code), message_of(said.error()));
    }
  }
}

/// Asks once and prints the answer.
/// @return the exit code.
int show(system_links& links, const topology::plan& plan, const status_arguments& given) {
  const system_answers answers = ask_system(links, plan, given.file, matters::all, given.deadline);
  const std::vector<trouble> found = troubles_of(answers.view);
  const bool clears = given.watch && draws_in_place(STDOUT_FILENO) && !given.json;
  if (clears) {
    fmt::print("\x1b[H\x1b[2J"); // Moves the cursor home and clears the screen.
  }
  if (given.json) {
    fmt::print("{}\n", line_of(report_of(plan, answers, found)));
  } else {
    fmt::print(
        "{}", screen_of(answers.view, found, given.all, terminal_columns(columns_of_a_page)));
    if (given.all) {
      print_all(answers);
    }
    if (given.watch) {
      fmt::print(
          "\n  {}  every {}, Ctrl-C ends it\n",
          utc_time_text(std::chrono::system_clock::now()).substr(0, 19),
          age_text(watch_interval));
    }
  }
  const auto& reports = answers.reports;
  const bool all_answer =
      std::ranges::all_of(reports, [](const status_report& each) { return !!each.said; });
  return given.exit_code ? static_cast<int>(verdict_on(answers.view, found))
         : all_answer    ? exit_code::ok
                         : exit_code::error;
}

int run(const status_arguments& given) {
  // Block the signals before any thread starts, since threads inherit the mask.
  const auto stop_signals = given.watch ? std::optional{block_stop_signals()} : std::nullopt;
  const auto plan = load_plan(given.file, given.json);
  if (!plan) {
    return given.exit_code ? static_cast<int>(system_health::unreachable) : plan.error();
  }
  // Without a key the system cannot be asked, which does not say that it is down.
  if (const auto own = options_for_command(*plan, addresses_of(*plan), "status"); !own) {
    const int code = print_error(own.error(), given.json);
    return given.exit_code ? static_cast<int>(system_health::unreachable) : code;
  }
  system_links links{*plan, [&plan](std::vector<std::string> brokers) {
                       return options_for_command(*plan, std::move(brokers), "status");
                     }};
  int code = show(links, *plan, given);
  while (stop_signals && written_out(exit_code::ok) == exit_code::ok
         && !stop_signal_comes(*stop_signals, watch_interval)) {
    code = show(links, *plan, given);
  }
  return code;
}

} // namespace

void add_status(command_line& line) {
  const auto given = std::make_shared<status_arguments>();
  line.add(
          "status",
          "Shows whether the system is healthy; else what is wrong, since when and what to do")
      .word("FILE", given->file, "the topology")
      .option("--deadline", given->deadline, "how long to wait for each broker and node [1s]")
      .flag("--all", given->all, "also shows everything that each broker and node reports")
      .flag("--watch", given->watch, "shows it again every 2s, until Ctrl-C")
      .flag("--json", given->json, "one JSON object instead, with everything")
      .flag("--exit-code", given->exit_code, "end with 0 healthy, 1 degraded, 2 unreachable")
      .footer(with_exit_codes("Ends with 4 if a broker or node did not answer. With --exit-code: "
                              "with 2 if no broker did "
                              "or the topology has faults, with 1 if a node did not or anything is "
                              "wrong, else with 0. Matters that wait for a person (dead letters, "
                              "parked sagas) are shown and do not count."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
