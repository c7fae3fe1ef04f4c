#include "nodes/commands/manual/manual.hpp"

#include "nodes/commands/manual/completion.hpp"
#include "nodes/commands/manual/man_page.hpp"
#include "nodes/commands/manual/topics_of_help.hpp"
#include "nodes/commands/output.hpp"
#include "nodes/node_main.hpp"
#include "runtime/config.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

const command_page* find(const command_page& in, const std::string& name) {
  const auto found = std::ranges::find(in.commands, name, &command_page::name);
  return found == in.commands.end() ? nullptr : &*found;
}

void print_topics() {
  fmt::print("troupe COMMAND --help explains a command. There is also help on:\n\n");
  for (const help_topic& each : help_topics()) {
    fmt::print("  {:<12} {}\n", each.name, each.is_about);
  }
}

int run_help(const command_line& line, const std::vector<std::string>& topic) {
  if (topic.empty()) {
    print_topics();
    return exit_code::ok;
  }
  const auto& topics = help_topics();
  const auto found = std::ranges::find_if(topics, [&](const help_topic& each) {
    return topic.size() == 1 && each.name == topic.front();
  });
  if (found != topics.end()) {
    fmt::print("{}", found->text);
    return exit_code::ok;
  }
  const command_page all = line.page();
  const command_page* at = &all;
  std::vector<std::string> known;
  for (const std::string& each : topic) {
    known.clear();
    for (const command_page& one : at->commands) {
      known.push_back(one.name);
    }
    const command_page* const inner = find(*at, each);
    if (inner == nullptr) {
      for (const help_topic& one : topics) {
        known.emplace_back(one.name);
      }
      return print_wrong_usage(
          "help",
          fmt::format("there is no help on `{}`{}", each, did_you_mean(each, known)),
          false);
    }
    at = inner;
  }
  fmt::print("{}", line.help_of(topic));
  return exit_code::ok;
}

int run_man(const command_line& line, const std::string& program, const std::string& version) {
  fmt::print("{}", man_page(program == "troupe" ? line.page() : node_page(program), version));
  return exit_code::ok;
}

int run_completion(const command_line& line, const std::string& shell) {
  const command_page page = line.page();
  fmt::print(
      "{}",
      shell == "bash"  ? bash_completion(page)
      : shell == "zsh" ? zsh_completion(page)
                       : fish_completion(page));
  return exit_code::ok;
}

} // namespace

void add_manual(command_line& line, const std::string& version) {
  const auto topic = std::make_shared<std::vector<std::string>>();
  line.add("help", "Explains a command or a topic; without one lists the topics")
      .words("TOPIC", *topic, "a topic, or a command")
      .runs([&line, topic] { return run_help(line, *topic); });
  const auto shell = std::make_shared<std::string>();
  line.add("completion", "Prints the completion of commands and options for a shell")
      .word("SHELL", *shell, "bash, zsh or fish", one_of({"bash", "zsh", "fish"}))
      .runs([&line, shell] { return run_completion(line, *shell); });
  const auto program = std::make_shared<std::string>("troupe");
  line.add("man", "Prints the manual page of a program: `troupe man | man -l -`")
      .optional_word(
          "PROGRAM",
          *program,
          "troupe-broker, troupe-worker or troupe-gateway [troupe]",
          one_of({"troupe", "troupe-broker", "troupe-worker", "troupe-gateway"}))
      .runs([&line, program, version] { return run_man(line, *program, version); });
}

} // namespace troupe
