#include "runtime/contract/value_rules.hpp"

#include "runtime/contains.hpp"
#include "runtime/contract/regular_expression.hpp"
#include "runtime/contract/time_pattern.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::contract {

namespace {

constexpr std::size_t shown_bytes_max = 60;

/// @source semver.org 2.0.0, the expression of its FAQ.
constexpr std::string_view semver_expression =
    R"(\A(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\z)";

std::string got(std::string_view wanted, const json& actual) {
  return fmt::format("wanted {}, got {}", wanted, shown(actual));
}

std::optional<std::string> unless(bool fits, std::string_view wanted, const json& actual) {
  return fits ? std::nullopt : std::optional{got(wanted, actual)};
}

bool is_of_one_kind(const json& expected, const json& actual) {
  return expected.is_number() ? actual.is_number() : expected.type() == actual.type();
}

/// Whether a value has a text of its own. The text of null and lists comes from JSON, and "null"
/// matches many expressions.
bool has_letters(const json& value) {
  return !value.is_null() && !value.is_structured();
}

std::optional<std::string> regex_fault(std::string_view expression, const json& actual) {
  if (!has_letters(actual)) {
    return got(fmt::format("what matches /{}/", expression), actual);
  }
  const auto compiled = regular_expression::compile(expression);
  if (!compiled) {
    return compiled.error().message;
  }
  switch (compiled->match(text_of(actual))) {
  case regular_expression::answer::fits:
    return std::nullopt;
  case regular_expression::answer::does_not:
    return got(fmt::format("what matches /{}/", expression), actual);
  case regular_expression::answer::too_costly:
    break;
  }
  return fmt::format("/{}/ takes too many steps on {}", expression, shown(actual));
}

std::optional<std::string>
type_fault(const matching_rule& rule, const json& expected, const json& actual, bool is_direct) {
  if (!is_of_one_kind(expected, actual)) {
    const std::string kind = expected.is_number() ? "number" : kind_name(expected);
    return got(fmt::format("{}, such as {}", kind, shown(expected)), actual);
  }
  if (is_direct && actual.is_array()) {
    if (rule.least && actual.size() < *rule.least) {
      return fmt::format("wanted {} items at least, got {}", *rule.least, actual.size());
    }
    if (rule.most && actual.size() > *rule.most) {
      return fmt::format("wanted {} items at most, got {}", *rule.most, actual.size());
    }
  }
  return std::nullopt;
}

std::optional<std::string> status_fault(const matching_rule& rule, const json& actual) {
  std::vector<std::string> ranges;
  for (const auto& [least, most] : rule.statuses) {
    if (actual.is_number_integer() && actual.get<int>() >= least && actual.get<int>() <= most) {
      return std::nullopt;
    }
    ranges.push_back(
        least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most));
  }
  return got(fmt::format("{}", fmt::join(ranges, " or ")), actual);
}

bool is_empty(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty())
         || (value.is_structured() && value.empty());
}

/// Whether bytes can be of the given media type.
/// @source the media types whose forms are recognised by their first bytes or by parsing.
bool has_content_type(const std::string& bytes, std::string_view type) {
  if (type.find("json") != std::string_view::npos) {
    return json::accept(bytes);
  }
  constexpr std::pair<std::string_view, std::string_view> beginnings[]{
      {"image/png", "\x89PNG"},
      {"image/jpeg", "\xff\xd8\xff"},
      {"image/gif", "GIF8"},
      {"application/pdf", "%PDF-"},
      {"application/zip", "PK"},
      {"application/gzip", "\x1f\x8b"},
      {"application/xml", "<"},
      {"text/xml", "<"}};
  for (const auto& [of, begins] : beginnings) {
    if (of == type) {
      return std::string_view{bytes}.substr(0, begins.size()) == begins;
    }
  }
  return type.substr(0, 5) == "text/" && bytes.find('\0') == std::string::npos;
}

} // namespace

std::string kind_name(const json& value) {
  if (value.is_number_integer()) {
    return "integer";
  }
  return value.is_string() ? "text" : value.type_name();
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > shown_bytes_max) {
    std::size_t cut = shown_bytes_max;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) {
      --cut;
    }
    text = text.substr(0, cut) + "...";
  }
  return value.is_null() ? text : fmt::format("{} ({})", text, kind_name(value));
}

bool is_same(const json& left, const json& right) {
  if (left.is_number() && right.is_number()) {
    return left.is_number_float() == right.is_number_float() && left == right;
  }
  if (left.is_array() && right.is_array()) {
    return std::ranges::equal(left, right, is_same);
  }
  if (left.is_object() && right.is_object()) {
    return left.size() == right.size() && std::ranges::all_of(left.items(), [&](const auto& each) {
             const auto found = right.find(each.key());
             return found != right.end() && is_same(each.value(), *found);
           });
  }
  return left == right;
}

std::optional<std::string>
fault_by(const matching_rule& rule, const json& expected, const json& actual, bool is_direct) {
  switch (rule.is) {
  case matcher::equality:
    return unless(is_same(expected, actual), shown(expected), actual);
  case matcher::regex:
    return regex_fault(rule.text, actual);
  case matcher::type:
    return type_fault(rule, expected, actual, is_direct);
  case matcher::include:
    return unless(
        has_letters(actual) && text_of(actual).find(rule.text) != std::string::npos,
        fmt::format("what includes {}", json(rule.text).dump()),
        actual);
  case matcher::number:
    return unless(actual.is_number(), "a number", actual);
  case matcher::integer:
    return unless(actual.is_number_integer(), "an integer", actual);
  case matcher::decimal:
    return unless(actual.is_number_float(), "a number with a fraction", actual);
  case matcher::boolean:
    return unless(actual.is_boolean(), "a boolean", actual);
  case matcher::null:
    return unless(actual.is_null(), "null", actual);
  case matcher::not_empty:
    return unless(!is_empty(actual), "what is not empty", actual);
  case matcher::semver:
    return regex_fault(semver_expression, actual) ? std::optional{got("a semantic version", actual)}
                                                  : std::nullopt;
  case matcher::date:
  case matcher::time:
  case matcher::datetime:
    return unless(
        actual.is_string() && fits_time_pattern(actual.get_ref<const std::string&>(), rule.text),
        fmt::format("a time as {}", rule.text),
        actual);
  case matcher::content_type:
    return unless(has_content_type(text_of(actual), rule.text), rule.text, actual);
  case matcher::status_code:
    return status_fault(rule, actual);
  case matcher::values:
  case matcher::each_key:
    return unless(actual.is_object(), "an object", actual);
  case matcher::each_value:
    return unless(actual.is_structured(), "an object or array", actual);
  case matcher::array_contains:
    return unless(actual.is_array(), "an array", actual);
  }
  return std::nullopt;
}

std::vector<std::string>
faults_by(const rules_in_force& rules, const json& expected, const json& actual) {
  std::vector<std::string> faults;
  for (const matching_rule* const each : rules.rules) {
    auto fault = fault_by(*each, expected, actual, rules.is_direct);
    if (!fault && rules.is_any) {
      return {};
    }
    if (fault && !contains(faults, *fault)) {
      faults.push_back(*std::move(fault));
    }
  }
  return faults;
}

std::vector<std::string> text_faults_by(
    const rules_in_force& rules, const std::string& expected, const std::string& actual) {
  // For rules about numbers and booleans, a text that spells one counts as one.
  const auto is_typed = [](matcher which) {
    return which == matcher::number || which == matcher::integer || which == matcher::decimal
           || which == matcher::boolean;
  };
  const bool asks_for_type = std::ranges::any_of(
      rules.rules, [&](const matching_rule* each) { return is_typed(each->is); });
  if (asks_for_type) {
    const json read = json::parse(actual, nullptr, false);
    return faults_by(rules, expected, read.is_discarded() ? json(actual) : read);
  }
  return faults_by(rules, expected, actual);
}

} // namespace troupe::contract
