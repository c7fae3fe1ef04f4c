#pragma once

#include "runtime/contract/matching_rule.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::contract {

/// The state that the provider must be in before an interaction: "user exists", {"user_id": "123"}.
struct provider_state {
  std::string name;
  json params = json::object();
};

/// The content of a request, response or message.
struct content {
  /// "application/json", with parameters, if there are any.
  std::string type;
  /// The value; absent where it is no JSON.
  std::optional<json> value{};
  /// The bytes on the wire.
  std::string bytes{};
};

using named_values = std::map<std::string, std::vector<std::string>>;

struct http_request {
  std::string method;
  std::string path;
  named_values query{};
  named_values fields{};
  /// The body; absent if the contract says nothing about it.
  std::optional<content> body{};
  matching_rules rules{};
  /// The generators, by category and path, as they are in the file.
  json generators = json::object();
};

struct http_response {
  int status = 200;
  named_values fields{};
  std::optional<content> body{};
  matching_rules rules{};
};

struct http_exchange {
  http_request request;
  http_response response;
};

/// A message: an event, or one of a call.
struct message {
  std::optional<content> contents{};
  /// An object; of an event its `topic`, of a call its `operation`.
  json metadata = json::object();
  matching_rules rules{};
};

/// A call: a message and the answer to it.
struct call_exchange {
  message request;
  message reply;
};

struct interaction {
  std::string description;
  std::vector<provider_state> states{};
  /// Its differences are told but break nothing.
  bool is_pending = false;
  std::variant<http_exchange, message, call_exchange> what{};
};

/// Description and states: "a request for a user, given user exists".
std::string title_of(const interaction& which);

/// The expectations of a consumer of a provider.
struct pact {
  std::string consumer;
  std::string provider;
  std::vector<interaction> interactions{};
};

} // namespace troupe::contract
