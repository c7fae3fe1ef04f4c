#include "nodes/commands/dead_letters.hpp"

#include "nodes/commands/letter_choice.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

constexpr std::string_view events_target = "troupe.events";

struct dead_letter_arguments : connect_arguments, letter_choice {
  std::string id;
  std::string after;
  std::string to;
  std::uint64_t count = 100;
  bool all = false;
  bool dry_run = false;
};

/// "3 events are" or "1 event would be": the subject of a sentence about an order.
std::string counted(std::uint64_t count, std::string_view what, bool is_dry_run) {
  return fmt::format(
      "{} {}{} {}",
      count,
      what,
      count == 1 ? "" : "s",
      is_dry_run   ? "would be"
      : count == 1 ? "is"
                   : "are");
}

std::string json_of(const wire::letter& letter) {
  json_object line;
  line.add("id", letter.id)
      .add("capability", letter.capability)
      .add("position", letter.position)
      .add("event_id", letter.event_id)
      .add("topic", letter.topic)
      .add("key", letter.key)
      .add("cause", letter.cause)
      .add("attempts", letter.attempts)
      .add("first_at", utc_time_text(milliseconds{letter.first_at}))
      .add("last_at", utc_time_text(milliseconds{letter.last_at}))
      .add("node", letter.node)
      .add("replica", letter.replica)
      .add("error", letter.error)
      .add("traceparent", letter.traceparent);
  if (letter.body) {
    line.add_json("body", wire::json_of(letter.body->bytes));
  }
  return line.text();
}

/// Prints a row for each letter, followed by its key and its error, cut to the terminal's width.
void print_dead_letters(const std::vector<wire::letter>& letters) {
  text_table table{
      {{"id"},
       {"age", text_table::side::right},
       {"tries", text_table::side::right},
       {"cause"},
       {"capability"},
       {"topic"}}};
  const std::int64_t now = unix_millis(std::chrono::system_clock::now());
  const std::size_t columns = terminal_columns(100);
  for (const wire::letter& each : letters) {
    table.add(
        {to_string(each.id),
         age_text(milliseconds{now - each.last_at}),
         fmt::format("{}", each.attempts),
         each.cause,
         each.capability,
         each.topic});
    constexpr std::string_view indent = "      ";
    constexpr std::size_t dots = 3;
    const std::string said =
        each.key.empty()
            ? cell_text(each.error, std::string::npos)
            : fmt::format(
                "key {}: {}", cell_text(each.key, 36), cell_text(each.error, std::string::npos));
    table.add_below(fmt::format(
        "{}{}",
        indent,
        cell_text(said, std::max<std::size_t>(columns, 40) - indent.size() - dots)));
  }
  fmt::print("{}", table.text(columns));
}

void print_dead_letter(const wire::letter& letter) {
  const auto line = [](std::string_view name, const std::string& value) {
    if (!value.empty()) {
      fmt::print("  {:<12} {}\n", name, cell_text(value, std::string::npos));
    }
  };
  fmt::print("dead letter {}\n", to_string(letter.id));
  line("capability", letter.capability);
  line("topic", letter.topic);
  line("key", letter.key);
  line("event", fmt::format("{}, position {}", to_string(letter.event_id), letter.position));
  line("cause", letter.cause);
  line("attempts", fmt::format("{}", letter.attempts));
  line("first tried", utc_time_text(milliseconds{letter.first_at}));
  line("given up", utc_time_text(milliseconds{letter.last_at}));
  line("on", fmt::format("{}, replica {}", letter.node, letter.replica));
  line("trace", letter.traceparent);
  // Print the error in full, with all its lines.
  std::string_view rest = letter.error;
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    fmt::print(
        "  {:<12} {}\n", first ? "error" : "", cell_text(rest.substr(0, end), std::string::npos));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (letter.body) {
    const auto body = wire::to_json(letter.body->bytes, true);
    fmt::print("  body\n{}\n", body ? *body : wire::json_of(letter.body->bytes));
  }
}

/// Like `print_journal_error`, but adds where to look for dead letters if the id is unknown.
int print_failure(const error& why, bool json) {
  if (why.detail("reason") == "no_subscriber") {
    return print_error(
        why, json, "`troupe dead-letters retry ... --to NAME` gives it to another capability");
  }
  if (why.code == errc::unknown_operation) {
    return print_error(
        why,
        json,
        "the broker that keeps the journal is of an earlier release: start the new one, or choose "
        "by ID, or by --all and --capability alone");
  }
  if (why.detail("reason") == "no_dead_letter") {
    return print_error(why, json, "`troupe dead-letters list` lists them");
  }
  return print_journal_error(
      why, json, "`troupe dead-letters list` says whether it is still there");
}

int no_such_dead_letter(const dead_letter_arguments& given) {
  return print_failure(
      rejected("no_dead_letter", fmt::format("there is no dead letter {}", given.id)), given.json);
}

/// Whether the topology lacks the capability `name`. It may have dead letters all the same: they
/// outlive a capability that was renamed or removed.
bool is_unknown(std::string_view name, const std::optional<topology::plan>& plan) {
  return plan && !name.empty() && plan->find(capability_name{std::string{name}}) == nullptr;
}

/// Prints the dead letters that stay because no capability would receive their events.
void print_kept(const std::vector<wire::letters_kept>& kept) {
  fmt::print("kept, since no capability would get them:\n");
  text_table table{{{"capability"}, {"topic"}, {"dead letters", text_table::side::right}}};
  for (const wire::letters_kept& each : kept) {
    table.add({each.to, each.topic, fmt::format("{}", each.letters)});
  }
  fmt::print(
      "{}\nnext: a capability that is not in the topology, or does not subscribe to the topic, "
      "gets "
      "no events; `--to NAME` gives them to another one\n",
      table.for_terminal());
}

std::string json_of(const wire::letters_retried& answer, bool is_dry_run) {
  json_object line;
  line.add("retried", answer.retried);
  if (is_dry_run) {
    line.add("dry_run", true);
  }
  if (answer.kept) {
    std::string kept;
    for (const wire::letters_kept& each : *answer.kept) {
      json_object one;
      one.add("capability", each.to).add("topic", each.topic).add("dead_letters", each.letters);
      kept += (kept.empty() ? "" : ",") + one.text();
    }
    line.add_json("kept", fmt::format("[{}]", kept));
  }
  return line.text();
}

void print_that_there_are_none(const dead_letter_arguments& given) {
  fmt::print(
      "there are no {}dead letters{}{}\n",
      given.after.empty() ? "" : "more ",
      given.capability.empty() ? "" : fmt::format(" of `{}`", given.capability),
      given.is_narrow() ? " that fit" : "");
}

/// Asks about the dead letter with the given ID, and passes the answer to `print`.
/// @return the exit code, of `print` if there is an answer.
template <class Answer, class Request, class Print>
int ask_about_one(
    std::string_view command,
    const dead_letter_arguments& given,
    std::string_view operation,
    const Print& print) {
  TROUPE_TRY_EXIT(auto over, connection::open(command, given, needs::journal));
  const auto answer = over.ask<Answer>(events_target, operation, Request{*parse_uuid(given.id)});
  return answer ? print(*answer) : print_failure(answer.error(), given.json);
}

int run_list(const dead_letter_arguments& given) {
  wire::get_dead_letters question;
  if (!given.capability.empty()) {
    question.capability = given.capability;
  }
  if (!given.after.empty()) {
    question.after = parse_uuid(given.after);
  }
  if (given.is_narrow()) {
    question.which = filter_of(given);
  }
  TROUPE_TRY_EXIT(auto over, connection::open("dead-letters list", given, needs::journal));
  std::vector<wire::letter> letters;
  do { // An answer has as many letters as fit.
    question.count = static_cast<std::uint32_t>(given.count - letters.size());
    auto answer = over.ask<wire::letters_found>(events_target, "dead_letters", question);
    if (!answer) {
      return print_journal_error(answer.error(), given.json);
    }
    if (question.which) {
      std::erase_if(answer->letters, [&](const wire::letter& each) {
        return !is_meant(each, *question.which);
      });
    }
    letters.insert(
        letters.end(),
        std::make_move_iterator(answer->letters.begin()),
        std::make_move_iterator(answer->letters.end()));
    question.after = answer->next;
  } while (question.after && letters.size() < given.count);
  if (letters.empty() && is_unknown(given.capability, over.plan())) {
    return print_error(unknown_capability(*over.plan(), given.capability), given.json);
  }
  if (given.json) {
    for (const wire::letter& each : letters) {
      fmt::print("{}\n", json_of(each));
    }
    return exit_code::ok;
  }
  if (letters.empty()) {
    print_that_there_are_none(given);
    return exit_code::ok;
  }
  print_dead_letters(letters);
  if (question.after) {
    fmt::print("\nnext: continue with --after {} for more\n", to_string(*question.after));
  } else {
    fmt::print("\nnext: `troupe dead-letters show`, `retry` or `drop` with an ID\n");
  }
  return exit_code::ok;
}

int run_show(const dead_letter_arguments& given) {
  return ask_about_one<wire::letter, wire::get_dead_letter>(
      "dead-letters show", given, "dead_letter", [&](const wire::letter& letter) {
        if (given.json) {
          fmt::print("{}\n", json_of(letter));
        } else {
          print_dead_letter(letter);
        }
        return exit_code::ok;
      });
}

/// The fault in the choice of letters to change; empty if it is valid.
std::string choice_fault(const dead_letter_arguments& given) {
  if (given.all != given.id.empty()) {
    return "expected ID or --all";
  }
  return !given.all && (!given.capability.empty() || given.is_narrow() || given.dry_run)
             ? "--capability, --topic, --cause, --since, --older and --dry-run go with --all"
             : "";
}

outcome<wire::letters_retried> ask_retry(connection& over, const dead_letter_arguments& given) {
  const auto to = given.to.empty() ? std::nullopt : std::optional{given.to};
  if (given.is_narrow() || given.dry_run) {
    return over.ask<wire::letters_retried>(
        events_target,
        "retry_dead_letters",
        wire::change_dead_letters{filter_of(given), to, given.dry_run});
  }
  wire::retry_dead_letter question;
  question.all = given.all;
  question.id = parse_uuid(given.id);
  question.capability = filter_of(given).capability;
  question.to = to;
  return over.ask<wire::letters_retried>(events_target, "retry_dead_letter", question);
}

int run_retry(const dead_letter_arguments& given) {
  constexpr std::string_view command = "dead-letters retry";
  if (const std::string fault = choice_fault(given); !fault.empty()) {
    return print_wrong_usage(command, fault, given.json);
  }
  TROUPE_TRY_EXIT(auto over, connection::open(command, given, needs::journal));
  if (is_unknown(given.to, over.plan())) {
    return print_error(unknown_capability(*over.plan(), given.to), given.json);
  }
  const auto answer = ask_retry(over, given);
  if (!answer) {
    return print_failure(answer.error(), given.json);
  }
  if (!given.all && answer->retried == 0) {
    return no_such_dead_letter(given);
  }
  const bool are_some_kept = answer->kept && !answer->kept->empty();
  if (answer->retried == 0 && !are_some_kept && is_unknown(given.capability, over.plan())) {
    return print_error(unknown_capability(*over.plan(), given.capability), given.json);
  }
  if (given.json) {
    fmt::print("{}\n", json_of(*answer, given.dry_run));
  } else if (answer->retried == 0 && !are_some_kept) {
    print_that_there_are_none(given);
  } else {
    fmt::print("{} delivered again\n", counted(answer->retried, "event", given.dry_run));
    if (are_some_kept) {
      print_kept(*answer->kept);
    }
  }
  return are_some_kept ? exit_code::rejected : exit_code::ok;
}

int run_drop_many(const dead_letter_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("dead-letters drop", given, needs::journal));
  const auto answer = over.ask<wire::letters_dropped>(
      events_target,
      "drop_dead_letters",
      wire::change_dead_letters{filter_of(given), {}, given.dry_run});
  if (!answer) {
    return print_failure(answer.error(), given.json);
  }
  if (answer->dropped == 0 && is_unknown(given.capability, over.plan())) {
    return print_error(unknown_capability(*over.plan(), given.capability), given.json);
  }
  if (given.json) {
    json_object said;
    said.add("dropped", answer->dropped);
    if (given.dry_run) {
      said.add("dry_run", true);
    }
    fmt::print("{}\n", said.text());
  } else if (answer->dropped == 0) {
    print_that_there_are_none(given);
  } else {
    fmt::print("{} forgotten\n", counted(answer->dropped, "dead letter", given.dry_run));
  }
  return exit_code::ok;
}

int run_drop(const dead_letter_arguments& given) {
  if (const std::string fault = choice_fault(given); !fault.empty()) {
    return print_wrong_usage("dead-letters drop", fault, given.json);
  }
  if (given.all) {
    return run_drop_many(given);
  }
  return ask_about_one<wire::letter_dropped, wire::drop_dead_letter>(
      "dead-letters drop", given, "drop_dead_letter", [&](const wire::letter_dropped& answer) {
        if (!answer.dropped) {
          return no_such_dead_letter(given);
        }
        fmt::print(
            "{}\n",
            given.json ? json_object{}.add("dropped", true).text()
                       : fmt::format("{} is forgotten", given.id));
        return exit_code::ok;
      });
}

} // namespace

void add_dead_letters(command_line& line) {
  const auto given = std::make_shared<dead_letter_arguments>();
  command all = line.add("dead-letters", "Events that a capability could not handle");
  all.footer(with_exit_codes());
  const auto add =
      [&](const char* name, const char* does, int (*run)(const dead_letter_arguments&)) {
        command one = all.add(name, does);
        add_connection(line, one, *given);
        add_deadline(one, *given);
        one.footer(with_exit_codes()).runs([given, run] { return run(*given); });
        return one;
      };
  command list = add("list", "Lists them, the oldest first", run_list);
  add_letter_choice(list, *given);
  list.option("--after", given->after, "only those after this ID", check_uuid)
      .option("--count", given->count, "so many at most [100]", 1, 1'000);
  add("show", "Shows one in full", run_show).word("ID", given->id, "which", check_uuid);
  const auto add_choice = [&](command one) {
    one.optional_word("ID", given->id, "which (unless --all)", check_uuid)
        .flag("--all", given->all, "all of them, or all that match the options below")
        .flag("--dry-run", given->dry_run, "with --all: changes nothing, and tells how many match");
    add_letter_choice(one, *given);
    return one;
  };
  add_choice(add("retry", "Delivers one or all of them again", run_retry))
      .option("--to", given->to, "the capability that gets them instead of their own");
  add_choice(add("drop", "Deletes one or all of them", run_drop));
}

} // namespace troupe
