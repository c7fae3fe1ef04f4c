#include "nodes/commands/topics.hpp"

#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/config.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <utility>

namespace troupe {

namespace {

using wire::json_object;

json_object json_of(const wire::topics_state& state) {
  std::vector<json_object> topics;
  for (const wire::topic_state& each : state.topics) {
    json_object& one = topics.emplace_back();
    one.add("topic", each.topic)
        .add("events", each.events)
        .add("bytes", each.bytes)
        .add("first", each.first)
        .add("last", each.last);
    if (each.oldest_at == 0) {
      one.add_json("oldest_at", "null");
    } else {
      one.add("oldest_at", utc_time_text(milliseconds{each.oldest_at}));
    }
    one.add("rate_per_s", each.rate_per_s);
    if (each.scheduled) {
      one.add("scheduled", *each.scheduled);
    }
    if (each.next_due) {
      one.add("next_due", utc_time_text(milliseconds{*each.next_due}));
    }
  }
  std::vector<json_object> groups;
  for (const wire::group_state& each : state.groups) {
    groups.emplace_back()
        .add("capability", each.capability)
        .add("patterns", each.patterns)
        .add("lag", each.lag)
        .add("waiting", each.waiting)
        .add("in_flight", each.in_flight)
        .add("retrying", each.retrying)
        .add("dead", each.dead)
        .add("oldest_unacked_ms", each.oldest_unacked_ms)
        .add("cursor", each.cursor)
        .add("nodes", each.nodes)
        .add("trouble", each.trouble.value_or(""));
  }
  json_object all;
  all.add("journal", to_string(state.journal))
      .add("last", state.last)
      .add("topics", topics)
      .add("groups", groups);
  return all;
}

/// "3, next in 2h 5m"; "0" without scheduled events; empty if the broker does not say.
std::string scheduled_text(const wire::topic_state& of) {
  if (!of.scheduled || !of.next_due) {
    return of.scheduled ? "0" : "";
  }
  const milliseconds left{*of.next_due - unix_millis(std::chrono::system_clock::now())};
  return fmt::format(
      "{}, next {}", *of.scheduled, left.count() <= 0 ? "now" : "in " + age_text(left));
}

void print_topics(const std::vector<wire::topic_state>& topics) {
  using side = text_table::side;
  text_table table{
      {{"topic"},
       {"events", side::right},
       {"bytes", side::right},
       {"first", side::right},
       {"last", side::right},
       {"oldest", side::right},
       {"rate", side::right},
       {"scheduled", side::right}}};
  const auto now = std::chrono::system_clock::now();
  for (const wire::topic_state& each : topics) {
    const auto age = now - time_since_1970(milliseconds{each.oldest_at});
    table.add(
        {each.topic,
         fmt::format("{}", each.events),
         size_text(each.bytes),
         fmt::format("{}", each.first),
         fmt::format("{}", each.last),
         each.oldest_at == 0 ? "" : age_text(std::chrono::duration_cast<milliseconds>(age)),
         fmt::format("{:.1f}/s", each.rate_per_s),
         scheduled_text(each)});
  }
  if (table.empty()) {
    fmt::print("\n  there are no events yet\n");
  } else {
    fmt::print("\n{}", table.for_terminal());
  }
}

void print_groups(const std::vector<wire::group_state>& groups) {
  using side = text_table::side;
  text_table table{
      {{"subscriber"},
       {"lag", side::right},
       {"oldest unacked", side::right},
       {"waiting", side::right},
       {"in flight", side::right},
       {"retrying", side::right},
       {"dead", side::right},
       {"nodes"},
       {"listens to"}}};
  for (const wire::group_state& each : groups) {
    table.add(
        {each.capability,
         fmt::format("{}", each.lag),
         each.oldest_unacked_ms ? age_text(milliseconds{*each.oldest_unacked_ms}) : "",
         fmt::format("{}", each.waiting),
         fmt::format("{}", each.in_flight),
         fmt::format("{}", each.retrying),
         fmt::format("{}", each.dead),
         fmt::format("{}", fmt::join(each.nodes, ", ")),
         fmt::format("{}", fmt::join(each.patterns, ", "))});
  }
  if (table.empty()) {
    fmt::print("\n  nobody subscribes\n");
  } else {
    fmt::print("\n{}", table.for_terminal());
  }
  for (const wire::group_state& each : groups) {
    if (each.trouble) {
      fmt::print("\n  {} gets no events: {}\n", each.capability, cell_text(*each.trouble, 1'000));
    }
  }
}

/// Asks for all topics, page by page in the order of their names.
outcome<wire::topics_state> ask_all(connection& over) {
  const auto ask = [&over](const wire::get_topics& question) {
    return over.ask<wire::topics_state>("troupe.events", "topics", question);
  };
  auto all = ask({});
  while (all && all->next) {
    auto more = ask({all->next});
    if (!more) {
      return more;
    }
    all->topics.insert(
        all->topics.end(),
        std::make_move_iterator(more->topics.begin()),
        std::make_move_iterator(more->topics.end()));
    all->next = std::move(more->next);
  }
  return all;
}

int run(const connect_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("topics", given, needs::journal));
  const auto state = ask_all(over);
  if (!state) {
    return print_journal_error(state.error(), given.json);
  }
  if (given.json) {
    fmt::print("{}\n", json_of(*state).text());
    return exit_code::ok;
  }
  fmt::print("journal {}, up to position {}\n", to_string(state->journal), state->last);
  print_topics(state->topics);
  print_groups(state->groups);
  const auto has_scheduled = [](const wire::topic_state& each) {
    return each.scheduled.value_or(0) > 0;
  };
  if (std::ranges::any_of(state->topics, has_scheduled)) {
    fmt::print("\nnext: `troupe scheduled list` lists events to be published later\n");
  }
  const auto has_dead = [](const wire::group_state& each) { return each.dead > 0; };
  if (std::ranges::any_of(state->groups, has_dead)) {
    fmt::print("\nnext: `troupe dead-letters list` shows what was given up, and why\n");
  }
  return exit_code::ok;
}

} // namespace

void add_topics(command_line& line) {
  const auto given = std::make_shared<connect_arguments>();
  command topics =
      line.add("topics", "Lists topics, their subscribers, and how far each of these has come");
  add_connection(line, topics, *given);
  add_deadline(topics, *given);
  topics.footer(with_exit_codes()).runs([given] { return run(*given); });
}

} // namespace troupe
