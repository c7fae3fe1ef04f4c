#include "nodes/commands/command.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using nlohmann::ordered_json;

/// Asks an operation that any event-sourced capability has; both ways as JSON, since what it says
/// of its things is its own.
outcome<ordered_json>
ask(connection& over,
    const std::string& capability,
    std::string_view operation,
    const ordered_json& question) {
  return wire::from_json(question.dump())
      .and_then([&](const std::string& body) {
        return over.ask({.capability = capability, .operation = operation, .body = body});
      })
      .and_then([](const std::string& reply) { return wire::to_json(reply); })
      .map([](const std::string& text) { return ordered_json::parse(text); });
}

error not_understood(const std::string& capability) {
  return {
      .code = errc::invalid,
      .message = fmt::format("what capability `{}` answers is not understood", capability)};
}

int print_failure(const error& why, const std::string& capability, bool json) {
  if (why.code == errc::unknown_operation) {
    return print_error(
        why,
        json,
        fmt::format("`{}` keeps no history: only event-sourced capabilities do", capability));
  }
  return print_error(why, json);
}

std::string dumped(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string when(const ordered_json& at) {
  return at.is_number_integer()
             ? utc_time_text(time_since_1970(milliseconds{at.get<std::int64_t>()}))
             : dumped(at);
}

bool is_history(const ordered_json& page) {
  return page.is_object() && page.contains("events") && page["events"].is_array();
}

std::string text_in(const ordered_json& event, const char* key) {
  const auto value = event.find(key);
  if (value == event.end()) {
    return {};
  }
  return value->is_string() ? value->get<std::string>() : dumped(*value);
}

} // namespace

int run_history(const connect_arguments& given) {
  int code = exit_code::ok;
  auto over =
      connection::open("history", given, "CAPABILITY and ID", 2, 2, needs::any_broker, code);
  if (!over) {
    return code;
  }
  const std::string& capability = over->words()[0];
  ordered_json question = {{"id", over->words()[1]}, {"from", 1}};
  text_table table{{{"version", text_table::side::right}, {"when"}, {"type"}, {"what"}}};
  for (bool more = true; more;) {
    const auto page = ask(*over, capability, "history", question);
    if (!page) {
      return print_failure(page.error(), capability, given.json);
    }
    if (!is_history(*page)) {
      return print_error(not_understood(capability), given.json);
    }
    more = page->value("more", false) && !(*page)["events"].empty();
    for (ordered_json event : (*page)["events"]) {
      if (!event.is_object()) {
        return print_error(not_understood(capability), given.json);
      }
      event["at"] = when(event["at"]);
      const auto version = event.find("version");
      if (version == event.end() || !version->is_number_integer()
          || version->get<std::int64_t>() < question["from"].get<std::int64_t>()) {
        return print_error(not_understood(capability), given.json);
      }
      question["from"] = version->get<std::int64_t>() + 1;
      if (given.json) {
        fmt::print("{}\n", dumped(event));
      } else {
        table.add(
            {text_in(event, "version"),
             text_in(event, "at"),
             text_in(event, "type"),
             text_in(event, "body")});
      }
    }
  }
  if (!given.json) {
    fmt::print("{} {}\n\n{}", capability, over->words()[1], table.text());
  }
  return exit_code::ok;
}

int run_rebuild(const connect_arguments& given) {
  int code = exit_code::ok;
  auto over = connection::open("rebuild", given, "CAPABILITY", 1, 1, needs::any_broker, code);
  if (!over) {
    return code;
  }
  const std::string& capability = over->words()[0];
  std::int64_t things = 0;
  std::int64_t events = 0;
  ordered_json question = ordered_json::object();
  for (bool more = true; more;) {
    const auto slice = ask(*over, capability, "rebuild", question);
    if (!slice) {
      return print_failure(slice.error(), capability, given.json);
    }
    if (!slice->is_object()) {
      return print_error(not_understood(capability), given.json);
    }
    things += slice->value("things", std::int64_t{0});
    events += slice->value("events", std::int64_t{0});
    const auto next = slice->find("next");
    more = next != slice->end() && next->is_string();
    if (more && question.contains("after") && question["after"] == *next) {
      return print_error(not_understood(capability), given.json);
    }
    question["after"] = more ? *next : ordered_json(nullptr);
  }
  if (given.json) {
    fmt::print("{}\n", ordered_json{{"things", things}, {"events", events}}.dump());
  } else {
    fmt::print(
        "{} is rebuilt: {} {}, from {} {}\n",
        capability,
        things,
        things == 1 ? "thing" : "things",
        events,
        events == 1 ? "event" : "events");
  }
  return exit_code::ok;
}

} // namespace troupe
