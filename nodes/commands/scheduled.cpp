#include "nodes/commands/scheduled.hpp"

#include "nodes/commands/moments.hpp"
#include "nodes/commands/node_questions.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/config.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/timer_calls.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <optional>

namespace troupe {

namespace {

using wire::json_object;

constexpr std::string_view schedule_keeper = "troupe.events";
// Timers of one capability that are searched for an id: nodes find timers by time only.
constexpr std::uint64_t timers_searched_max = 100'000;

struct scheduled_arguments : connect_arguments {
  std::string id;
  std::string topic;
  std::string due_before;
  std::string due_after;
  std::string reason;
  std::uint64_t count = 100;
};

std::string check_cancel_reason(const std::string& word) {
  return !word.empty() && word.size() <= wire::why_bytes_max
             ? ""
             : fmt::format("give a reason of 1 to {} bytes", wire::why_bytes_max);
}

/// "3h 5m": the time left; "now" if it has passed.
std::string until_text(std::int64_t due_at) {
  const milliseconds left{due_at - unix_millis(std::chrono::system_clock::now())};
  return left.count() <= 0 ? "now" : age_text(left);
}

std::string json_of(const wire::waiting_event& of, const std::string& capability) {
  json_object line;
  line.add("id", of.id)
      .add("due_at", utc_time_text(milliseconds{of.due_at}))
      .add("topic", of.topic)
      .add("key", of.key)
      .add("capability", capability)
      .add("body_bytes", of.body_bytes);
  if (of.body) {
    line.add_json("body", wire::json_of(of.body->bytes));
  }
  return line.text();
}

/// Like `print_journal_error`, but adds advice if the event is not scheduled.
int print_not_scheduled(const error& why, bool json) {
  const std::string_view reason = why.detail("reason");
  if (reason == "published") {
    return print_error(
        why, json, "`troupe tail FILE TOPIC` shows it; its consequences have to be undone");
  }
  if (reason == "not_scheduled" || reason == "cancelled") {
    return print_error(why, json, "`troupe scheduled list` lists scheduled events");
  }
  if (why.code == errc::unknown_operation) {
    return print_error(
        why, json, "the broker that keeps the journal is of an earlier release; start the new one");
  }
  return print_journal_error(why, json, "`troupe scheduled show` says whether it is still there");
}

wire::get_scheduled question_of(const scheduled_arguments& given) {
  wire::get_scheduled question;
  if (!given.topic.empty()) {
    question.topic = given.topic;
  }
  if (!given.due_before.empty()) {
    question.before = moment_of(given.due_before, side_of_now::behind);
  }
  if (!given.due_after.empty()) {
    question.from = moment_of(given.due_after, side_of_now::behind);
  }
  return question;
}

/// A scheduled event, and the capability whose actor publishes it; empty if the journal has it.
struct listed_event {
  wire::waiting_event event;
  std::string capability;
};

void print_list(const std::vector<listed_event>& events) {
  // Keys may be long: they get the width that the other columns leave.
  constexpr std::size_t others = 2 + 36 + 2 + 20 + 2 + 2 + 2;
  std::size_t taken = others;
  std::size_t topic_width = 5;
  std::size_t of_width = 7;
  for (const listed_event& each : events) {
    topic_width = std::max(topic_width, width_of(each.event.topic));
    of_width = std::max(of_width, width_of(each.capability));
  }
  taken += topic_width + of_width;
  const std::size_t columns = terminal_columns(100);
  const std::size_t key_width = columns > taken + 11 ? columns - taken - 3 : 8;
  text_table table{{{"id"}, {"due"}, {"of"}, {"topic"}, {"key"}}};
  for (const listed_event& each : events) {
    table.add(
        {to_string(each.event.id),
         second_text(each.event.due_at),
         each.capability.empty() ? "journal" : each.capability,
         each.event.topic,
         cell_text(each.event.key, key_width)});
  }
  fmt::print("{}", table.for_terminal());
}

/// Adds the scheduled events of the journal, up to `given.count`.
outcome<void> add_scheduled_of_journal(
    connection& over, const scheduled_arguments& given, std::vector<listed_event>& to) {
  wire::get_scheduled question = question_of(given);
  std::size_t found = 0;
  do { // An answer has as many events as fit, and none if no event of its page has the topic.
    question.count = static_cast<std::uint32_t>(given.count - found);
    TROUPE_TRY(
        auto answer, over.ask<wire::scheduled_found>(schedule_keeper, "scheduled", question));
    found += answer.events.size();
    for (wire::waiting_event& each : answer.events) {
      to.push_back({std::move(each), ""});
    }
    question.after = answer.next;
    question.from = answer.next_from;
  } while (question.after && found < given.count);
  return {};
}

/// Adds the timers of a capability, up to `given.count`. Any node will do, since all have the same
/// timers.
/// @return the nodes' errors, if none answered.
std::vector<node_answer> add_timers(
    const topology::plan& plan,
    const topology::capability_plan& of,
    const scheduled_arguments& given,
    std::vector<listed_event>& to) {
  const wire::get_scheduled meant = question_of(given);
  wire::get_timers question{
      .capability = of.name.value, .from = meant.from, .before = meant.before};
  std::size_t found = 0;
  do {
    const auto questions = questions_to(of, wire::encoded(question));
    auto answers = ask_nodes(plan, "scheduled", "timers", questions, given.deadline);
    std::optional<wire::timers_found> page;
    take_answers<wire::timers_found>(
        answers, [&](const node_answer&, wire::timers_found said) { page = std::move(said); });
    if (!page) {
      return answers;
    }
    for (wire::waiting_event& each : page->events) {
      if (!meant.topic || wire::matches(*meant.topic, each.topic)) {
        to.push_back({std::move(each), of.name.value});
        ++found;
      }
    }
    question.from = page->next_from;
    question.after = page->next;
  } while (question.after && found < given.count);
  return {};
}

/// Adds the timers of all capabilities, up to `given.count` of each.
/// @return the nodes that did not answer.
std::vector<node_answer> add_all_timers(
    const topology::plan& plan, const scheduled_arguments& given, std::vector<listed_event>& to) {
  std::vector<node_answer> silent;
  for (const auto& each : plan.capabilities) {
    if (each.store) {
      auto failed = add_timers(plan, each, given, to);
      std::move(failed.begin(), failed.end(), std::back_inserter(silent));
    }
  }
  return silent;
}

/// The timer with the requested id, if a capability has it.
std::optional<listed_event>
find_timer(const std::optional<topology::plan>& plan, const scheduled_arguments& given) {
  std::vector<listed_event> timers;
  if (plan) {
    scheduled_arguments all;
    all.deadline = given.deadline;
    all.count = timers_searched_max;
    (void)add_all_timers(*plan, all, timers);
  }
  const uuid wanted = *parse_uuid(given.id);
  const auto found = std::ranges::find_if(
      timers, [&](const listed_event& each) { return each.event.id == wanted; });
  return found == timers.end() ? std::nullopt : std::optional{std::move(*found)};
}

bool is_not_in_journal(const error& why) {
  return why.detail("reason") == "not_scheduled";
}

void print_event(const listed_event& of) {
  const wire::waiting_event& event = of.event;
  fmt::print("scheduled event {}\n", to_string(event.id));
  fmt::print("  due    {}, {}\n", second_text(event.due_at), until_text(event.due_at));
  fmt::print("  topic  {}\n", cell_text(event.topic));
  fmt::print("  key    {}\n", cell_text(event.key, std::string::npos));
  fmt::print("  size   {}\n", size_text(event.body_bytes));
  if (!of.capability.empty()) {
    fmt::print("  of     {}, in whose database its body is\n", of.capability);
  }
  if (event.body) {
    const auto body = wire::to_json(event.body->bytes, true);
    fmt::print("  body\n{}\n", body ? *body : wire::json_of(event.body->bytes));
  }
}

int run_list(const scheduled_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("scheduled", given, needs::journal));
  std::vector<listed_event> events;
  if (const auto said = add_scheduled_of_journal(over, given, events); !said) {
    return print_not_scheduled(said.error(), given.json);
  }
  std::vector<node_answer> silent;
  if (const auto& plan = over.plan()) {
    silent = add_all_timers(*plan, given, events);
  }
  std::ranges::stable_sort(events, [](const auto& one, const auto& other) {
    return one.event.due_at < other.event.due_at;
  });
  const bool is_cut = events.size() >= given.count;
  events.resize(std::min<std::size_t>(events.size(), given.count));
  if (given.json) {
    for (const listed_event& each : events) {
      fmt::print("{}\n", json_of(each.event, each.capability));
    }
  } else if (events.empty()) {
    fmt::print("no such event is scheduled\n");
  } else {
    print_list(events);
    fmt::print(
        "\nnext: {}\n",
        is_cut ? fmt::format(
            "there may be more, with --due-after {}",
            utc_time_text(milliseconds{events.back().event.due_at}))
               : "`troupe scheduled show` with an ID; `cancel` with one that the journal has");
  }
  return print_silent(silent, given.json) ? exit_code::error : exit_code::ok;
}

int run_show(const scheduled_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("scheduled", given, needs::journal));
  const auto found = over.ask<wire::waiting_event>(
      schedule_keeper, "scheduled_event", wire::get_scheduled_event{*parse_uuid(given.id)});
  std::optional<listed_event> shown;
  if (found) {
    shown = {*found, ""};
  } else if (is_not_in_journal(found.error())) {
    shown = find_timer(over.plan(), given);
  }
  if (!shown) {
    return print_not_scheduled(found.error(), given.json);
  }
  if (given.json) {
    fmt::print("{}\n", json_of(shown->event, shown->capability));
  } else {
    print_event(*shown);
  }
  return exit_code::ok;
}

int run_cancel(const scheduled_arguments& given) {
  if (given.reason.empty()) {
    return print_wrong_usage(
        "scheduled cancel",
        "say why, with --reason 'the reason'; the journal keeps it",
        given.json);
  }
  TROUPE_TRY_EXIT(auto over, connection::open("scheduled", given, needs::journal));
  const auto done = over.ask<wire::scheduled_cancelled>(
      schedule_keeper,
      "cancel_scheduled",
      wire::cancel_scheduled{
          *parse_uuid(given.id), user_at_host().substr(0, wire::who_bytes_max), given.reason});
  if (!done) {
    const auto timer =
        is_not_in_journal(done.error()) ? find_timer(over.plan(), given) : std::nullopt;
    return timer ? print_error(
               rejected(
                   "timer_of_an_actor",
                   fmt::format(
                       "{} is a timer of `{}`: other data of its actor depend on it",
                       given.id,
                       timer->capability)),
               given.json,
               fmt::format(
                   "call the operation of `{}` that cancels what the timer is for",
                   timer->capability))
                 : print_not_scheduled(done.error(), given.json);
  }
  if (given.json) {
    json_object line;
    line.add("cancelled", done->id)
        .add("topic", done->topic)
        .add("due_at", utc_time_text(milliseconds{done->due_at}));
    fmt::print("{}\n", line.text());
  } else {
    fmt::print(
        "{} will not be published: {} of {} is cancelled\n",
        cell_text(done->topic),
        given.id,
        second_text(done->due_at));
  }
  return exit_code::ok;
}

} // namespace

void add_scheduled(command_line& line) {
  const auto given = std::make_shared<scheduled_arguments>();
  command all = line.add("scheduled", "Events scheduled for later publication");
  all.footer(with_exit_codes());
  const auto add = [&](const char* name, const char* does, int (*run)(const scheduled_arguments&)) {
    command one = all.add(name, does);
    add_connection(line, one, *given);
    add_deadline(one, *given);
    one.footer(with_exit_codes()).runs([given, run] { return run(*given); });
    return one;
  };
  add("list", "Lists them, the earliest first", run_list)
      .option(
          "--topic", given->topic, "only those of a topic, or of topics: order.*", check_pattern)
      .option(
          "--due-before",
          given->due_before,
          "only those due earlier: a UTC time, or 2h from now",
          check_moment)
      .option(
          "--due-after",
          given->due_after,
          "only those due at this time or later: a UTC time, or 2h from now",
          check_moment)
      .option("--count", given->count, "so many at most [100]", 1, 10'000);
  add("show", "Shows one in full, with its body", run_show)
      .word("ID", given->id, "which", check_uuid);
  add("cancel",
      "Cancels one that the journal has, which records who ordered it and why; a timer of an actor "
      "can only be cancelled by the actor, as its other data depend on it",
      run_cancel)
      .word("ID", given->id, "which", check_uuid)
      .option(
          "--reason",
          given->reason,
          "the reason, which is recorded; required",
          check_cancel_reason);
}

} // namespace troupe
