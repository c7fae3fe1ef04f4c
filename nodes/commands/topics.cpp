#include "nodes/commands/command.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/config.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace troupe {

namespace {

using nlohmann::ordered_json;

ordered_json json_of(const wire::topics_state& state) {
  ordered_json topics = ordered_json::array();
  for (const wire::topic_state& each : state.topics) {
    ordered_json one = {
        {"topic", each.topic},
        {"events", each.events},
        {"bytes", each.bytes},
        {"first", each.first},
        {"last", each.last},
        {"oldest_at", nullptr},
        {"rate_per_s", each.rate_per_s}};
    if (each.oldest_at != 0) {
      one["oldest_at"] = utc_time_text(time_since_1970(milliseconds{each.oldest_at}));
    }
    topics.push_back(std::move(one));
  }
  ordered_json groups = ordered_json::array();
  for (const wire::group_state& each : state.groups) {
    ordered_json one = {
        {"capability", each.capability},
        {"patterns", each.patterns},
        {"lag", each.lag},
        {"waiting", each.waiting},
        {"in_flight", each.in_flight},
        {"retrying", each.retrying},
        {"dead", each.dead},
        {"oldest_unacked_ms", nullptr},
        {"cursor", each.cursor},
        {"nodes", each.nodes}};
    if (each.oldest_unacked_ms) {
      one["oldest_unacked_ms"] = *each.oldest_unacked_ms;
    }
    groups.push_back(std::move(one));
  }
  return {
      {"journal", to_string(state.journal)},
      {"last", state.last},
      {"topics", topics},
      {"groups", groups}};
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
       {"rate", side::right}}};
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
         fmt::format("{:.1f}/s", each.rate_per_s)});
  }
  if (table.empty()) {
    fmt::print("\n  there are no events yet\n");
  } else {
    fmt::print("\n{}", table.text());
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
    fmt::print("\n{}", table.text());
  }
}

/// Page by page, in the order of names.
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

} // namespace

int run_topics(const connect_arguments& given) {
  int code = exit_code::ok;
  auto over = connection::open("topics", given, "", 0, 0, needs::journal, code);
  if (!over) {
    return code;
  }
  const auto state = ask_all(*over);
  if (!state) {
    return print_journal_error(state.error(), given.json);
  }
  if (given.json) {
    fmt::print("{}\n", json_of(*state).dump());
    return exit_code::ok;
  }
  fmt::print("journal {}, up to position {}\n", to_string(state->journal), state->last);
  print_topics(state->topics);
  print_groups(state->groups);
  const auto has_dead = [](const wire::group_state& each) { return each.dead > 0; };
  if (std::any_of(state->groups.begin(), state->groups.end(), has_dead)) {
    fmt::print("\nnext: `troupe dead-letters list` says what was given up, and why\n");
  }
  return exit_code::ok;
}

} // namespace troupe
