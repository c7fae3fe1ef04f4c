#include "runtime/contract/interaction_draft.hpp"

#include "runtime/contract/pact_file.hpp"
#include "runtime/contract/value_rules.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::contract {

namespace {

/// Adds the rules of a value without parts.
void add_rule(json& side, const char* category, const std::string& name, const json& rules) {
  if (rules.contains("$")) {
    (name.empty() ? side["matchingRules"][category] : side["matchingRules"][category][name]) =
        rules["$"];
  }
}

void add_contents(json& to, const char* name, const json& expected) {
  expectation made = split(expected);
  to[name] = {
      {"content", std::move(made.content)},
      {"contentType", "application/json"},
      {"encoded", false}};
  if (!made.rules.empty()) {
    to["matchingRules"]["body"] = std::move(made.rules);
  }
}

} // namespace

interaction_draft& interaction_draft::given(std::string_view state, json params) {
  json made{{"name", state}};
  if (!params.empty()) {
    made["params"] = std::move(params);
  }
  file_["providerStates"].push_back(std::move(made));
  return *this;
}

interaction_draft& interaction_draft::upon(std::string_view description) {
  file_["description"] = description;
  return *this;
}

interaction_draft& interaction_draft::request(std::string_view method, const json& path) {
  const expectation made = split(path);
  file_["type"] = "Synchronous/HTTP";
  side()["method"] = method;
  side()["path"] = text_of(made.content);
  add_rule(side(), "path", {}, made.rules);
  return *this;
}

interaction_draft& interaction_draft::parameter(const std::string& name, const json& value) {
  const expectation made = split(value);
  side()["query"][name].push_back(text_of(made.content));
  add_rule(side(), "query", name, made.rules);
  return *this;
}

interaction_draft& interaction_draft::will_respond(int status) {
  is_response_ = true;
  side()["status"] = status;
  return *this;
}

interaction_draft& interaction_draft::field(const std::string& name, const json& value) {
  const expectation made = split(value);
  side()["headers"][name].push_back(text_of(made.content));
  add_rule(side(), "header", name, made.rules);
  return *this;
}

interaction_draft& interaction_draft::body(const json& expected) {
  add_contents(side(), "body", expected);
  if (!side()["headers"].contains("Content-Type")) {
    side()["headers"]["Content-Type"].push_back("application/json");
  }
  return *this;
}

interaction_draft& interaction_draft::event(std::string_view topic, const json& expected) {
  file_["type"] = "Asynchronous/Messages";
  add_contents(file_, "contents", expected);
  file_["metadata"] = {{"topic", topic}, {"contentType", "application/json"}};
  return *this;
}

interaction_draft& interaction_draft::call(std::string_view operation, const json& expected) {
  file_["type"] = "Synchronous/Messages";
  add_contents(side(), "contents", expected);
  side()["metadata"] = {{"operation", operation}, {"contentType", "application/json"}};
  return *this;
}

interaction_draft& interaction_draft::will_reply(const json& expected) {
  json reply{{"metadata", {{"contentType", "application/json"}}}};
  add_contents(reply, "contents", expected);
  file_["response"] = json::array({std::move(reply)});
  return *this;
}

outcome<interaction> interaction_draft::read() const {
  auto made = read_interaction(file_);
  if (!made) {
    error told = made.error();
    told.message = fmt::format(
        "the interaction `{}`: {}", file_.value("description", "without a name"), told.message);
    return failure{std::move(told)};
  }
  return made;
}

} // namespace troupe::contract
