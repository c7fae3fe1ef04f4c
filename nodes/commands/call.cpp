#include "nodes/commands/call.hpp"

#include "nodes/connection.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

struct call_arguments : connect_arguments {
  /// CAPABILITY.OPERATION.
  std::string target;
  /// The body as JSON.
  std::string body = "{}";
  std::string key;
  std::string id;
};

/// The position of the last dot. (A capability's name may contain dots: troupe.broker.status.)
std::size_t dot_in(const std::string& target) {
  return target.rfind('.');
}

std::string check_target(const std::string& target) {
  const std::size_t dot = dot_in(target);
  return dot == std::string::npos || dot == 0 || dot + 1 == target.size()
             ? fmt::format("`{}` is not CAPABILITY.OPERATION, such as order_saga.place", target)
             : "";
}

int run(const call_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("call", given, needs::any_broker));
  TROUPE_TRY_EXIT(const auto body, or_print(body_in(given.body), given.json));
  // Made here, so that an error with unknown outcome can name the id.
  const auto id = given.id.empty() ? uuid_source{}.next(std::chrono::system_clock::now())
                                   : *parse_uuid(given.id);
  const std::string_view target = given.target;
  const std::size_t dot = dot_in(given.target);
  const auto reply = over.calls().call(
      {.capability = target.substr(0, dot),
       .operation = target.substr(dot + 1),
       .body = body,
       .key = given.key,
       .deadline = over.deadline(),
       .id = id});
  const auto json =
      reply.and_then([&](const std::string& bytes) { return wire::to_json(bytes, !given.json); });
  if (!json) {
    error why = json.error();
    if (why.possible == effect::unknown) {
      why.details.emplace_back("id", to_string(id));
    }
    return print_error(why, given.json);
  }
  fmt::print("{}\n", *json);
  return exit_code::ok;
}

} // namespace

void add_call(command_line& line) {
  const auto given = std::make_shared<call_arguments>();
  command call = line.add("call", "Calls an operation, JSON in, JSON out");
  add_connection(line, call, *given);
  add_deadline(call, *given);
  call.word("CAPABILITY.OPERATION", given->target, "what to call", check_target)
      .optional_word("JSON", given->body, "the body ({} if left out; - reads it from stdin)")
      .option(
          "--key", given->key, "the ordering key: calls with the same key go to the same replica")
      .option(
          "--id",
          given->id,
          "the call's UUID; that of an earlier call gets the answer of that call",
          check_call_id)
      .footer(with_exit_codes("Example: troupe call examples/shop/shop.yaml users.get "
                              "'{\"user_id\": \"01a206c0-b8fa-7000-8001-65c2ec9e316f\"}'"))
      .runs([given] { return run(*given); });
}

} // namespace troupe
