#include "nodes/commands/command.hpp"
#include "nodes/connection.hpp"
#include "runtime/client/client.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

constexpr std::string_view command = "call";

struct target {
  client::options options;
  std::string capability;
  std::string operation;
  std::string body;
};

/// Reads the words behind `call`. On failure prints why; the code then is `code`.
std::optional<target> read_words(const call_arguments& given, int& code) {
  std::vector<std::string> words = given.words;
  target to;
  code = exit_code::usage;
  const std::size_t least = given.brokers.empty() ? 2 : 1;
  if (words.size() < least || words.size() > least + 1) {
    (void)print_wrong_usage(
        command,
        fmt::format(
            "expected {}CAPABILITY.OPERATION and JSON", given.brokers.empty() ? "FILE, " : ""),
        given.json);
    return std::nullopt;
  }
  auto route = route_to(command, words, given.brokers, needs::any_broker, given.json, code);
  if (!route) {
    return std::nullopt;
  }
  to.options = std::move(route->options);
  // The last dot: a capability may have dots in its name (troupe.broker.status).
  const std::size_t dot = words[0].rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == words[0].size()) {
    (void)print_wrong_usage(
        command,
        fmt::format("`{}` is not CAPABILITY.OPERATION, such as order_saga.place", words[0]),
        given.json);
    return std::nullopt;
  }
  to.capability = words[0].substr(0, dot);
  to.operation = words[0].substr(dot + 1);
  auto body = body_in(words.size() > 1 ? words[1] : "{}");
  if (!body) {
    code = print_error(body.error(), given.json);
    return std::nullopt;
  }
  to.body = std::move(*body);
  return to;
}

} // namespace

int run_call(const call_arguments& given) {
  const auto deadline = deadline_in(command, given.deadline, given.json);
  if (!deadline) {
    return exit_code::usage;
  }
  client::call_request request{};
  if (!given.id.empty()) {
    request.id = id_in(command, given.id, given.json);
    if (!request.id) {
      return exit_code::usage;
    }
  } else {
    // Made here, so that it can be told when the outcome is unknown.
    request.id = uuid_source{}.next(std::chrono::system_clock::now());
  }
  int code = exit_code::ok;
  auto to = read_words(given, code);
  if (!to) {
    return code;
  }
  to->options.name = "troupe-call";
  auto client = client::client::open(to->options);
  if (!client) {
    return print_error(client.error(), given.json);
  }
  request.capability = to->capability;
  request.operation = to->operation;
  request.body = to->body;
  request.key = given.key;
  request.deadline = *deadline;
  const auto reply = (*client)->call(request);
  const auto json =
      reply.and_then([&](const std::string& body) { return wire::to_json(body, !given.json); });
  if (!json) {
    error why = json.error();
    if (why.possible == effect::unknown) {
      why.details.emplace_back("id", to_string(*request.id));
    }
    return print_error(why, given.json);
  }
  fmt::print("{}\n", *json);
  return exit_code::ok;
}

} // namespace troupe
