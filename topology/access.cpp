#include "topology/access.hpp"

#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::topology {

namespace {

using security::act;

constexpr std::size_t allowed_names_max = 8'192;

constexpr const char* call_remedy =
    "write an operation such as users.get, all of a capability such as users.*, troupe.* for an "
    "operator, or \"*\"";
constexpr const char* topics_remedy =
    "write a topic such as order.created, all below one such as order.*, or \"*\"";

/// Reads the list of rights under one key of a rule.
void read_rights(act what, config_reader& reader, access_rule& into, std::vector<fault>& found) {
  const std::string_view key = security::name_of(what);
  const auto texts = reader.texts(key);
  if (!texts) {
    return;
  }
  const config_tree& list = *reader.tree(key);
  if (texts->size() > access_rule::rights_max) {
    reader.add_fault(
        key,
        fmt::format("has {} entries", texts->size()),
        fmt::format(
            "stay below {}; users.* means all of a capability", access_rule::rights_max + 1));
    return;
  }
  std::vector<std::string>& rights = security::rights_to(what, into.may);
  for (std::size_t i = 0; i < texts->size(); ++i) {
    const std::string& right = (*texts)[i];
    const auto say = [&](std::string wrong, std::string remedy) {
      found.push_back({list.items[i].at, std::move(wrong), std::move(remedy)});
    };
    const bool is_call = what == act::call;
    if (!(is_call ? security::is_call_right(right) : wire::is_pattern(right))) {
      say(fmt::format(
              "`{}` in `{}` of `{}` means no {}",
              right,
              key,
              into.who,
              is_call ? "operations" : "topics"),
          is_call ? call_remedy : topics_remedy);
      continue;
    }
    const auto wider = std::ranges::find_if(
        rights, [&](const std::string& each) { return security::covers(each, right); });
    if (wider != rights.end() && !(*wider == "*" && right.starts_with("troupe."))) {
      say(fmt::format(
              "`{}` in `{}` of `{}` says nothing: `{}` before it means it, too",
              right,
              key,
              into.who,
              *wider),
          "remove one of them");
      continue;
    }
    rights.push_back(right);
    into.places.at(static_cast<std::size_t>(what)).push_back(list.items[i].at);
  }
}

/// Reads the text under `key`, which must exist and be printable without quotes.
std::string read_party(config_reader& reader, std::string_view key, const char* remedy) {
  reader.require(key, remedy);
  const std::string text = reader.text(key).value_or("");
  const bool is_good = !text.empty() && text.size() <= 256 && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '\\';
  });
  if (!is_good && reader.tree(key) != nullptr) {
    reader.add_fault(
        key, "is `" + text + "`", "write 1 to 256 letters, digits or signs, no blanks");
  }
  return text;
}

} // namespace

std::optional<token_options> read_tokens(config_reader& section, std::vector<fault>& found) {
  const config_tree* const tokens = section.tree("tokens");
  if (tokens == nullptr) {
    return std::nullopt;
  }
  config_reader reader{*tokens, "`tokens`", found};
  token_options options;
  options.issuer = read_party(reader, "issuer", "say who makes tokens, as in `issuer: shop`");
  options.audience =
      read_party(reader, "audience", "say whom tokens are for, as in `audience: shop`");
  const auto lifetime = token_options::lifetime_range;
  const auto leeway = token_options::leeway_range;
  options.lifetime =
      reader.duration("lifetime", lifetime.least, lifetime.most).value_or(options.lifetime);
  options.leeway = reader.duration("leeway", leeway.least, leeway.most).value_or(options.leeway);
  if (const auto login = reader.text("login")) {
    options.at_login = *login == "required";
    if (!options.at_login) {
      reader.add_fault(
          "login",
          "is `" + *login + "`",
          "write `required`: whoever logs in with a key shows a token, too; or leave it out");
    }
  }
  reader.finish();
  return options;
}

std::vector<access_rule> read_allow(config_reader& section, std::vector<fault>& found) {
  std::vector<access_rule> rules;
  const config_tree* const allow = section.tree("allow");
  if (allow == nullptr || allow->is == config_tree::kind::null) {
    return rules;
  }
  if (allow->is != config_tree::kind::map || allow->entries.size() > allowed_names_max) {
    section.add_fault(
        "allow",
        allow->is != config_tree::kind::map ? "is no map"
                                            : fmt::format("has {} entries", allow->entries.size()),
        "write a map with an entry for each capability, gateway and client, such as "
        "`g1: {call: [users.*]}`");
    return rules;
  }
  for (const config_tree::entry& entry : allow->entries) {
    access_rule rule{.who = entry.key, .at = entry.at};
    config_reader reader{entry.value, fmt::format("`{}` in `allow`", entry.key), found};
    for (const act each : {act::call, act::publish, act::subscribe, act::read}) {
      read_rights(each, reader, rule, found);
    }
    reader.finish();
    rules.push_back(std::move(rule));
  }
  return rules;
}

} // namespace troupe::topology
