#include "nodes/command.hpp"
#include "nodes/connection.hpp"
#include "runtime/client/client.hpp"
#include "runtime/config.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

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
    fmt::print(
        stderr,
        "troupe call: expected {}CAPABILITY.OPERATION and JSON; `troupe call --help` says more\n",
        given.brokers.empty() ? "FILE, " : "");
    return std::nullopt;
  }
  auto options = connection_of(words, given.brokers, needs::any_broker, given.json);
  if (!options) {
    code = exit_code::faults;
    return std::nullopt;
  }
  to.options = std::move(*options);
  // The last dot: a capability may have dots in its name (troupe.broker.status).
  const std::size_t dot = words[0].rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == words[0].size()) {
    fmt::print(
        stderr, "troupe call: `{}` is not CAPABILITY.OPERATION, such as orders.place\n", words[0]);
    return std::nullopt;
  }
  to.capability = words[0].substr(0, dot);
  to.operation = words[0].substr(dot + 1);
  const std::string text = words.size() > 1 ? text_or_stdin(words[1]) : "{}";
  auto body = wire::from_json(text);
  if (!body) {
    code = print_error(body.error(), given.json);
    return std::nullopt;
  }
  to.body = std::move(*body);
  return to;
}

} // namespace

int run_call(const call_arguments& given) {
  const auto deadline = parse_duration(given.deadline);
  if (!deadline) {
    fmt::print(stderr, "troupe call: `{}` is no duration; write 500ms, 5s or 1m\n", given.deadline);
    return exit_code::usage;
  }
  client::call_request request{};
  if (!given.id.empty()) {
    request.id = parse_uuid(given.id);
    if (!request.id) {
      fmt::print(stderr, "troupe call: `{}` is no UUID\n", given.id);
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
