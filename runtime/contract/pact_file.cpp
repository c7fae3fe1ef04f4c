#include "runtime/contract/pact_file.hpp"

#include "runtime/base64.hpp"
#include "runtime/contract/file_node.hpp"
#include "runtime/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace troupe::contract {

namespace {

constexpr std::size_t pact_bytes_max = 64U << 20U;

bool is_json_type(std::string_view type) {
  return type.substr(0, type.find(';')).find("json") != std::string_view::npos;
}

/// A body in the form of V4: {"content": ..., "contentType": ..., "encoded": false or "base64"}.
std::optional<content> read_content(const file_node& from) {
  if (from.is_absent() || from.value().is_null()
      || (from.value().is_object() && from.value().empty())) {
    return std::nullopt;
  }
  content made{from["contentType"].text_or("application/json")};
  const file_node held = from["content"];
  const file_node encoded = from["encoded"];
  const bool is_base64 = encoded.value() == "base64" || encoded.value() == true;
  if (!encoded.is_absent() && !is_base64 && encoded.value() != false && encoded.value() != "json"
      && encoded.value() != "JSON") {
    encoded.refuse("false or \"base64\" is wanted");
  }
  if (is_base64) {
    auto bytes = from_base64(held.text());
    if (!bytes) {
      held.refuse("is no base64");
    }
    made.bytes = std::move(bytes).value_or("");
    return made;
  }
  if (is_json_type(made.type)) {
    const bool is_text =
        (encoded.value() == "json" || encoded.value() == "JSON") && held.value().is_string();
    made.value = is_text ? json::parse(held.text(), nullptr, false) : held.value();
    if (made.value->is_discarded()) {
      held.refuse("is no JSON");
      made.value = nullptr;
    }
    made.bytes = made.value->dump(-1, ' ', false, json::error_handler_t::replace);
  } else {
    made.bytes = held.text_or("");
  }
  return made;
}

/// {"name": "text"} or {"name": ["text", ...]}.
named_values read_named(const file_node& from) {
  named_values made;
  for (const file_node::member& each : from.members()) {
    auto& values = made[each.key];
    if (!each.node.value().is_array()) {
      values.push_back(each.node.text());
      continue;
    }
    for (const file_node& value : each.node.items()) {
      values.push_back(value.value().is_null() ? "" : value.text());
    }
  }
  return made;
}

/// Refuses rules that cannot be applied: rules for the inside of a body that is not JSON.
void check_body_rules(const file_node& from, const std::optional<content>& body) {
  if (!body || body->value || from["matchingRules"].is_absent()) {
    return;
  }
  for (const file_node::member& each : from["matchingRules"]["body"].members()) {
    if (each.key != "$") {
      each.node.refuse(
          fmt::format("rules inside of a body are known for JSON, not for {}", body->type));
    }
  }
}

http_request read_request(const file_node& from) {
  http_request made;
  made.method = from["method"].text_or("GET");
  made.path = from["path"].text_or("/");
  made.query = read_named(from["query"]);
  made.fields = read_named(from["headers"]);
  made.body = read_content(from["body"]);
  made.rules = read_matching_rules(from["matchingRules"]);
  if (!from["generators"].is_absent()) {
    made.generators = from["generators"].value();
  }
  check_body_rules(from, made.body);
  return made;
}

http_response read_response(const file_node& from) {
  http_response made;
  if (!from["status"].is_absent()) {
    made.status = static_cast<int>(from["status"].count());
  }
  made.fields = read_named(from["headers"]);
  made.body = read_content(from["body"]);
  made.rules = read_matching_rules(from["matchingRules"]);
  check_body_rules(from, made.body);
  return made;
}

message read_message(const file_node& from) {
  message made;
  made.contents = read_content(from["contents"]);
  if (const file_node metadata = from["metadata"]; !metadata.is_absent()) {
    metadata.members(); // Refuses anything but an object.
    made.metadata = metadata.value();
  }
  made.rules = read_matching_rules(from["matchingRules"]);
  check_body_rules(from, made.contents);
  return made;
}

std::vector<provider_state> read_states(const file_node& from) {
  std::vector<provider_state> made;
  for (const file_node& each : from.items()) {
    provider_state state{each["name"].text()};
    if (const file_node params = each["params"]; !params.is_absent()) {
      params.members();
      state.params = params.value();
    }
    made.push_back(std::move(state));
  }
  return made;
}

interaction read_one(const file_node& from) {
  interaction made{
      from["description"].text(),
      read_states(from["providerStates"]),
      from["pending"].flag_or(false)};
  const std::string type = from["type"].text();
  if (type == "Synchronous/HTTP") {
    made.what = http_exchange{read_request(from["request"]), read_response(from["response"])};
  } else if (type == "Asynchronous/Messages") {
    made.what = read_message(from);
  } else if (type == "Synchronous/Messages") {
    const auto replies = from["response"].items();
    if (replies.size() != 1) {
      from["response"].refuse(fmt::format("one reply is wanted, there are {}", replies.size()));
    }
    made.what = call_exchange{
        read_message(from["request"]), replies.empty() ? message{} : read_message(replies.front())};
  } else {
    from["type"].refuse(fmt::format("the kind `{}` of interaction is not known here", type));
  }
  if (!from["pluginConfiguration"].is_absent() && !from["pluginConfiguration"].value().empty()) {
    from["pluginConfiguration"].refuse("plugins are not known here");
  }
  return made;
}

template <class Value>
outcome<Value> unless_faulty(Value made, std::optional<error> fault) {
  if (fault) {
    return failure{*std::move(fault)};
  }
  return made;
}

outcome<json> parsed(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& fault) {
    return failure{invalid(fmt::format("the contract is no JSON: {}", fault.what()))};
  }
}

void check_version(const file_node& root) {
  const file_node version = root["metadata"]["pactSpecification"]["version"];
  const std::string text = version.text();
  if (text != "4.0" && text.substr(0, 2) != "4.") {
    version.refuse(fmt::format("version 4 of Pact files is read, not `{}`", text));
  }
}

/// The identity of an interaction.
std::string key_of(const json& interaction) {
  return json::array({interaction.value("description", json{}),
                      interaction.value("providerStates", json::array())})
      .dump();
}

} // namespace

std::string title_of(const interaction& which) {
  std::string title = which.description;
  for (std::size_t i = 0; i < which.states.size(); ++i) {
    title += (i == 0 ? ", given " : " and ") + which.states[i].name;
  }
  return title;
}

outcome<pact> read_pact(std::string_view text) {
  TROUPE_TRY(auto file, parsed(text));
  std::optional<error> fault;
  const file_node root{file, {}, fault};
  check_version(root);
  pact made{root["consumer"]["name"].text(), root["provider"]["name"].text()};
  for (const file_node& each : root["interactions"].items()) {
    made.interactions.push_back(read_one(each));
  }
  return unless_faulty(std::move(made), std::move(fault));
}

outcome<interaction> read_interaction(const json& from) {
  std::optional<error> fault;
  auto made = read_one(file_node{from, {}, fault});
  return unless_faulty(std::move(made), std::move(fault));
}

outcome<std::string> merged_pact(
    std::string_view old,
    const std::string& consumer,
    const std::string& provider,
    const std::vector<json>& added) {
  json file{
      {"consumer", {{"name", consumer}}},
      {"provider", {{"name", provider}}},
      {"metadata", {{"pactSpecification", {{"version", "4.0"}}}}}};
  std::map<std::string, json> interactions;
  if (!old.empty()) {
    TROUPE_TRY(const auto read, read_pact(old));
    if (read.consumer != consumer || read.provider != provider) {
      return failure{invalid(fmt::format(
          "the file is the contract of {} with {}, not of {} with {}",
          read.consumer,
          read.provider,
          consumer,
          provider))};
    }
    file = json::parse(old);
    for (json& each : file["interactions"]) {
      interactions.emplace(key_of(each), std::move(each));
    }
  }
  for (const json& each : added) {
    const auto [there, is_new] = interactions.emplace(key_of(each), each);
    if (!is_new && there->second != each) {
      return failure{error{
          errc::conflict,
          effect::none,
          fmt::format(
              "two interactions are called `{}` with the same states and say different things: "
              "name one otherwise, or delete the file if the older one is out of date",
              each.value("description", ""))}};
    }
  }
  file["interactions"] = json::array();
  for (auto& [key, each] : interactions) {
    file["interactions"].push_back(std::move(each));
  }
  return file.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

namespace {

/// Excludes other processes while it lives.
class folder_lock {
public:
  explicit folder_lock(const std::filesystem::path& folder)
      : file_{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
    if (file_ >= 0) {
      ::flock(file_, LOCK_EX);
    }
  }

  ~folder_lock() {
    if (file_ >= 0) {
      ::close(file_);
    }
  }

  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;

private:
  int file_;
};

} // namespace

outcome<void> merge_into_file(
    const std::filesystem::path& file,
    const std::string& consumer,
    const std::string& provider,
    const std::vector<json>& added) {
  std::error_code why;
  const auto folder = std::filesystem::absolute(file).parent_path();
  std::filesystem::create_directories(folder, why);
  const folder_lock lock{folder};
  outcome<std::string> old;
  if (std::filesystem::exists(file, why)) {
    old = read_text_file(file.string(), pact_bytes_max);
    if (old && old->size() > pact_bytes_max) {
      old = failure{invalid("it is too large for a contract")};
    }
    if (!old) {
      return failure{
          invalid(fmt::format("{}: it cannot be read: {}", file.string(), old.error().message))};
    }
  }
  const auto text = merged_pact(*old, consumer, provider, added);
  if (!text) {
    error told = text.error();
    told.message = fmt::format("{}: {}", file.string(), told.message);
    return failure{std::move(told)};
  }
  // Write under another name first, so that nobody reads an incomplete file.
  const std::filesystem::path draft = file.string() + ".draft";
  std::ofstream out{draft, std::ios::binary | std::ios::trunc};
  out << *text;
  out.close();
  if (out) {
    std::filesystem::rename(draft, file, why);
  }
  if (!out || why) {
    return failure{error{
        errc::unavailable,
        effect::none,
        fmt::format(
            "{} cannot be written; is its folder there, and may you write to it?", file.string())}};
  }
  return {};
}

} // namespace troupe::contract
