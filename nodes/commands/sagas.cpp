#include "nodes/commands/sagas.hpp"

#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/saga_filter.hpp"
#include "nodes/commands/saga_orders.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/contains.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace troupe {

namespace {

struct saga_arguments {
  std::string file;
  saga_filter filter;
  milliseconds deadline{5'000};
  bool json = false;
};

/// The command that makes the listed sagas continue, if any has stopped. Sagas that need a person
/// are still running, so they are not resumed.
std::string order_text(const saga_page& page, const std::string& file) {
  const auto is_any_of = [&page](std::initializer_list<std::string_view> states) {
    return std::ranges::any_of(
        page.found, [&](const auto& each) { return contains(states, each.second.saga.state); });
  };
  if (is_any_of({"parked", "paused", "left_alone", "failing"})) {
    return fmt::format("; `troupe sagas resume {} CAPABILITY ID`, once the reason is gone", file);
  }
  return is_any_of({"needs_person"}) ? fmt::format(
             "; `troupe sagas retry {} CAPABILITY ID --reason TEXT`, once the reason is gone", file)
                                     : "";
}

int run_list(const saga_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  TROUPE_TRY_EXIT(
      const auto meant, or_print(capabilities_meant(plan, given.filter.capability), given.json));
  const saga_page page = list_sagas(plan, meant, given.filter, given.deadline);
  if (given.json) {
    for (const auto& [key, each] : page.found) {
      fmt::print("{}\n", json_of(each));
    }
  } else if (page.found.empty()) {
    fmt::print("{}\n", given.filter.is_any() ? "there is no such saga" : "no saga stands still");
  } else {
    fmt::print("{}", text_of(page));
  }
  if (page.queued != 0 && !given.json && !given.filter.is_any()) {
    print_aside(fmt::format(
        "  queued: {} wait for their turn; `troupe sagas list {} --state queued` lists them\n",
        page.queued,
        shell_word(given.file)));
  }
  const bool is_part = print_silent(page.answers, given.json);
  if (page.next && !given.json) {
    print_aside(fmt::format("  next: continue with --after {} for more\n", to_string(*page.next)));
  } else if (!page.found.empty() && !given.json) {
    print_aside(fmt::format(
        "  next: `troupe saga show {0} ID`{1}\n",
        shell_word(given.file),
        order_text(page, shell_word(given.file))));
  }
  return is_part ? exit_code::error : exit_code::ok;
}

} // namespace

void add_sagas(command_line& line) {
  const auto given = std::make_shared<saga_arguments>();
  command all = line.add("sagas", "Lists sagas, such as those that stopped, and gives them orders");
  all.footer(with_exit_codes());
  command list = all.add("list", "Lists those that stopped, or that match a filter");
  list.word("FILE", given->file, "the topology")
      .optional_word("CAPABILITY", given->filter.capability, "only those of one capability");
  add_filter(list, given->filter);
  list.option("--after", given->filter.after, "only those after this ID", check_uuid)
      .option("--count", given->filter.count, "the most to list of each capability [100]", 1, 100)
      .option("--deadline", given->deadline, "how long to wait for the nodes [5s]")
      .flag("--json", given->json, "one JSON object for each")
      .footer(with_exit_codes(
          "parked: waits for a person. paused: held by a person. failing: the node retries it, at "
          "growing intervals. left_alone: the program of the node named has no definition of it. "
          "needs_person: a step or undo that is retried without limit has failed for too long. "
          "queued: waits for its turn, since `at_once` of its operation run.\nEnds "
          "with 4 if a node did not answer."))
      .runs([given] { return run_list(*given); });
  add_saga_orders(all);
}

} // namespace troupe
