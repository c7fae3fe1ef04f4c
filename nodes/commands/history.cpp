#include "nodes/commands/history.hpp"

#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

struct history_arguments : connect_arguments {
  std::string capability;
  /// The id; only for `history`.
  std::string id;
};

// The messages of runtime/actor/history.hpp, without restrictions that another program's capability
// need not meet: its ids may be no UUIDs.

struct history_question {
  std::string id;
  std::int64_t from = 1;
};

TROUPE_MESSAGE(history_question, id, from)

struct told_event {
  std::int64_t version = 0;
  std::string type;
  std::int64_t at = 0;
  std::optional<uuid> cause;
  wire::raw_value body;

  std::string when() const { return utc_time_text(milliseconds{at}); }

  std::string what() const { return wire::json_of(body.bytes); }
};

TROUPE_MESSAGE(told_event, version, type, at, cause, body)

struct told_history {
  std::vector<told_event> events;
  bool more = false;
};

TROUPE_MESSAGE(told_history, events, more)

std::string json_line(const told_event& event) {
  wire::json_object line;
  line.add("version", event.version).add("type", event.type).add("at", event.when());
  if (event.cause) {
    line.add("cause", *event.cause);
  }
  return line.add_json("body", event.what()).text();
}

struct rebuild_question {
  wire::raw_value after;
};

TROUPE_MESSAGE(rebuild_question, after)

struct rebuilt_slice {
  std::optional<std::int64_t> things;
  std::optional<std::int64_t> events;
  std::optional<wire::raw_value> next;
};

TROUPE_MESSAGE(rebuilt_slice, things, events, next)

error not_understood(const std::string& capability) {
  return invalid(fmt::format("the answer of capability `{}` is not understood", capability));
}

template <class Answer, class Question>
outcome<Answer>
ask(connection& over,
    const std::string& capability,
    std::string_view operation,
    const Question& question) {
  const std::string body = wire::encoded(question);
  return over.ask({.capability = capability, .operation = operation, .body = body})
      .and_then([&](const std::string& reply) {
        return wire::checked_decode<Answer>(reply).map_error(
            [&](const error&) { return not_understood(capability); });
      });
}

int print_failure(const error& why, const history_arguments& given) {
  if (why.code != errc::unknown_operation) {
    return print_error(why, given.json);
  }
  return print_error(
      why,
      given.json,
      fmt::format("`{}` keeps no history: only event-sourced capabilities do", given.capability));
}

int run_history(const history_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("history", given, needs::any_broker));
  history_question question{.id = given.id};
  text_table table{{{"version", text_table::side::right}, {"when"}, {"type"}, {"what"}}};
  for (bool more = true; more;) {
    const auto page = ask<told_history>(over, given.capability, "history", question);
    if (!page) {
      return print_failure(page.error(), given);
    }
    more = page->more && !page->events.empty();
    for (const told_event& event : page->events) {
      // A page that goes back would be printed again and again.
      if (event.version < question.from) {
        return print_failure(not_understood(given.capability), given);
      }
      question.from = event.version + 1;
      if (given.json) {
        fmt::print("{}\n", json_line(event));
      } else {
        table.add({fmt::format("{}", event.version), event.when(), event.type, event.what()});
      }
    }
  }
  if (!given.json) {
    fmt::print("{} {}\n\n{}", given.capability, given.id, table.for_terminal());
  }
  return exit_code::ok;
}

int run_rebuild(const history_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("rebuild", given, needs::any_broker));
  std::int64_t things = 0;
  std::int64_t events = 0;
  rebuild_question question;
  for (bool more = true; more;) {
    const auto slice = ask<rebuilt_slice>(over, given.capability, "rebuild", question);
    if (!slice) {
      return print_failure(slice.error(), given);
    }
    things += slice->things.value_or(0);
    events += slice->events.value_or(0);
    more = slice->next.has_value();
    // A rebuild whose `next` does not change would never end.
    if (more && question.after == *slice->next) {
      return print_failure(not_understood(given.capability), given);
    }
    question.after = slice->next.value_or(wire::raw_value{});
  }
  if (given.json) {
    fmt::print("{}\n", wire::json_object{}.add("things", things).add("events", events).text());
  } else {
    fmt::print(
        "{} is rebuilt: {} {}, from {} {}\n",
        given.capability,
        things,
        things == 1 ? "thing" : "things",
        events,
        events == 1 ? "event" : "events");
  }
  return exit_code::ok;
}

} // namespace

void add_history(command_line& line) {
  const auto given = std::make_shared<history_arguments>();
  command history =
      line.add("history", "Shows what happened to one thing of an event-sourced capability");
  add_connection(line, history, *given);
  add_deadline(history, *given);
  history.word("CAPABILITY", given->capability, "an event-sourced capability")
      .word("ID", given->id, "one of its things")
      .footer(with_exit_codes("Example: troupe history shop.yaml orders "
                              "01a206c0-b8fa-7000-8001-65c2ec9e316f"))
      .runs([given] { return run_history(*given); });
}

void add_rebuild(command_line& line) {
  const auto given = std::make_shared<history_arguments>();
  given->deadline = milliseconds{60'000}; // A slice of events takes longer than a call.
  command rebuild =
      line.add("rebuild", "Rebuilds the tables of an event-sourced capability from its events");
  add_connection(line, rebuild, *given);
  add_deadline(rebuild, *given);
  rebuild.word("CAPABILITY", given->capability, "an event-sourced capability")
      .footer(with_exit_codes())
      .runs([given] { return run_rebuild(*given); });
}

} // namespace troupe
