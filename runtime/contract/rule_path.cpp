#include "runtime/contract/rule_path.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <utility>
#include <variant>

namespace troupe::contract {

namespace {

failure no_path(std::string_view text, std::string_view why) {
  return failure{invalid(fmt::format("`{}` is no path of a matching rule: {}", text, why))};
}

} // namespace

outcome<rule_path::step> rule_path::parse_bracket(std::string_view inside) {
  if (inside == "*") {
    return step{kind::any_index};
  }
  if (inside.size() >= 2 && (inside.front() == '\'' || inside.front() == '"')
      && inside.back() == inside.front()) {
    return step{kind::key, std::string{inside.substr(1, inside.size() - 2)}};
  }
  step made{kind::index};
  const auto [end, why] = std::from_chars(inside.data(), inside.data() + inside.size(), made.index);
  if (why != std::errc{} || end != inside.data() + inside.size()) {
    return no_path(inside, "an index, a star or a key in quotes is wanted in brackets");
  }
  return made;
}

outcome<rule_path> rule_path::parse(std::string_view text) {
  if (text.empty() || text.front() != '$') {
    return no_path(text, "it does not begin with `$`");
  }
  rule_path made;
  std::size_t at = 1;
  while (at < text.size()) {
    if (text[at] == '[') {
      // A quoted key may contain brackets.
      const bool is_quoted = at + 1 < text.size() && (text[at + 1] == '\'' || text[at + 1] == '"');
      const std::string closing = is_quoted ? std::string{text[at + 1], ']'} : "]";
      const std::size_t end = text.find(closing, at + (is_quoted ? 2 : 1));
      if (end == std::string_view::npos) {
        return no_path(text, "a bracket is not closed");
      }
      const std::size_t close = end + closing.size() - 1;
      TROUPE_TRY(auto inside, parse_bracket(text.substr(at + 1, close - at - 1)));
      made.steps_.push_back(std::move(inside));
      at = close + 1;
      continue;
    }
    if (text[at] != '.') {
      return no_path(text, "a dot or a bracket is wanted between two steps");
    }
    const std::size_t end = std::min(text.find_first_of(".[", at + 1), text.size());
    const std::string_view key = text.substr(at + 1, end - at - 1);
    if (key.empty()) {
      return no_path(text, "a step is empty");
    }
    made.steps_.push_back(key == "*" ? step{kind::any} : step{kind::key, std::string{key}});
    at = end;
  }
  return made;
}

rule_path rule_path::children_of(const json_place& place) {
  rule_path made;
  for (const json_place::step& each : place.steps()) {
    if (const auto* const key = std::get_if<std::string>(&each)) {
      made.steps_.push_back({kind::key, *key});
    } else {
      made.steps_.push_back({kind::index, {}, std::get<std::size_t>(each)});
    }
  }
  made.steps_.push_back({kind::any});
  return made;
}

std::size_t rule_path::weight(const step& pattern, const json_place::step& actual) {
  const auto* const key = std::get_if<std::string>(&actual);
  switch (pattern.is) {
  case kind::any:
    return 1;
  case kind::any_index:
    return key == nullptr ? 1 : 0;
  case kind::index:
    return key == nullptr && std::get<std::size_t>(actual) == pattern.index ? 2 : 0;
  case kind::key:
    return key != nullptr && *key == pattern.key ? 2 : 0;
  }
  return 0;
}

std::size_t rule_path::weight(const json_place& place) const {
  if (steps_.size() > place.steps().size()) {
    return 0;
  }
  std::size_t product = 2; // The weight of the root.
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    product *= weight(steps_[i], place.steps()[i]);
  }
  return product * (steps_.size() + 1);
}

} // namespace troupe::contract
