#include "nodes/commands/node_questions.hpp"

#include "nodes/commands/plan_file.hpp"
#include "nodes/connection.hpp"
#include "runtime/wire/json.hpp"

#include <array>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace troupe {

std::vector<node_answer> ask_nodes(
    const topology::plan& plan,
    std::string_view command,
    std::string_view operation,
    const std::vector<node_question>& questions,
    milliseconds deadline) {
  std::vector<question> asked;
  for (const node_question& each : questions) {
    asked.push_back({"troupe.node." + each.node, std::string{operation}, each.body});
  }
  auto said = ask_at_once(options_for_command(plan, addresses_of(plan), command), asked, deadline);
  std::vector<node_answer> answers;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    answers.push_back({questions[i].node, questions[i].capability, std::move(said[i])});
  }
  return answers;
}

std::vector<node_question>
questions_to(const topology::capability_plan& capability, const std::string& body) {
  std::vector<node_question> questions;
  for (const node_name& each : capability.nodes) {
    questions.push_back({each.value, capability.name.value, body});
  }
  return questions;
}

outcome<std::vector<const topology::capability_plan*>>
capabilities_meant(const topology::plan& plan, const std::string& named) {
  std::vector<const topology::capability_plan*> meant;
  if (!named.empty()) {
    const auto* const found = plan.find(capability_name{named});
    if (found == nullptr) {
      return failure{unknown_capability(plan, named)};
    }
    meant.push_back(found);
    return meant;
  }
  for (const auto& each : plan.capabilities) {
    if (each.store) {
      meant.push_back(&each);
    }
  }
  return meant;
}

bool print_silent(const std::vector<node_answer>& answers, bool json) {
  bool any = false;
  for (const node_answer& each : answers) {
    if (each.said) {
      continue;
    }
    any = true;
    const error& why = each.said.error();
    if (json) {
      wire::json_object line;
      line.add("node", each.node)
          .add("capability", each.capability)
          .add("code", name_of(why.code))
          .add("message", message_of(why));
      fmt::print("{}\n", wire::json_object{}.add("error", line).text());
    } else {
      print_aside(fmt::format(
          "{}: `{}`: {}: {}\n", each.node, each.capability, name_of(why.code), message_of(why)));
    }
  }
  return any;
}

std::string user_at_host() {
  std::array<char, 4096> room{};
  passwd entry{};
  passwd* found = nullptr;
  const bool is_known =
      ::getpwuid_r(::geteuid(), &entry, room.data(), room.size(), &found) == 0 && found != nullptr;
  std::array<char, 128> host{};
  const bool has_host = ::gethostname(host.data(), host.size() - 1) == 0;
  return fmt::format(
      "{}@{}",
      is_known ? std::string{entry.pw_name} : fmt::format("user {}", ::geteuid()),
      has_host ? host.data() : "?");
}

} // namespace troupe
