#pragma once

#include "runtime/contract/example.hpp"
#include "runtime/contract/interaction.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <string_view>

namespace troupe::contract {

/// One interaction as a consumer's test describes it, in the order in which it happens:
///
///     pact.given("user exists", {{"id", "123"}})
///         .upon("a request for user 123")
///         .request("GET", "/users/123")
///         .will_respond(200)
///         .body({{"id", "123"}, {"name", like("Ada")}});
///
/// Values may be examples with rules (`example.hpp`). Faults are told by `read`.
class interaction_draft {
public:
  /// A state of the provider that must be so; several may.
  interaction_draft& given(std::string_view state, json params = json::object());
  /// Sets the name of the interaction, which is unique among those of the same states.
  interaction_draft& upon(std::string_view description);

  /// An HTTP request.
  interaction_draft& request(std::string_view method, const json& path);
  interaction_draft& parameter(const std::string& name, const json& value);
  /// An HTTP response; what follows is its.
  interaction_draft& will_respond(int status);

  /// A field of the request, or of the response behind `will_respond`.
  interaction_draft& field(const std::string& name, const json& value);
  /// The JSON body of the request or response.
  interaction_draft& body(const json& expected);

  /// An event of a topic.
  interaction_draft& event(std::string_view topic, const json& expected);

  /// A call of an operation, "users.get", and the reply to it.
  interaction_draft& call(std::string_view operation, const json& expected);
  interaction_draft& will_reply(const json& expected);

  /// The interaction as it stands in a Pact file.
  const json& file_form() const { return file_; }

  /// @errors `invalid`: what is missing or cannot be used.
  outcome<interaction> read() const;

private:
  json& side() { return file_[is_response_ ? "response" : "request"]; }

  json file_ = json::object();
  bool is_response_ = false;
};

} // namespace troupe::contract
