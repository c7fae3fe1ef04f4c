#include "nodes/commands/publish.hpp"

#include "nodes/connection.hpp"
#include "runtime/config.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

// The longest delay accepted; a longer one is taken for a typing error.
constexpr milliseconds after_max = std::chrono::hours{24 * 3'650};

struct publish_arguments : connect_arguments {
  std::string topic;
  /// The event as JSON.
  std::string body;
  std::string key;
  std::string id;
  /// Time of publication; at most one of the two is set. Both empty: now.
  std::string at;
  std::string after;
};

std::string check_topic(const std::string& word) {
  return wire::is_topic(word)
             ? ""
             : fmt::format(
                 "`{}` is not a topic; write a-z, 0-9, _ and dots between, such as order.created",
                 word);
}

std::string check_at(const std::string& word) {
  return parse_utc_time(word)
             ? ""
             : fmt::format("--at `{}` is not a UTC time; write 2026-11-24T08:00:00Z", word);
}

std::string check_after(const std::string& word) {
  const auto after = parse_duration(word);
  if (!after) {
    return fmt::format("--after `{}` is not a duration; write 500ms, 5s or 1m", word);
  }
  return *after <= after_max
             ? ""
             : fmt::format("--after `{}` is more than {}", word, duration_text(after_max));
}

/// Like `print_journal_error`, but adds the id for a repeat if the outcome is unknown.
int print_failure(error why, const uuid& id, bool json) {
  if (why.possible == effect::unknown) {
    why.details.emplace_back("id", to_string(id));
  }
  return print_journal_error(
      why,
      json,
      fmt::format(
          "publish it again with --id {}: an event in the journal is not repeated", to_string(id)));
}

int publish_now(
    connection& over, const client::call_request& request, const publish_arguments& given) {
  const auto reply = over.ask(request).and_then(wire::checked_decode<wire::published>);
  if (!reply) {
    return print_failure(reply.error(), *request.id, given.json);
  }
  if (given.json) {
    json_object line;
    line.add("position", reply->position).add("repeat", reply->repeat).add("id", *request.id);
    fmt::print("{}\n", line.text());
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
    connection& over, const client::call_request& what, const publish_arguments& given) {
  wire::schedule_event event{
      .topic = given.topic,
      .key = given.key,
      .body = {std::string{what.body}},
      .at = {},
      .after = {}};
  const wall_time asked = std::chrono::system_clock::now();
  if (!given.at.empty()) {
    event.at = unix_millis(*parse_utc_time(given.at));
  } else {
    event.after = parse_duration(given.after)->count();
  }
  const std::string body = wire::encoded(event);
  const auto reply = over.ask({.capability = "troupe.events",
                               .operation = "schedule",
                               .body = body,
                               .key = {},
                               .id = what.id})
                         .and_then(wire::checked_decode<wire::event_scheduled>);
  if (!reply) {
    return print_failure(reply.error(), *what.id, given.json);
  }
  // The broker has accepted the delay, so the sum is a valid time.
  const wall_time time =
      time_since_1970(milliseconds{event.at ? *event.at : unix_millis(asked) + *event.after});
  if (given.json) {
    fmt::print("{}\n", json_object{}.add("id", reply->id).add("at", utc_time_text(time)).text());
  } else {
    fmt::print("{} will be published at {}\n", what.operation, utc_time_text(time));
  }
  return exit_code::ok;
}

int run(const publish_arguments& given) {
  TROUPE_TRY_EXIT(auto over, connection::open("publish", given, needs::journal));
  TROUPE_TRY_EXIT(const auto body, or_print(body_in(given.body), given.json));
  const client::call_request what{
      .capability = "troupe.publish",
      .operation = given.topic,
      .body = body,
      .key = given.key,
      // Made here, so that an error with unknown outcome can name the id.
      .id = given.id.empty() ? uuid_source{}.next(std::chrono::system_clock::now())
                             : *parse_uuid(given.id)};
  return given.at.empty() && given.after.empty() ? publish_now(over, what, given)
                                                 : publish_later(over, what, given);
}

} // namespace

void add_publish(command_line& line) {
  const auto given = std::make_shared<publish_arguments>();
  command publish = line.add("publish", "Publishes an event, now or later");
  add_connection(line, publish, *given);
  add_deadline(publish, *given);
  publish.word("TOPIC", given->topic, "what the event is about", check_topic)
      .word("JSON", given->body, "the event (- reads it from stdin)")
      .option(
          "--key", given->key, "the ordering key: events with the same key are handled in order")
      .option(
          "--at",
          given->at,
          "when to publish it: a UTC time such as 2026-11-24T08:00:00Z",
          check_at)
      .option(
          "--after", given->after, "when to publish it: after this time, such as 5s", check_after)
      .excludes("--after", "--at")
      .option(
          "--id",
          given->id,
          "the event's UUID; an event with the same UUID is published only once",
          check_call_id)
      .footer(with_exit_codes(
          "Ends when the event is on disk. Example: troupe publish shop.yaml stock.low "
          "'{\"sku\": \"tea-red\"}' --key tea-red"))
      .runs([given] { return run(*given); });
}

} // namespace troupe
