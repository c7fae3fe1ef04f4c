// troupe: the command for people and scripts.

#include "nodes/commands/command.hpp"
#include "runtime/config.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <vector>

namespace troupe {

namespace {

constexpr std::string_view version = "0.1.0";
constexpr auto exit_codes =
    "Exit codes: 0 done, 1 the topology has faults, 2 wrong usage, 3 rejected by the business, "
    "4 any other error, 5 no answer in time.";

void add_check(CLI::App& app, check_arguments& given, std::function<int()>& chosen) {
  auto* const command =
      app.add_subcommand("check", "Says everything wrong with a topology, or explains it");
  command->add_option("FILE", given.file, "the topology")->required();
  command->add_flag("--json", given.json, "one JSON object instead of text");
  command->footer(exit_codes);
  command->callback([&] { chosen = [&] { return run_check(given); }; });
}

void add_up(CLI::App& app, up_arguments& given, std::function<int()>& chosen) {
  auto* const command =
      app.add_subcommand("up", "Runs the local nodes of a topology and restarts those that die");
  command->add_option("FILE", given.file, "the topology")->required();
  command->add_option(
      "--log-dir", given.log_folder, "where NAME.log of each node goes [log beside FILE]");
  command->add_flag("--json", given.json, "events as JSON lines on stdout");
  command->footer(
      std::string{"Ctrl-C or SIGTERM stops the workers, then the brokers; what has not stopped "
                  "after 10 s is killed.\n"}
      + exit_codes);
  command->callback([&] { chosen = [&] { return run_up(given); }; });
}

void add_call(CLI::App& app, call_arguments& given, std::function<int()>& chosen) {
  auto* const command = app.add_subcommand(
      "call", "Calls an operation, JSON in, JSON out: FILE CAPABILITY.OPERATION [JSON]");
  command
      ->add_option(
          "WORDS",
          given.words,
          "FILE (unless --broker), CAPABILITY.OPERATION, and the body as JSON ({} if left out; - "
          "reads it from stdin)")
      ->expected(1, 3);
  command->add_option("--broker", given.brokers, "tcp://HOST:PORT instead of FILE; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false); // What follows its one endpoint are the words.
  command->add_option("--key", given.key, "calls of one key meet the same replica");
  command->add_option("--id", given.id, "a UUID: asks again for what was asked under it");
  command->add_option("--deadline", given.deadline, "when to give up [5s]");
  command->add_flag("--json", given.json, "one line of JSON, errors too");
  command->footer(
      std::string{"Example: troupe call examples/shop/shop.yaml users.get "
                  "'{\"user_id\": \"01a206c0-b8fa-7000-8001-65c2ec9e316f\"}'\n"}
      + exit_codes);
  command->callback([&] { chosen = [&] { return run_call(given); }; });
}

/// What every command has that asks a broker; `takes` is what it takes after FILE.
void add_connection(CLI::App& command, connect_arguments& given, const std::string& takes) {
  command.add_option(
      "WORDS",
      given.words,
      takes.empty() ? "FILE, the topology (unless --broker)" : "FILE (unless --broker), " + takes);
  command.add_option("--broker", given.brokers, "tcp://HOST:PORT instead of FILE; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  command.add_option("--deadline", given.deadline, "when to give up [5s]");
  command.add_flag("--json", given.json, "JSON, an object a line, errors too");
}

void add_publish(CLI::App& app, publish_arguments& given, std::function<int()>& chosen) {
  auto* const command =
      app.add_subcommand("publish", "Publishes an event, now or later: FILE TOPIC JSON");
  add_connection(*command, given, "TOPIC, and the event as JSON (- reads it from stdin)");
  command->add_option("--key", given.key, "events of one key are handled in order");
  auto* const at =
      command->add_option("--at", given.at, "when: a UTC time such as 2026-11-24T08:00:00Z");
  command->add_option("--after", given.after, "when: so much later, such as 5s")->excludes(at);
  command->add_option("--id", given.id, "a UUID: publishes nothing twice under it");
  command->footer(
      std::string{"Ends when the event is on disk. Example: troupe publish shop.yaml stock.low "
                  "'{\"sku\": \"tea-red\"}' --key tea-red\n"}
      + exit_codes);
  command->callback([&] { chosen = [&] { return run_publish(given); }; });
}

void add_tail(CLI::App& app, tail_arguments& given, std::function<int()>& chosen) {
  auto* const command = app.add_subcommand("tail", "Prints events as they come: FILE [PATTERN...]");
  add_connection(*command, given, "topics: names, PREFIX.* or '*' ['*']");
  command->remove_option(command->get_option("--deadline"));
  command->add_option("--from", given.from, "new, oldest or a UTC time [new]");
  command->add_option("--count", given.count, "ends after so many");
  command->footer(
      std::string{"Follows until Ctrl-C, also over restarts of the broker, and leaves nothing "
                  "out.\n"}
      + exit_codes);
  command->callback([&] { chosen = [&] { return run_tail(given); }; });
}

void add_topics(CLI::App& app, connect_arguments& given, std::function<int()>& chosen) {
  auto* const command = app.add_subcommand(
      "topics", "Says what events there are, who subscribes and how far they have come");
  add_connection(*command, given, "");
  command->footer(exit_codes);
  command->callback([&] { chosen = [&] { return run_topics(given); }; });
}

void add_dead_letters(CLI::App& app, letters_arguments& given, std::function<int()>& chosen) {
  auto* const command =
      app.add_subcommand("dead-letters", "Events that a capability could not handle");
  command->require_subcommand(1);
  command->footer(exit_codes);
  const auto add = [&](const char* name,
                       const char* what,
                       const char* takes,
                       int (*run)(const letters_arguments&)) {
    auto* const one = command->add_subcommand(name, what);
    add_connection(*one, given, takes);
    one->footer(exit_codes);
    one->callback([&given, &chosen, run] { chosen = [&given, run] { return run(given); }; });
    return one;
  };
  auto* const list = add("list", "Lists them, the oldest first", "", run_letters_list);
  list->add_option("--capability", given.capability, "only those of one capability");
  list->add_option("--after", given.after, "only those behind this ID");
  list->add_option("--count", given.count, "so many at most [100]")->check(CLI::Range(1, 1'000));
  add("show", "Says all about one: FILE ID", "ID", run_letters_show);
  auto* const retry =
      add("retry",
          "Delivers one or all of them again: FILE ID, or FILE --all",
          "ID",
          run_letters_retry);
  retry->add_flag("--all", given.all, "all of them");
  retry->add_option("--capability", given.capability, "with --all: only those of one capability");
  add("drop", "Forgets one: FILE ID", "ID", run_letters_drop);
}

void add_history(CLI::App& app, connect_arguments& given, std::function<int()>& chosen) {
  auto* const command = app.add_subcommand(
      "history", "Says what happened to one thing of an event-sourced capability");
  add_connection(*command, given, "CAPABILITY, and the thing's ID");
  command->footer(
      std::string{"Example: troupe history shop.yaml orders "
                  "01a206c0-b8fa-7000-8001-65c2ec9e316f\n"}
      + exit_codes);
  command->callback([&] { chosen = [&] { return run_history(given); }; });
}

void add_rebuild(CLI::App& app, connect_arguments& given, std::function<int()>& chosen) {
  auto* const command = app.add_subcommand(
      "rebuild", "Makes the tables of an event-sourced capability anew from its events");
  add_connection(*command, given, "CAPABILITY");
  command->footer(exit_codes);
  command->callback([&] { chosen = [&] { return run_rebuild(given); }; });
}

void add_status(CLI::App& app, status_arguments& given, std::function<int()>& chosen) {
  auto* const command = app.add_subcommand("status", "Asks every broker and node how it is");
  command->add_option("FILE", given.file, "the topology")->required();
  command->add_option("--deadline", given.deadline, "how long to wait for each [1s]");
  command->add_flag("--json", given.json, "one JSON object instead of tables");
  command->footer(std::string{"Ends with 4 if a broker or node did not answer.\n"} + exit_codes);
  command->callback([&] { chosen = [&] { return run_status(given); }; });
}

void add_breaker(CLI::App& app, breaker_arguments& given, std::function<int()>& chosen) {
  auto* const command = app.add_subcommand(
      "breaker", "Looks at the breakers of a capability, takes them over or gives them back");
  command->add_option("FILE", given.file, "the topology")->required();
  command->add_option("CAPABILITY", given.capability, "whose breakers")->required();
  command
      ->add_option(
          "STATE",
          given.state,
          "open: refuses every call; closed: lets every call through, whatever fails; disabled: "
          "the "
          "same, and counts nothing; auto: decides for itself again. Without it only looks")
      ->check(CLI::IsMember({"open", "closed", "disabled", "auto"}));
  command->add_option("--why", given.why, "the reason, for all who meet it; needed with STATE");
  command->add_option("--node", given.node, "only there [every node of the capability]");
  command->add_option("--deadline", given.deadline, "how long to wait for each node [2s]");
  command->add_flag("--json", given.json, "one JSON object instead of a table");
  command->footer(
      std::string{"Holds until it is given back, also over restarts if the capability has a "
                  "database. Example: troupe breaker shop.yaml payments open --why 'the provider "
                  "charges twice'\nEnds with 4 if a node did not answer.\n"}
      + exit_codes);
  command->callback([&] { chosen = [&] { return run_breaker(given); }; });
}

/// What `app.parse` takes: the words of the command line, the last first.
std::vector<std::string> words_of(int count, char** words) {
  std::vector<std::string> all;
  for (int i = count - 1; i > 0; --i) {
    std::string& word = all.emplace_back(words[i]);
    // The parser would take [1,2] for two words, and JSON does not mind a blank behind it.
    if (word.starts_with('[') && word.ends_with(']')) {
      word += ' ';
    }
  }
  return all;
}

/// Says why the words of the command line cannot be used.
int print_fault(const CLI::App& app, const CLI::ParseError& fault, bool json) {
  const CLI::App* at = &app;
  std::string command;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    command += (command.empty() ? "" : " ") + at->get_name();
  }
  std::vector<std::string> known;
  for (const CLI::App* each : at->get_subcommands({})) {
    known.push_back(each->get_name());
  }
  const std::vector<std::string> strange = at->remaining();
  if (known.empty()) {
    return print_wrong_usage(command, fault.what(), json);
  }
  if (strange.empty()) {
    return print_wrong_usage(command, fmt::format("expected {}", fmt::join(known, ", ")), json);
  }
  const std::string& word = strange.front();
  return print_wrong_usage(
      command,
      word.starts_with('-')
          ? fmt::format("there is no option `{}`", word)
          : fmt::format("there is no command `{}`{}", word, did_you_mean(word, known)),
      json);
}

int run(int count, char** words) {
  CLI::App app{"troupe: runs, calls and looks at a topology of actors."};
  app.name("troupe");
  const std::string version_text = fmt::format("troupe {}", version);
  app.set_version_flag("--version", version_text, "Prints the version");
  app.require_subcommand(1);
  app.footer(exit_codes);
  check_arguments check;
  up_arguments up;
  call_arguments call;
  status_arguments status;
  breaker_arguments breaker;
  publish_arguments publish;
  tail_arguments tail;
  connect_arguments topics;
  letters_arguments letters;
  connect_arguments history;
  connect_arguments rebuild;
  // A slice of events takes longer than a call.
  rebuild.deadline = "60s";
  std::function<int()> chosen;
  add_check(app, check, chosen);
  add_up(app, up, chosen);
  add_call(app, call, chosen);
  add_status(app, status, chosen);
  add_breaker(app, breaker, chosen);
  add_publish(app, publish, chosen);
  add_tail(app, tail, chosen);
  add_topics(app, topics, chosen);
  add_dead_letters(app, letters, chosen);
  add_history(app, history, chosen);
  add_rebuild(app, rebuild, chosen);
  app.add_subcommand("version", "Prints the version")->callback([&] {
    chosen = [&] {
      fmt::print("{}\n", version_text);
      return exit_code::ok;
    };
  });
  const std::vector<std::string> all_words = words_of(count, words);
  try {
    app.parse(std::vector{all_words});
  } catch (const CLI::Success& asked) {
    return app.exit(asked); // For help, or the version.
  } catch (const CLI::ParseError& fault) {
    const bool json = std::find(all_words.begin(), all_words.end(), "--json") != all_words.end();
    return print_fault(app, fault, json);
  }
  return chosen();
}

} // namespace

} // namespace troupe

int main(int count, char** words) {
  try {
    return troupe::written_out(troupe::run(count, words));
  } catch (const std::exception& fault) {
    troupe::print_aside(fmt::format("troupe: {}\n", fault.what()));
    return troupe::exit_code::error;
  }
}
