#include "nodes/commands/contract/verification.hpp"

#include "nodes/commands/contract/http_client.hpp"
#include "nodes/commands/contract/state_hook.hpp"
#include "runtime/base64.hpp"
#include "runtime/contract/state_values.hpp"
#include "runtime/http/fields.hpp"

#include <fmt/format.h>
#include <utility>
#include <variant>

namespace troupe {

namespace {

/// Contracts may spell methods in any case; HTTP uses capitals.
std::string in_capitals(std::string text) {
  for (char& letter : text) {
    letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  return text;
}

contract::actual_request to_send(const contract::http_request& from) {
  contract::actual_request made{in_capitals(from.method), from.path};
  for (const auto& [name, values] : from.query) {
    for (const std::string& each : values) {
      made.query.emplace_back(name, each);
    }
  }
  bool has_type = false;
  for (const auto& [name, values] : from.fields) {
    for (const std::string& each : values) {
      made.fields.emplace_back(name, each);
    }
    has_type = has_type || http::lower_case(name) == "content-type";
  }
  if (from.body) {
    made.body = from.body->bytes;
    if (!has_type) {
      made.fields.emplace_back("Content-Type", from.body->type);
    }
  }
  return made;
}

/// Reads a message from a hook's answer: contents in the body, metadata in a field.
/// @source Pact's "Provider verification of messages": base64 of JSON.
outcome<contract::actual_message> message_of(const contract::actual_response& from) {
  if (from.status < 200 || from.status > 299) {
    return failure{error{
        errc::unavailable,
        effect::unknown,
        fmt::format(
            "the hook of messages answered {}: {}", from.status, from.body.substr(0, 200))}};
  }
  contract::actual_message made{"", from.body};
  for (const auto& [name, value] : from.fields) {
    if (name == "content-type") {
      made.type = value;
    } else if (name == "pact-message-metadata") {
      const auto text = from_base64(value);
      made.metadata = text ? contract::json::parse(*text, nullptr, false) : contract::json{};
      if (!made.metadata.is_object()) {
        return failure{
            invalid("the field Pact-Message-Metadata of the hook is no base64 of a JSON object")};
      }
    }
  }
  return made;
}

/// Sends the request of one interaction to the provider.
class asking {
public:
  asking(
      const contract::interaction& which,
      const provider_addresses& provider,
      topology_messages* system,
      const contract::json& values)
      : which_{which}, provider_{provider}, system_{system}, values_{values} {}

  outcome<contract::differences> operator()(const contract::http_exchange& exchange) const {
    const auto request = with_state_values(exchange.request, values_);
    return send_http(provider_.url, to_send(request), provider_.deadline)
        .map([&](const auto& actual) { return compare(exchange.response, actual); });
  }

  outcome<contract::differences> operator()(const contract::message& event) const {
    const auto actual = system_ != nullptr ? system_->event(event) : from_hook(nullptr);
    return actual.map([&](const auto& message) { return compare(event, message); });
  }

  outcome<contract::differences> operator()(const contract::call_exchange& exchange) const {
    const auto actual =
        system_ != nullptr ? system_->reply(exchange.request) : from_hook(&exchange.request);
    return actual.map([&](const auto& message) { return compare(exchange.reply, message); });
  }

private:
  outcome<contract::actual_message> from_hook(const contract::message* request) const {
    contract::json question{{"description", which_.description}};
    for (const contract::provider_state& each : which_.states) {
      question["providerStates"].push_back({{"name", each.name}, {"params", each.params}});
    }
    if (request != nullptr) {
      question["request"] = {{"metadata", request->metadata}};
      if (request->contents && request->contents->value) {
        question["request"]["contents"] = {
            {"content", *request->contents->value},
            {"contentType", request->contents->type},
            {"encoded", false}};
      }
    }
    return send_http(
               provider_.messages,
               {"POST", "", {}, {{"Content-Type", "application/json"}}, question.dump()},
               provider_.deadline)
        .and_then(message_of);
  }

  const contract::interaction& which_;
  const provider_addresses& provider_;
  topology_messages* system_;
  const contract::json& values_;
};

outcome<contract::json>
set_up_states(const contract::interaction& which, const provider_addresses& provider) {
  contract::json values = contract::json::object();
  for (const contract::provider_state& each : which.states) {
    TROUPE_TRY(const auto answer, set_up_state(provider.states, each, provider.deadline));
    values.update(answer);
  }
  return values;
}

} // namespace

verdict_on_interaction verify(
    const contract::interaction& which,
    const provider_addresses& provider,
    topology_messages* system) {
  verdict_on_interaction made{title_of(which), which.is_pending};
  const bool is_event = std::holds_alternative<contract::message>(which.what);
  const auto begun = is_event && system != nullptr ? system->begin() : outcome<void>{};
  const auto found = begun.and_then([&] { return set_up_states(which, provider); })
                         .and_then([&](const contract::json& values) {
                           return std::visit(asking{which, provider, system, values}, which.what);
                         });
  if (found) {
    made.found = *found;
  } else {
    made.trouble = found.error();
  }
  return made;
}

} // namespace troupe
