#include "runtime/contract/matching_rule.hpp"

#include "runtime/contains.hpp"
#include "runtime/contract/regular_expression.hpp"
#include "runtime/contract/time_pattern.hpp"

#include <array>
#include <fmt/format.h>
#include <utility>

namespace troupe::contract {

namespace {

struct named_matcher {
  std::string_view name;
  matcher is;
};

constexpr std::array matchers{
    named_matcher{"equality", matcher::equality},
    named_matcher{"regex", matcher::regex},
    named_matcher{"type", matcher::type},
    named_matcher{"include", matcher::include},
    named_matcher{"number", matcher::number},
    named_matcher{"integer", matcher::integer},
    named_matcher{"decimal", matcher::decimal},
    named_matcher{"boolean", matcher::boolean},
    named_matcher{"null", matcher::null},
    named_matcher{"notEmpty", matcher::not_empty},
    named_matcher{"semver", matcher::semver},
    named_matcher{"date", matcher::date},
    named_matcher{"time", matcher::time},
    named_matcher{"datetime", matcher::datetime},
    named_matcher{"timestamp", matcher::datetime},
    named_matcher{"contentType", matcher::content_type},
    named_matcher{"values", matcher::values},
    named_matcher{"statusCode", matcher::status_code},
    named_matcher{"eachKey", matcher::each_key},
    named_matcher{"eachValue", matcher::each_value},
    named_matcher{"arrayContains", matcher::array_contains}};

/// Whether a rule also applies to everything inside its place.
bool holds_inside(matcher which) {
  return which != matcher::values && which != matcher::each_key && which != matcher::each_value
         && which != matcher::array_contains;
}

/// The ranges of status words such as "success", or of numbers.
std::vector<std::pair<int, int>> read_statuses(const file_node& from) {
  struct range {
    std::string_view name;
    int least;
    int most;
  };

  constexpr std::array ranges{
      range{"info", 100, 199},
      range{"success", 200, 299},
      range{"redirect", 300, 399},
      range{"clientError", 400, 499},
      range{"serverError", 500, 599},
      range{"nonError", 100, 399},
      range{"error", 400, 599}};
  if (from.value().is_array()) {
    std::vector<std::pair<int, int>> all;
    for (const file_node& each : from.items()) {
      const auto status = static_cast<int>(each.count());
      all.emplace_back(status, status);
    }
    return all;
  }
  const std::string name = from.text();
  for (const range& each : ranges) {
    if (each.name == name) {
      return {{each.least, each.most}};
    }
  }
  from.refuse(fmt::format("`{}` is no class of status codes", name));
  return {};
}

matching_rule read_rule(const file_node& from);

void read_times(const file_node& from, std::string_view otherwise, matching_rule& made) {
  const file_node format = from["format"].is_absent() ? from
                                   [made.is == matcher::date   ? "date"
                                    : made.is == matcher::time ? "time"
                                                               : "timestamp"]
                                                      : from["format"];
  made.text = format.text_or(otherwise);
  if (made.text.empty()) {
    made.text = otherwise;
  }
  if (const auto known = check_time_pattern(made.text); !known) {
    format.refuse(known.error().message);
  }
}

void read_parameters(const file_node& from, matching_rule& made) {
  switch (made.is) {
  case matcher::regex:
    made.text = from["regex"].text();
    if (const auto good = regular_expression::compile(made.text); !good) {
      from["regex"].refuse(good.error().message);
    }
    break;
  case matcher::include:
  case matcher::content_type:
    made.text = from["value"].text();
    break;
  case matcher::type:
    if (!from["min"].is_absent()) {
      made.least = from["min"].count();
    }
    if (!from["max"].is_absent()) {
      made.most = from["max"].count();
    }
    break;
  case matcher::date:
    read_times(from, "yyyy-MM-dd", made);
    break;
  case matcher::time:
    read_times(from, "HH:mm:ss", made);
    break;
  case matcher::datetime:
    read_times(from, "yyyy-MM-dd'T'HH:mm:ssXXX", made);
    break;
  case matcher::status_code:
    made.statuses = read_statuses(from["status"]);
    break;
  case matcher::each_key:
  case matcher::each_value:
    for (const file_node& each : from["rules"].items()) {
      made.rules.push_back(read_rule(each));
    }
    break;
  case matcher::array_contains: {
    std::vector<rule_variant> variants;
    for (const file_node& each : from["variants"].items()) {
      variants.push_back({each["index"].count(), rule_set::read(each["rules"], "body")});
    }
    made.variants = std::make_shared<const std::vector<rule_variant>>(std::move(variants));
    break;
  }
  default:
    break;
  }
}

matching_rule read_rule(const file_node& from) {
  const std::string name = from["match"].text();
  matching_rule made;
  for (const named_matcher& each : matchers) {
    if (each.name == name) {
      made.is = each.is;
      read_parameters(from, made);
      return made;
    }
  }
  from["match"].refuse(fmt::format(
      "the matcher `{}` is not known here; it would be passed over silently otherwise", name));
  return made;
}

rule_list read_list(const file_node& from) {
  rule_list made;
  const std::string combine = from["combine"].text_or("AND");
  made.is_any = combine == "OR";
  if (!made.is_any && combine != "AND") {
    from["combine"].refuse("AND or OR is wanted");
  }
  for (const file_node& each : from["matchers"].items()) {
    made.rules.push_back(read_rule(each));
  }
  return made;
}

/// The path of a rule for a name: "id", "$.id", "id[0]", "$['x-id']". Names of fields ignore case.
outcome<rule_path> path_of_name(std::string name, bool is_field) {
  if (is_field) {
    for (char& letter : name) {
      letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    }
  }
  if (!name.empty() && name.front() == '$') {
    return rule_path::parse(name);
  }
  // Names of parameters may contain brackets: "ids[]", "filter[name]".
  const std::size_t bracket = name.ends_with(']') ? name.rfind('[') : std::string::npos;
  const bool has_index = bracket != std::string::npos && bracket + 2 < name.size()
                         && (name.find_first_not_of("0123456789", bracket + 1) == name.size() - 1
                             || name.substr(bracket) == "[*]");
  return has_index ? rule_path::parse("$['" + name.substr(0, bracket) + "']" + name.substr(bracket))
                   : rule_path::parse("$['" + name + "']");
}

} // namespace

const matching_rule* rules_in_force::find(matcher which) const {
  for (const matching_rule* const each : rules) {
    if (each->is == which) {
      return each;
    }
  }
  return nullptr;
}

rule_set rule_set::read(const file_node& from, std::string_view name) {
  rule_set made;
  if (!from["matchers"].is_absent()) { // The rules of a path or status, which has no parts.
    made.add(*rule_path::parse("$"), read_list(from));
    return made;
  }
  const bool is_field = name == "header" || name == "metadata";
  for (const file_node::member& each : from.members()) {
    auto path = name == "header" || name == "query" || name == "metadata"
                    ? path_of_name(each.key, is_field && name == "header")
                    : rule_path::parse(each.key);
    if (!path) {
      each.node.refuse(path.error().message);
      return made;
    }
    made.add(*std::move(path), read_list(each.node));
  }
  return made;
}

void rule_set::add(rule_path path, rule_list rules) {
  entries_.push_back({std::move(path), std::move(rules)});
}

rules_in_force rule_set::at(const json_place& place) const {
  rules_in_force best;
  std::size_t best_weight = 0;
  for (const entry& each : entries_) {
    const std::size_t weight = each.path.weight(place);
    if (weight <= best_weight) {
      continue;
    }
    rules_in_force made{{}, each.rules.is_any, each.path.is_as_long_as(place)};
    for (const matching_rule& rule : each.rules.rules) {
      if (made.is_direct || holds_inside(rule.is)) {
        made.rules.push_back(&rule);
      }
    }
    if (!made.rules.empty()) {
      best = std::move(made);
      best_weight = weight;
    }
  }
  return best;
}

matching_rules read_matching_rules(const file_node& from) {
  constexpr std::array<std::string_view, 7> categories{
      "method", "path", "query", "header", "status", "body", "metadata"};
  matching_rules made;
  for (const file_node::member& each : from.members()) {
    if (!contains(categories, each.key)) {
      each.node.refuse("no part of a message has this name");
    }
    made.emplace(each.key, rule_set::read(each.node, each.key));
  }
  return made;
}

const rule_set& rules_of(const matching_rules& all, std::string_view category) {
  static const rule_set none;
  const auto found = all.find(category);
  return found == all.end() ? none : found->second;
}

} // namespace troupe::contract
