#include "nodes/commands/command.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view events = "troupe.events";

std::string when(std::int64_t millis) {
  return utc_time_text(time_since_1970(milliseconds{millis}));
}

std::string json_of(const wire::letter& letter) {
  const ordered_json line = {
      {"id", to_string(letter.id)},
      {"capability", letter.capability},
      {"position", letter.position},
      {"event_id", to_string(letter.event_id)},
      {"topic", letter.topic},
      {"key", letter.key},
      {"cause", letter.cause},
      {"attempts", letter.attempts},
      {"first_at", when(letter.first_at)},
      {"last_at", when(letter.last_at)},
      {"node", letter.node},
      {"replica", letter.replica},
      {"error", letter.error},
      {"traceparent", letter.traceparent}};
  std::string text = line.dump();
  if (letter.body) {
    text.pop_back();
    text += ",\"body\":" + wire::to_json(letter.body->bytes).value_or("null") + "}";
  }
  return text;
}

void print_letters(const std::vector<wire::letter>& letters) {
  text_table table{
      {{"id"},
       {"capability"},
       {"topic"},
       {"key"},
       {"cause"},
       {"attempts", text_table::side::right},
       {"given up"},
       {"error"}}};
  for (const wire::letter& each : letters) {
    table.add(
        {to_string(each.id),
         each.capability,
         each.topic,
         cell_text(each.key, 36),
         each.cause,
         fmt::format("{}", each.attempts),
         when(each.last_at),
         cell_text(each.error, 60)});
  }
  fmt::print("{}", table.text());
}

void print_letter(const wire::letter& letter) {
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
  line("first tried", when(letter.first_at));
  line("given up", when(letter.last_at));
  line("on", fmt::format("{}, replica {}", letter.node, letter.replica));
  line("trace", letter.traceparent);
  // All of it, in the lines it has.
  std::string_view rest = letter.error;
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    fmt::print(
        "  {:<12} {}\n", first ? "error" : "", cell_text(rest.substr(0, end), std::string::npos));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (letter.body) {
    const auto body = wire::to_json(letter.body->bytes, true);
    fmt::print("  body\n{}\n", body ? *body : "(is no MessagePack)");
  }
}

/// As `print_journal_error`; what there is not is told with where to look.
int print_failure(const error& why, bool json) {
  if (why.detail("reason") == "no_dead_letter") {
    return print_error(why, json, "`troupe dead-letters list` says which there are");
  }
  return print_journal_error(
      why, json, "`troupe dead-letters list` says whether it is still there");
}

int no_such_letter(const uuid& id, bool json) {
  return print_failure(
      rejected("no_dead_letter", fmt::format("there is no dead letter {}", to_string(id))), json);
}

/// Whether the topology, if there is one, lacks the capability that is meant, if one is.
bool is_unknown(const letters_arguments& given, const std::optional<topology::plan>& plan) {
  return plan && !given.capability.empty()
         && plan->find(capability_name{given.capability}) == nullptr;
}

void print_that_there_are_none(const letters_arguments& given) {
  fmt::print(
      "there are no {}dead letters{}\n",
      given.after.empty() ? "" : "more ",
      given.capability.empty() ? "" : fmt::format(" of `{}`", given.capability));
}

/// Asks about the one letter that the command's word names. `print` gets its id and the answer.
/// @return the exit code, of `print` if there is an answer.
template <class Answer, class Request, class Print>
int ask_of_letter(
    std::string_view command,
    const letters_arguments& given,
    std::string_view operation,
    const Print& print) {
  int code = exit_code::ok;
  auto over = connection::open(command, given, "ID", 1, 1, needs::journal, code);
  if (!over) {
    return code;
  }
  const auto id = id_in(command, over->words()[0], given.json);
  if (!id) {
    return exit_code::usage;
  }
  const auto answer = over->ask<Answer>(events, operation, Request{*id});
  return answer ? print(*id, *answer) : print_failure(answer.error(), given.json);
}

} // namespace

int run_letters_list(const letters_arguments& given) {
  constexpr std::string_view command = "dead-letters list";
  wire::get_dead_letters question;
  if (!given.capability.empty()) {
    question.capability = given.capability;
  }
  if (!given.after.empty() && !(question.after = id_in(command, given.after, given.json))) {
    return exit_code::usage;
  }
  int code = exit_code::ok;
  auto over = connection::open(command, given, "", 0, 0, needs::journal, code);
  if (!over) {
    return code;
  }
  if (is_unknown(given, over->plan())) {
    return print_error(unknown_capability(*over->plan(), given.capability), given.json);
  }
  std::vector<wire::letter> letters;
  do { // One answer has as many as it has room for.
    question.count = given.count - static_cast<std::uint32_t>(letters.size());
    auto answer = over->ask<wire::letters_found>(events, "dead_letters", question);
    if (!answer) {
      return print_journal_error(answer.error(), given.json);
    }
    letters.insert(
        letters.end(),
        std::make_move_iterator(answer->letters.begin()),
        std::make_move_iterator(answer->letters.end()));
    question.after = answer->next;
  } while (question.after && letters.size() < given.count);
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
  print_letters(letters);
  if (question.after) {
    fmt::print("\nnext: there are more, behind --after {}\n", to_string(*question.after));
  } else {
    fmt::print("\nnext: `troupe dead-letters show`, `retry` or `drop` with an ID\n");
  }
  return exit_code::ok;
}

int run_letters_show(const letters_arguments& given) {
  return ask_of_letter<wire::letter, wire::get_dead_letter>(
      "dead-letters show", given, "dead_letter", [&](const uuid&, const wire::letter& letter) {
        if (given.json) {
          fmt::print("{}\n", json_of(letter));
        } else {
          print_letter(letter);
        }
        return exit_code::ok;
      });
}

int run_letters_retry(const letters_arguments& given) {
  constexpr std::string_view command = "dead-letters retry";
  wire::retry_dead_letter question;
  int code = exit_code::ok;
  const std::size_t ids = given.all ? 0 : 1;
  if (!given.all && !given.capability.empty()) {
    return print_wrong_usage(command, "--capability goes with --all", given.json);
  }
  auto over = connection::open(
      command, given, given.all ? "" : "ID (or --all)", ids, ids, needs::journal, code);
  if (!over) {
    return code;
  }
  if (given.all) {
    question.all = true;
    if (!given.capability.empty()) {
      question.capability = given.capability;
    }
  } else if (!(question.id = id_in(command, over->words()[0], given.json))) {
    return exit_code::usage;
  }
  if (is_unknown(given, over->plan())) {
    return print_error(unknown_capability(*over->plan(), given.capability), given.json);
  }
  const auto answer = over->ask<wire::letters_retried>(events, "retry_dead_letter", question);
  if (!answer) {
    return print_failure(answer.error(), given.json);
  }
  if (question.id && answer->retried == 0) {
    return no_such_letter(*question.id, given.json);
  }
  if (given.json) {
    fmt::print("{}\n", ordered_json{{"retried", answer->retried}}.dump());
  } else if (answer->retried == 0) {
    print_that_there_are_none(given);
  } else {
    fmt::print(
        "{} {} delivered again\n",
        answer->retried,
        answer->retried == 1 ? "event is" : "events are");
  }
  return exit_code::ok;
}

int run_letters_drop(const letters_arguments& given) {
  return ask_of_letter<wire::letter_dropped, wire::drop_dead_letter>(
      "dead-letters drop",
      given,
      "drop_dead_letter",
      [&](const uuid& id, const wire::letter_dropped& answer) -> int {
        if (!answer.dropped) {
          return no_such_letter(id, given.json);
        }
        fmt::print(
            "{}\n",
            given.json ? ordered_json{{"dropped", true}}.dump()
                       : fmt::format("{} is forgotten", to_string(id)));
        return exit_code::ok;
      });
}

} // namespace troupe
