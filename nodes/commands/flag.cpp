#include "nodes/commands/flag.hpp"

#include "nodes/commands/node_questions.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/strangler/flag_record.hpp"
#include "runtime/strangler/share.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <optional>

namespace troupe {

namespace {

using strangler::flag_state;
using strangler::recorded_change;
using strangler::share_text;
using wire::json_object;

// Retries after other flags were changed between reading and publishing. So many changes in a row
// are not expected.
constexpr int tries_max = 20;

struct flag_arguments : connect_arguments {
  std::string name;
  std::string value;
  std::string why;
  std::uint64_t count = 20;
};

std::string check_share(const std::string& word) {
  return strangler::parse_share(word) ? ""
                                      : fmt::format(
                                          "`{}` is not a share of requests; write off, on or a "
                                          "percentage such as 25% or 0.5%",
                                          word);
}

std::string check_why(const std::string& why) {
  return !why.empty() && why.size() <= wire::why_bytes_max
             ? ""
             : fmt::format("give a reason of 1 to {} bytes", wire::why_bytes_max);
}

strangler::journal_question question_over(connection& over) {
  return [&over](std::string_view operation, const std::string& body) {
    return over.ask({.capability = "troupe.events", .operation = operation, .body = body});
  };
}

/// Why no flag can have this name; nothing if one can, or if no topology is known.
std::optional<error> fault_of_name(const connection& over, const std::string& name) {
  if (!over.plan()) {
    return wire::is_topic(name)
               ? std::nullopt
               : std::optional{invalid(fmt::format("`{}` cannot be the name of a flag", name))};
  }
  if (over.plan()->find_feature(name) != nullptr) {
    return std::nullopt;
  }
  std::vector<std::string> known;
  for (const auto& each : over.plan()->features) {
    known.push_back(each.feature.name);
  }
  return invalid(
      known.empty() ? fmt::format("`{}` is no flag: the topology has no `strangler`", name)
                    : fmt::format(
                        "`{}` is no flag of the topology{}; `strangler` has {}",
                        name,
                        did_you_mean(name, known),
                        fmt::join(known, ", ")));
}

std::string from_text(const wire::flag_change& of) {
  return of.from ? share_text(*of.from) : "unset";
}

json_object json_of(const recorded_change& of) {
  json_object line;
  line.add("flag", of.what.flag)
      .add("from", of.what.from ? std::optional{share_text(*of.what.from)} : std::nullopt)
      .add("to", share_text(of.what.to))
      .add("who", of.what.who)
      .add("why", of.what.why)
      .add("at", utc_time_text(milliseconds{of.time}))
      .add("position", of.position);
  return line;
}

/// Publishes one change on top of `known`.
/// @return its position.
outcome<std::uint64_t> publish(
    connection& over, const flag_state& known, const flag_arguments& given, const uuid& request) {
  const std::string body = wire::encoded(strangler::change_after(
      known,
      given.name,
      *strangler::parse_share(given.value),
      user_at_host().substr(0, wire::who_bytes_max),
      given.why,
      request));
  return over
      .ask(
          {.capability = "troupe.publish",
           .operation = wire::flag_topic,
           .body = body,
           .id = strangler::id_after(known)})
      .and_then(wire::checked_decode<wire::published>)
      .map([](const wire::published& done) { return done.position; });
}

/// The share of `name`, if it was ever set.
std::optional<std::uint32_t> value_of(const flag_state& state, const std::string& name) {
  const auto values = state.values();
  const auto found = values.find(name);
  return found == values.end() ? std::nullopt : std::optional{found->second};
}

/// Sets the flag, retrying after changes of other flags; fails if the same flag was changed
/// meanwhile.
outcome<recorded_change> set_flag(connection& over, const flag_arguments& given) {
  const auto ask = question_over(over);
  const uuid request = uuid_source{}.next(std::chrono::system_clock::now());
  std::optional<flag_state> looked_at;
  for (int tries = 0; tries < tries_max; ++tries) {
    TROUPE_TRY(const auto state, strangler::read_flags(ask));
    if (!looked_at) {
      looked_at = state;
    } else if (value_of(*looked_at, given.name) != value_of(state, given.name)) {
      const wire::flag_change& other = state.newest->what;
      return failure{error{
          .code = errc::conflict,
          .message = fmt::format(
              "`{}` was set to {} meanwhile{}; nothing was changed",
              given.name,
              share_text(*value_of(state, given.name)),
              other.flag == given.name ? fmt::format(" by {} ({})", other.who, other.why) : "")}};
    }
    const auto position = publish(over, state, given, request);
    if (position) {
      return strangler::read_change(ask, *position);
    }
    if (position.error().code != errc::conflict) {
      return failure{position.error()};
    }
  }
  return failure{error{
      .code = errc::overloaded, .message = "others set flags all the time; nothing was changed"}};
}

int run_set(const flag_arguments& given) {
  if (given.why.empty()) {
    return print_wrong_usage(
        "flag set", "say why, with --why 'the reason'; it is kept", given.json);
  }
  TROUPE_TRY_EXIT(auto over, connection::open("flag", given, needs::journal));
  if (const auto wrong = fault_of_name(over, given.name)) {
    return print_error(*wrong, given.json);
  }
  const auto done = set_flag(over, given);
  if (!done) {
    return print_journal_error(
        done.error(), given.json, "`troupe flag history` shows whether it was set");
  }
  if (given.json) {
    fmt::print("{}\n", json_of(*done).text());
  } else {
    fmt::print(
        "{} is set to {} (before: {}), at position {}\n",
        given.name,
        share_text(done->what.to),
        from_text(done->what),
        done->position);
  }
  return exit_code::ok;
}

/// Calls `see` with each change, newest first, until it returns false.
template <class See>
outcome<void> walk_back(connection& over, flag_state state, const See& see) {
  const auto ask = question_over(over);
  while (state.newest && see(*state.newest) && state.newest->what.base != 0) {
    TROUPE_TRY(state.newest, strangler::read_change(ask, state.newest->what.base));
  }
  return {};
}

int run_history(const flag_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("flag", given, needs::journal));
  text_table table{
      {{"at"},
       {"flag"},
       {"from", text_table::side::right},
       {"to", text_table::side::right},
       {"who"},
       {"why"}}};
  std::uint64_t left = given.count;
  const auto see = [&](const recorded_change& each) {
    if (!given.name.empty() && each.what.flag != given.name) {
      return true;
    }
    if (given.json) {
      fmt::print("{}\n", json_of(each).text());
    } else {
      table.add(
          {utc_time_text(milliseconds{each.time}),
           cell_text(each.what.flag),
           from_text(each.what),
           share_text(each.what.to),
           cell_text(each.what.who),
           cell_text(each.what.why)});
    }
    return --left > 0;
  };
  const auto told = strangler::read_flags(question_over(over)).and_then([&](flag_state state) {
    return walk_back(over, std::move(state), see);
  });
  if (!told) {
    return print_journal_error(told.error(), given.json);
  }
  if (!given.json) {
    fmt::print("{}", table.empty() ? "nobody has set a flag\n" : table.for_terminal());
  }
  return exit_code::ok;
}

/// The newest change of each flag that was ever set.
outcome<std::map<std::string, recorded_change>> newest_changes(connection& over) {
  TROUPE_TRY(auto state, strangler::read_flags(question_over(over)));
  const std::size_t wanted = state.values().size();
  std::map<std::string, recorded_change> found;
  const auto told = walk_back(over, std::move(state), [&](const recorded_change& each) {
    found.emplace(each.what.flag, each);
    return found.size() < wanted;
  });
  return told ? outcome<std::map<std::string, recorded_change>>{std::move(found)}
              : failure{told.error()};
}

int run_list(const flag_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("flag", given, needs::journal));
  const auto changes = newest_changes(over);
  if (!changes) {
    return print_journal_error(changes.error(), given.json);
  }
  text_table table{{{"flag"}, {"share", text_table::side::right}, {"set at"}, {"by"}, {"why"}}};
  for (const auto& [name, each] : *changes) {
    if (given.json) {
      fmt::print("{}\n", json_of(each).text());
    }
    const bool is_known = !over.plan() || over.plan()->find_feature(name) != nullptr;
    table.add(
        {cell_text(name) + (is_known ? "" : " (not in the topology)"),
         share_text(each.what.to),
         utc_time_text(milliseconds{each.time}),
         cell_text(each.what.who),
         cell_text(each.what.why)});
  }
  if (over.plan()) {
    for (const auto& each : over.plan()->features) {
      if (changes->contains(each.feature.name)) {
        continue;
      }
      if (given.json) {
        json_object line;
        line.add("flag", each.feature.name).add("to", share_text(each.feature.share));
        fmt::print("{}\n", line.text());
      }
      table.add(
          {each.feature.name, share_text(each.feature.share), "never", "", "as in the topology"});
    }
  }
  if (!given.json) {
    fmt::print("{}", table.empty() ? "nobody has set a flag\n" : table.for_terminal());
  }
  return exit_code::ok;
}

} // namespace

void add_flag(command_line& line) {
  const auto given = std::make_shared<flag_arguments>();
  command all =
      line.add("flag", "Flags: which side answers features that move from a legacy system");
  all.footer(with_exit_codes());
  const auto add = [&](const char* name, const char* does, int (*run)(const flag_arguments&)) {
    command one = all.add(name, does);
    add_connection(line, one, *given);
    add_deadline(one, *given);
    one.footer(with_exit_codes()).runs([given, run] { return run(*given); });
    return one;
  };
  add("list", "Lists the flags with their shares, and who set them", run_list);
  add("set", "Sets a flag; gateways follow it as soon as it is on disk", run_set)
      .word("NAME", given->name, "a feature of `strangler`")
      .word(
          "VALUE",
          given->value,
          "the share of users whom the capability answers: off, on, 25% or 0.5%",
          check_share)
      .option("--why", given->why, "the reason, which is recorded; required", check_why)
      .footer(with_exit_codes(
          "Ends when the change is on disk. Example: troupe flag set shop.yaml billing 25% --why "
          "'the first quarter'\nIf somebody else sets the same flag at the same time, one of the "
          "two is refused."));
  add("history", "Lists the changes: who changed what, when and why, newest first", run_history)
      .optional_word("NAME", given->name, "only this flag")
      .option("--count", given->count, "the most to list [20]", 1, 1'000'000);
}

} // namespace troupe
