#include "nodes/commands/effects.hpp"

#include "nodes/commands/node_questions.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/node_calls.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

struct effect_arguments {
  std::string file;
  std::string capability;
  std::string key;
  std::string after;
  std::uint64_t count = 100;
  milliseconds deadline{5'000};
  bool json = false;
};

/// The unsettled effects by capability and key, since every node of a capability lists the same
/// ones.
using all_unsettled = std::map<std::pair<std::string, uuid>, wire::unsettled_effect>;

std::string json_of(const std::string& capability, const wire::unsettled_effect& from) {
  json_object line;
  line.add("key", from.key)
      .add("capability", capability)
      .add("effect", from.effect)
      .add("state", from.state)
      .add("call", from.call)
      .add("attempts", from.attempts)
      .add("since", utc_time_text(milliseconds{from.since}))
      .add("reason", from.reason);
  return line.text();
}

void print_table(const all_unsettled& all) {
  text_table table{
      {{"key"},
       {"capability"},
       {"effect"},
       {"state"},
       {"of call"},
       {"tries", text_table::side::right},
       {"since"},
       {"reason"}}};
  for (const auto& [key, each] : all) {
    table.add(
        {to_string(each.key),
         key.first,
         cell_text(each.effect),
         each.state,
         to_string(each.call),
         fmt::format("{}", each.attempts),
         utc_time_text(milliseconds{each.since}),
         cell_text(each.reason, 80)});
  }
  fmt::print("{}", table.for_terminal());
}

/// Merges the nodes' answers; also the key after which more effects follow, if any.
std::pair<all_unsettled, std::optional<uuid>> merged(std::vector<node_answer>& answers) {
  all_unsettled all;
  std::optional<uuid> next;
  const auto take = [&](const node_answer& from, const wire::unsettled_effects& said) {
    for (const wire::unsettled_effect& one : said.effects) {
      all.try_emplace({from.capability, one.key}, one);
    }
    if (said.next && (!next || *said.next < *next)) {
      next = said.next;
    }
  };
  take_answers<wire::unsettled_effects>(answers, take);
  return {std::move(all), next};
}

int run_list(const effect_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  TROUPE_TRY_EXIT(
      const auto meant, or_print(capabilities_meant(plan, given.capability), given.json));
  std::vector<node_question> questions;
  for (const auto* const each : meant) {
    wire::get_unsettled_effects asked{.capability = each->name.value};
    asked.count = static_cast<std::uint32_t>(given.count);
    if (!given.after.empty()) {
      asked.after = parse_uuid(given.after);
    }
    std::ranges::copy(questions_to(*each, wire::encoded(asked)), std::back_inserter(questions));
  }
  auto answers = ask_nodes(plan, "effects", "effects", questions, given.deadline);
  const auto [all, next] = merged(answers);
  if (given.json) {
    for (const auto& [key, each] : all) {
      fmt::print("{}\n", json_of(key.first, each));
    }
  } else if (all.empty()) {
    fmt::print("every result of an effect is settled\n");
  } else {
    print_table(all);
  }
  const bool is_part = print_silent(answers, given.json);
  if (next && !given.json) {
    print_aside(fmt::format("  next: continue with --after {} for more\n", to_string(*next)));
  } else if (!all.empty() && !given.json) {
    print_aside(fmt::format(
        "  next: they settle by themselves within a minute once the cause is removed; `troupe "
        "effects retry {} CAPABILITY` tries now\n",
        shell_word(given.file)));
  }
  return is_part ? exit_code::error : exit_code::ok;
}

int run_retry(const effect_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  TROUPE_TRY_EXIT(
      const auto meant, or_print(capabilities_meant(plan, given.capability), given.json));
  wire::settle_effects order{
      .capability = given.capability, .who = user_at_host().substr(0, wire::who_bytes_max)};
  if (!given.key.empty()) {
    order.key = parse_uuid(given.key);
  }
  const auto questions = questions_to(*meant.front(), wire::encoded(order));
  auto answers = ask_nodes(plan, "effects", "settle_effects", questions, given.deadline);
  std::uint64_t tried = 0;
  take_answers<wire::effects_tried>(
      answers, [&](const node_answer&, const wire::effects_tried& said) { tried += said.tried; });
  const bool is_part = print_silent(answers, given.json);
  if (tried == 0 && !is_part) {
    return print_error(
        rejected("nothing_unsettled", fmt::format("`{}` has no such result", given.capability)),
        given.json,
        fmt::format("`troupe effects list {}` lists them", shell_word(given.file)));
  }
  if (given.json) {
    fmt::print("{}\n", json_object{}.add("tried", tried).text());
  } else {
    fmt::print(
        "{} {} settled now; `troupe effects list {}` shows what is left\n",
        tried,
        tried == 1 ? "result is being" : "results are being",
        shell_word(given.file));
  }
  return is_part ? exit_code::error : exit_code::ok;
}

} // namespace

void add_effects(command_line& line) {
  const auto given = std::make_shared<effect_arguments>();
  command all = line.add("effects", "Results of effects that could not be stored yet");
  all.footer(with_exit_codes());
  all.add("list", "Lists them, each with its reason")
      .word("FILE", given->file, "the topology")
      .optional_word("CAPABILITY", given->capability, "only those of one capability")
      .option("--after", given->after, "only those after this KEY", check_uuid)
      .option("--count", given->count, "the most to list of each capability [100]", 1, 100)
      .option("--deadline", given->deadline, "how long to wait for the nodes [5s]")
      .flag("--json", given->json, "one JSON object for each")
      .footer(with_exit_codes("Ends with 4 if a node did not answer."))
      .runs([given] { return run_list(*given); });
  all.add("retry", "Settles them now, without waiting for the next attempt")
      .word("FILE", given->file, "the topology")
      .word("CAPABILITY", given->capability, "whose")
      .option("--key", given->key, "only this one", check_uuid)
      .option("--deadline", given->deadline, "how long to wait for the nodes [5s]")
      .flag("--json", given->json, "one JSON object")
      .footer(with_exit_codes("Ends with 4 if a node did not answer."))
      .runs([given] { return run_retry(*given); });
}

} // namespace troupe
