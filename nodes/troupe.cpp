// troupe: the command for people and scripts.

#include "nodes/command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <functional>

namespace {

using namespace troupe;

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

void add_status(CLI::App& app, status_arguments& given, std::function<int()>& chosen) {
  auto* const command = app.add_subcommand("status", "Asks every broker and node how it is");
  command->add_option("FILE", given.file, "the topology")->required();
  command->add_option("--deadline", given.deadline, "how long to wait for each [1s]");
  command->add_flag("--json", given.json, "one JSON object instead of tables");
  command->footer(std::string{"Ends with 4 if a broker or node did not answer.\n"} + exit_codes);
  command->callback([&] { chosen = [&] { return run_status(given); }; });
}

} // namespace

int main(int count, char** words) {
  CLI::App app{"troupe: runs, calls and looks at a topology of actors."};
  app.name("troupe");
  app.require_subcommand(1);
  app.footer(exit_codes);
  check_arguments check;
  up_arguments up;
  call_arguments call;
  status_arguments status;
  std::function<int()> chosen;
  add_check(app, check, chosen);
  add_up(app, up, chosen);
  add_call(app, call, chosen);
  add_status(app, status, chosen);
  app.add_subcommand("version", "Prints the version")->callback([&] {
    chosen = [] {
      fmt::print("troupe {}\n", version);
      return exit_code::ok;
    };
  });
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault) == 0 ? exit_code::ok : exit_code::usage;
  }
  try {
    return chosen();
  } catch (const std::exception& fault) {
    fmt::print(stderr, "troupe: {}\n", fault.what());
    return exit_code::error;
  }
}
