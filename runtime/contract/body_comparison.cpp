#include "runtime/contract/body_comparison.hpp"

#include "runtime/contract/value_rules.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <utility>

namespace troupe::contract {

namespace {

/// Compares a value with the expected one, under rules, and collects the differences.
class comparison {
public:
  comparison(const rule_set& rules, surplus more, differences& found)
      : rules_{rules}, more_{more}, found_{found} {}

  void compare(const json_place& at, const json& expected, const json& actual) {
    const rules_in_force rules = rules_.at(at);
    if (expected.is_object() && actual.is_object()) {
      compare_objects(at, expected, actual, rules);
    } else if (expected.is_array() && actual.is_array()) {
      compare_arrays(at, expected, actual, rules);
    } else if (rules.rules.empty()) {
      if (!is_same(expected, actual)) {
        differ(at, fmt::format("wanted {}, got {}", shown(expected), shown(actual)));
      }
    } else if (
        expected.is_structured() && expected.type() != actual.type()
        && !(rules.is_any && actual.is_null())) {
      differ(at, fmt::format("wanted {}, got {}", kind_name(expected), shown(actual)));
    } else {
      differ(at, faults_by(rules, expected, actual));
    }
  }

private:
  void differ(const json_place& at, std::string what) {
    found_.push_back({at.text(), std::move(what)});
  }

  void differ(const json_place& at, std::vector<std::string> what) {
    for (std::string& each : what) {
      differ(at, std::move(each));
    }
  }

  void compare_objects(
      const json_place& at, const json& expected, const json& actual, const rules_in_force& rules) {
    const auto* const each_key = rules.find(matcher::each_key);
    const auto* const each_value = rules.find(matcher::each_value);
    const bool has_like_values = each_value != nullptr || rules.find(matcher::values) != nullptr;
    const bool has_own_keys = has_like_values || each_key != nullptr;
    differ(at, faults_by(rules, expected, actual));
    if (each_key != nullptr) {
      compare_keys(at, *each_key, actual);
    }
    if (!has_own_keys) {
      compare_members(at, expected, actual);
    }
    rule_set inner = rules_;
    if (each_value != nullptr) {
      inner.add(rule_path::children_of(at), {each_value->rules});
    }
    comparison inside{inner, more_, found_};
    for (const auto& each : actual.items()) {
      const auto wanted = expected.find(each.key());
      if (wanted != expected.end()) {
        inside.compare(at.child(each.key()), *wanted, each.value());
      } else if (has_like_values && !expected.empty()) {
        inside.compare(at.child(each.key()), *expected.begin(), each.value());
      }
    }
  }

  void compare_keys(const json_place& at, const matching_rule& each_key, const json& actual) {
    for (const auto& each : actual.items()) {
      for (const matching_rule& rule : each_key.rules) {
        if (const auto fault = fault_by(rule, each.key(), each.key(), true)) {
          differ(at.child(each.key()), "of its key: " + *fault);
        }
      }
    }
  }

  /// Compares the sets of members.
  void compare_members(const json_place& at, const json& expected, const json& actual) {
    for (const auto& each : expected.items()) {
      if (!actual.contains(each.key())) {
        differ(at.child(each.key()), "is missing, wanted such as " + shown(each.value()));
      }
    }
    if (more_ == surplus::refused) {
      for (const auto& each : actual.items()) {
        if (!expected.contains(each.key())) {
          differ(at.child(each.key()), "is not expected, got " + shown(each.value()));
        }
      }
    }
  }

  void compare_arrays(
      const json_place& at, const json& expected, const json& actual, const rules_in_force& rules) {
    if (const auto* const contains = rules.find(matcher::array_contains)) {
      compare_variants(at, *contains, expected, actual);
      return;
    }
    const auto* const each_value = rules.find(matcher::each_value);
    const bool is_free = std::ranges::any_of(
        rules.rules, [](const auto* each) { return each->is != matcher::equality; });
    differ(at, faults_by(rules, expected, actual));
    if (!is_free && rules.rules.empty() && expected.size() != actual.size()) {
      differ(at, fmt::format("wanted {} items, got {}", expected.size(), actual.size()));
    }
    rule_set inner = rules_;
    if (each_value != nullptr) {
      inner.add(rule_path::children_of(at), {each_value->rules});
    }
    comparison inside{inner, more_, found_};
    for (std::size_t i = 0; i < actual.size(); ++i) {
      if (i < expected.size()) {
        inside.compare(at.child(i), expected[i], actual[i]);
      } else if (is_free && !expected.empty()) { // The first item is the example for all others.
        inside.compare(at.child(i), expected.front(), actual[i]);
      }
    }
  }

  /// Each variant must occur among the items, at any index.
  void compare_variants(
      const json_place& at, const matching_rule& rule, const json& expected, const json& actual) {
    std::vector<rule_variant> variants = *rule.variants;
    for (std::size_t i = 0; rule.variants->empty() && i < expected.size(); ++i) {
      variants.push_back({i, {}});
    }
    for (const rule_variant& each : variants) {
      if (each.index >= expected.size()) {
        differ(at, fmt::format("the contract has no item {} for a variant", each.index));
        continue;
      }
      const json& wanted = expected[each.index];
      const bool is_there = std::ranges::any_of(actual, [&](const json& item) {
        return compare_json(wanted, item, each.rules, more_).empty();
      });
      if (!is_there) {
        differ(at, "no item is such as " + shown(wanted));
      }
    }
  }

  const rule_set& rules_;
  surplus more_;
  differences& found_;
};

} // namespace

differences
compare_json(const json& expected, const json& actual, const rule_set& rules, surplus more) {
  differences found;
  comparison{rules, more, found}.compare({}, expected, actual);
  return found;
}

} // namespace troupe::contract
