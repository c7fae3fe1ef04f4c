#include "nodes/commands/command.hpp"
#include "nodes/connection.hpp"
#include "runtime/config.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view command = "publish";

// Later is a slip of the hand, and time ends somewhere.
constexpr milliseconds after_max = std::chrono::hours{24 * 3'650};

/// When an event is to be published: now, if neither is set.
struct due {
  std::optional<wall_time> at;
  std::optional<milliseconds> after;

  bool is_now() const { return !at && !after; }
};

std::optional<due> due_of(const publish_arguments& given) {
  due when;
  if (!given.at.empty() && !(when.at = parse_utc_time(given.at))) {
    (void)print_wrong_usage(
        command,
        fmt::format("--at `{}` is no UTC time; write 2026-11-24T08:00:00Z", given.at),
        given.json);
    return std::nullopt;
  }
  if (!given.after.empty() && !(when.after = parse_duration(given.after))) {
    (void)print_wrong_usage(
        command,
        fmt::format("--after `{}` is no duration; write 500ms, 5s or 1m", given.after),
        given.json);
    return std::nullopt;
  }
  if (when.after > after_max) {
    (void)print_wrong_usage(
        command,
        fmt::format("--after `{}` is more than {}", given.after, duration_text(after_max)),
        given.json);
    return std::nullopt;
  }
  return when;
}

/// As `print_journal_error`, with the id to ask again under where it is not known what happened.
int print_failure(error why, const uuid& id, bool json) {
  if (why.possible == effect::unknown) {
    why.details.emplace_back("id", to_string(id));
  }
  return print_journal_error(
      why,
      json,
      fmt::format(
          "publish it again with --id {}: what is in the journal is not repeated", to_string(id)));
}

int publish_now(
    connection& over, const client::call_request& request, const publish_arguments& given) {
  const auto reply = over.ask(request).and_then(
      [](const std::string& body) { return wire::checked_decode<wire::published>(body); });
  if (!reply) {
    return print_failure(reply.error(), *request.id, given.json);
  }
  if (given.json) {
    const ordered_json line = {
        {"position", reply->position}, {"repeat", reply->repeat}, {"id", to_string(*request.id)}};
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print(
        "{} {} position {}\n",
        request.operation,
        reply->repeat ? "was published before, at" : "is published, at",
        reply->position);
  }
  return exit_code::ok;
}

int publish_later(
    connection& over,
    const client::call_request& what,
    const due& when,
    const publish_arguments& given) {
  wire::schedule_event event{
      .topic = std::string{what.operation},
      .key = given.key,
      .body = {std::string{what.body}},
      .at = {},
      .after = {}};
  wall_time time = std::chrono::system_clock::now();
  if (when.at) {
    time = *when.at;
    event.at = unix_millis(time);
  } else {
    time += *when.after;
    event.after = when.after->count();
  }
  const std::string body = wire::encoded(event);
  const auto reply = over.ask({.capability = "troupe.events",
                               .operation = "schedule",
                               .body = body,
                               .key = {},
                               .id = what.id})
                         .and_then([](const std::string& bytes) {
                           return wire::checked_decode<wire::event_scheduled>(bytes);
                         });
  if (!reply) {
    return print_failure(reply.error(), *what.id, given.json);
  }
  if (given.json) {
    const ordered_json line = {{"id", to_string(reply->id)}, {"at", utc_time_text(time)}};
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print("{} will be published at {}\n", what.operation, utc_time_text(time));
  }
  return exit_code::ok;
}

} // namespace

int run_publish(const publish_arguments& given) {
  const auto when = due_of(given);
  if (!when) {
    return exit_code::usage;
  }
  // Made here, so that it can be told when the outcome is unknown.
  std::optional<uuid> id = uuid_source{}.next(std::chrono::system_clock::now());
  if (!given.id.empty() && !(id = id_in(command, given.id, given.json))) {
    return exit_code::usage;
  }
  int code = exit_code::ok;
  auto over = connection::open(command, given, "TOPIC and JSON", 2, 2, needs::journal, code);
  if (!over) {
    return code;
  }
  const std::string& topic = over->words()[0];
  if (!wire::is_topic(topic)) {
    return print_wrong_usage(
        command,
        fmt::format(
            "`{}` is no topic; write a-z, 0-9, _ and dots between, such as order.created", topic),
        given.json);
  }
  const auto body = body_in(over->words()[1]);
  if (!body) {
    return print_error(body.error(), given.json);
  }
  const client::call_request what{
      .capability = "troupe.publish",
      .operation = topic,
      .body = *body,
      .key = given.key,
      .id = id};
  return when->is_now() ? publish_now(*over, what, given)
                        : publish_later(*over, what, *when, given);
}

} // namespace troupe
