#include "runtime/contract/comparison.hpp"

#include "runtime/contains.hpp"
#include "runtime/contract/body_comparison.hpp"
#include "runtime/contract/value_rules.hpp"
#include "runtime/gateway/strict_json.hpp"
#include "runtime/http/fields.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string_view>

namespace troupe::contract {

namespace {

using http::lower_case;
using http::trimmed;

/// The parts of a text between separators, trimmed.
std::vector<std::string> parts_of(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(trimmed(text.substr(0, end)));
    if (end == text.size()) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

/// The parts of a value in the form for comparison. Types, and names of attributes, are compared
/// without regard to case; cookies and values of attributes are not.
/// @source RFC 9110, 8.3.1; RFC 6265, 4.1.1 and 5.2.
std::vector<std::string> comparable_parts(std::string_view field, std::string_view value) {
  std::vector<std::string> parts = parts_of(value, ';');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (field == "content-type" || field == "accept") {
      parts[i] = lower_case(parts[i]);
    } else if (field != "cookie" && (field != "set-cookie" || i > 0)) {
      const std::size_t equals = std::min(parts[i].find('='), parts[i].size());
      parts[i].replace(0, equals, lower_case(parts[i].substr(0, equals)));
    }
  }
  return parts;
}

/// Compares "text/html; charset=utf-8" with "text/html": the type, and the parameters that are
/// expected.
bool has_parameters(std::string_view field, std::string_view expected, std::string_view actual) {
  const auto wanted = comparable_parts(field, expected);
  const auto there = comparable_parts(field, actual);
  return (field == "cookie" || wanted.front() == there.front())
         && std::ranges::all_of(
             wanted, [&](const std::string& each) { return contains(there, each); });
}

bool has_parameters_of(std::string_view field) {
  return field == "content-type" || field == "accept" || field == "content-disposition"
         || field == "cookie" || field == "set-cookie";
}

void differ(differences& found, const std::string& where, std::vector<std::string> faults) {
  for (std::string& each : faults) {
    found.push_back({where, std::move(each)});
  }
}

std::string wanted_got(std::string_view expected, std::string_view actual) {
  return fmt::format(
      "wanted {}, got {}",
      json(expected).dump(),
      json(actual).dump(-1, ' ', false, json::error_handler_t::replace));
}

std::vector<std::string>
values_of(const std::vector<std::pair<std::string, std::string>>& all, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [each, value] : all) {
    if (each == name) {
      values.push_back(value);
    }
  }
  return values;
}

std::string joined(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& each : values) {
    for (std::string& part : parts_of(each, ',')) {
      parts.push_back(std::move(part));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Compares values one by one under the rules of their place. The first expected value is the
/// example for additional ones.
void compare_values(
    differences& found,
    const std::string& where,
    const json_place& at,
    const rule_set& rules,
    const std::vector<std::string>& expected,
    const std::vector<std::string>& actual) {
  if (actual.empty()) {
    found.push_back({where, "is missing, wanted such as " + json(expected).dump()});
    return;
  }
  const rules_in_force of_all = rules.at(at);
  if (of_all.rules.empty() && expected.size() != actual.size()) {
    found.push_back(
        {where, fmt::format("wanted {} values, got {}", expected.size(), actual.size())});
  }
  if (const matching_rule* const type = of_all.find(matcher::type);
      type != nullptr && (type->least || type->most)) {
    differ(found, where, faults_by({{type}, false, true}, json(expected), json(actual)));
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (expected.empty() || (i >= expected.size() && of_all.rules.empty())) {
      break;
    }
    const std::string& wanted = i < expected.size() ? expected[i] : expected.front();
    rules_in_force here = rules.at(at.child(i));
    here.is_direct = false;
    if (here.rules.empty()) {
      if (wanted != actual[i]) {
        found.push_back({where, wanted_got(wanted, actual[i])});
      }
    } else {
      differ(found, where, text_faults_by(here, wanted, actual[i]));
    }
  }
}

void compare_fields(
    differences& found,
    const named_values& expected,
    const std::vector<std::pair<std::string, std::string>>& actual,
    const rule_set& rules) {
  for (const auto& [name, wanted] : expected) {
    const std::string lower = lower_case(name);
    const std::string where = "field " + name;
    const auto there = values_of(actual, lower);
    const json_place at = json_place{}.child(lower);
    if (there.empty()) {
      found.push_back({where, "is missing, wanted such as " + json(joined(wanted)).dump()});
    } else if (const auto here = rules.at(at.child(std::size_t{0})); !here.rules.empty()) {
      rules_in_force as_text = here;
      as_text.is_direct = false;
      std::vector<std::string> faults;
      for (const std::string& each : there) {
        auto more = text_faults_by(as_text, wanted.empty() ? "" : wanted.front(), each);
        if (more.empty() && lower == "set-cookie") {
          faults.clear(); // A provider may set additional cookies.
          break;
        }
        faults.insert(faults.end(), more.begin(), more.end());
      }
      differ(found, where, std::move(faults));
    } else if (joined(wanted) == joined(there)) {
      continue;
    } else if (has_parameters_of(lower) && !wanted.empty()) {
      for (const std::string& each : wanted) {
        if (std::ranges::none_of(there, [&](const std::string& value) {
              return has_parameters(lower, each, value);
            })) {
          found.push_back({where, wanted_got(each, joined(there))});
        }
      }
    } else {
      found.push_back({where, wanted_got(joined(wanted), joined(there))});
    }
  }
}

/// "application/problem+json" also counts as "application/json".
bool is_type(std::string_view expected, std::string_view actual) {
  const std::string wanted = parts_of(lower_case(expected), ';').front();
  const std::string there = parts_of(lower_case(actual), ';').front();
  return wanted == there || there.empty()
         || (wanted == "application/json" && there.size() > 5
             && there.substr(there.size() - 5) == "+json");
}

void compare_content(
    differences& found,
    const std::optional<content>& expected,
    std::string_view type,
    const std::string& actual,
    const rule_set& rules,
    surplus more) {
  if (!expected) {
    return;
  }
  if (!is_type(expected->type, type)) {
    found.push_back({"content type", wanted_got(expected->type, type)});
    return;
  }
  if (expected->value) {
    const auto value = gateway::strict_json(actual);
    if (!value) {
      found.push_back(
          {"body",
           fmt::format("wanted JSON, got {}: {}", shown(json(actual)), value.error().message)});
      return;
    }
    for (difference& each : compare_json(*expected->value, *value, rules, more)) {
      found.push_back(std::move(each));
    }
  } else if (const auto here = rules.at({}); !here.rules.empty()) {
    differ(found, "body", faults_by(here, json(expected->bytes), json(actual)));
  } else if (expected->bytes != actual) {
    found.push_back(
        {"body",
         fmt::format("wanted {}, got {}", shown(json(expected->bytes)), shown(json(actual)))});
  }
}

std::string_view
first_of(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view name) {
  for (const auto& [each, value] : fields) {
    if (each == name) {
      return value;
    }
  }
  return {};
}

} // namespace

differences compare(const http_request& expected, const actual_request& actual) {
  differences found;
  if (lower_case(expected.method) != lower_case(actual.method)) {
    found.push_back({"method", wanted_got(expected.method, actual.method)});
  }
  if (const auto here = rules_of(expected.rules, "path").at({}); !here.rules.empty()) {
    differ(found, "path", text_faults_by(here, expected.path, actual.path));
  } else if (expected.path != actual.path) {
    found.push_back({"path", wanted_got(expected.path, actual.path)});
  }
  const rule_set& query_rules = rules_of(expected.rules, "query");
  for (const auto& [name, wanted] : expected.query) {
    compare_values(
        found,
        "parameter " + name,
        json_place{}.child(name),
        query_rules,
        wanted,
        values_of(actual.query, name));
  }
  for (const auto& [name, value] : actual.query) {
    if (expected.query.find(name) == expected.query.end()) {
      found.push_back({"parameter " + name, "is not expected, got " + shown(json(value))});
    }
  }
  compare_fields(found, expected.fields, actual.fields, rules_of(expected.rules, "header"));
  compare_content(
      found,
      expected.body,
      first_of(actual.fields, "content-type"),
      actual.body,
      rules_of(expected.rules, "body"),
      surplus::refused);
  return found;
}

differences compare(const http_response& expected, const actual_response& actual) {
  differences found;
  if (const auto here = rules_of(expected.rules, "status").at({}); !here.rules.empty()) {
    differ(found, "status", faults_by(here, json(expected.status), json(actual.status)));
  } else if (expected.status != actual.status) {
    found.push_back({"status", fmt::format("wanted {}, got {}", expected.status, actual.status)});
  }
  compare_fields(found, expected.fields, actual.fields, rules_of(expected.rules, "header"));
  compare_content(
      found,
      expected.body,
      first_of(actual.fields, "content-type"),
      actual.body,
      rules_of(expected.rules, "body"),
      surplus::allowed);
  return found;
}

differences compare(const message& expected, const actual_message& actual, bool more_does_harm) {
  differences found;
  const rule_set& rules = rules_of(expected.rules, "metadata");
  for (const auto& each : expected.metadata.items()) {
    const std::string where = "metadata " + each.key();
    const std::string name = lower_case(each.key());
    if (name == "contenttype" || name == "content-type") {
      continue; // Compared together with the contents.
    }
    const auto there = actual.metadata.find(each.key());
    if (there == actual.metadata.end()) {
      found.push_back({where, "is missing, wanted such as " + shown(each.value())});
    } else if (const auto here = rules.at(json_place{}.child(each.key())); !here.rules.empty()) {
      differ(found, where, faults_by(here, each.value(), *there));
    } else if (!is_same(each.value(), *there)) {
      found.push_back(
          {where, fmt::format("wanted {}, got {}", shown(each.value()), shown(*there))});
    }
  }
  compare_content(
      found,
      expected.contents,
      actual.type,
      actual.contents,
      rules_of(expected.rules, "body"),
      more_does_harm ? surplus::refused : surplus::allowed);
  return found;
}

} // namespace troupe::contract
