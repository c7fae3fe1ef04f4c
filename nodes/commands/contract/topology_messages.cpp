#include "nodes/commands/contract/topology_messages.hpp"

#include "nodes/actor_types.hpp"
#include "runtime/gateway/json_codec.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace troupe {

namespace {

constexpr std::uint32_t events_per_answer = 200;
/// How long the broker holds a question while there are no events: at most 60 s.
constexpr milliseconds patience_max{10'000};

outcome<std::string> text_in(const contract::message& from, const char* name, const char* such_as) {
  const auto found = from.metadata.find(name);
  if (found == from.metadata.end() || !found->is_string()) {
    return failure{invalid(fmt::format(
        "the contract does not say which message this is: its metadata need `{}`, such as \"{}\"",
        name,
        such_as))};
  }
  return found->get<std::string>();
}

} // namespace

topology_messages::topology_messages(connection over)
    : over_{std::move(over)}, types_{actor_types()} {
}

const wire::actor_description* topology_messages::described(std::string_view capability) const {
  const auto& plan = over_.plan();
  if (!plan) {
    return nullptr;
  }
  for (const topology::capability_plan& each : plan->capabilities) {
    if (each.name.value == capability) {
      const auto* const type = topology::type_named(each.actor, types_);
      return type == nullptr ? nullptr : &type->described;
    }
  }
  return nullptr;
}

outcome<void> topology_messages::begin() {
  wire::read_events question;
  question.patterns = {"*"};
  question.from = "new";
  return over_.ask<wire::events_read>("troupe.events", "read", question)
      .map([this](const wire::events_read& answer) { position_ = answer.next; });
}

std::string topology_messages::json_of_event(
    const std::string& source, std::string_view topic, const std::string& body) const {
  if (const auto* const type = described(source)) {
    for (const wire::topic_description& each : type->publishes) {
      if (each.event && (each.pattern == topic || wire::matches(each.pattern, topic))) {
        if (auto text = gateway::to_json(body, type->types, *each.event)) {
          return *std::move(text);
        }
      }
    }
  }
  return wire::json_of(body); // Clients may publish events of unknown type.
}

outcome<contract::actual_message> topology_messages::event(const contract::message& expected) {
  TROUPE_TRY(const auto topic, text_in(expected, "topic", "order.confirmed"));
  const auto until = std::chrono::steady_clock::now() + over_.deadline();
  std::optional<contract::actual_message> closest;
  std::size_t fewest = 0;
  wire::read_events question;
  question.patterns = {topic};
  question.after = position_;
  question.count = events_per_answer;
  while (true) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
    question.wait_ms = static_cast<std::uint32_t>(
        std::clamp(left, milliseconds::zero(), std::min(patience_max, over_.deadline() / 2))
            .count());
    TROUPE_TRY(const auto answer, over_.ask<wire::events_read>("troupe.events", "read", question));
    for (const wire::read_event& each : answer.events) {
      contract::actual_message actual{
          "application/json",
          json_of_event(each.source, each.topic, each.body.bytes),
          {{"topic", each.topic}, {"key", each.key}, {"source", each.source}}};
      const std::size_t count = contract::compare(expected, actual).size();
      if (!closest || count < fewest) {
        closest = std::move(actual);
        fewest = count;
      }
      if (fewest == 0) {
        return *closest;
      }
    }
    question.after = answer.next;
    if (left <= milliseconds::zero()) {
      break;
    }
  }
  if (!closest) {
    return failure{error{
        errc::deadline_exceeded,
        effect::none,
        fmt::format(
            "no event of `{}` was published within {} ms after the states were set up; the hook of "
            "a state must make one happen",
            topic,
            over_.deadline().count())}};
  }
  return *closest;
}

outcome<contract::actual_message> topology_messages::reply(const contract::message& request) {
  TROUPE_TRY(const auto target, text_in(request, "operation", "users.get"));
  const std::size_t dot = target.rfind('.');
  const std::string capability = target.substr(0, dot);
  const std::string operation = dot == std::string::npos ? "" : target.substr(dot + 1);
  const auto* const type = described(capability);
  const auto* const known = type == nullptr ? nullptr : type->find(operation);
  if (known == nullptr || !known->request || !known->reply) {
    return failure{invalid(
        fmt::format("the topology has no operation `{}` with a known request and reply", target))};
  }
  const std::string text = request.contents ? request.contents->bytes : "{}";
  TROUPE_TRY(const auto body, gateway::from_json(text, type->types, *known->request));
  TROUPE_TRY(
      const auto reply,
      over_.ask({.capability = capability, .operation = operation, .body = body}));
  return gateway::to_json(reply, type->types, *known->reply).map([&](std::string json) {
    return contract::actual_message{"application/json", std::move(json), {{"operation", target}}};
  });
}

} // namespace troupe
