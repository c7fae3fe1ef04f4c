#pragma once

#include "runtime/contract/file_node.hpp"
#include "runtime/contract/json_place.hpp"
#include "runtime/contract/rule_path.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::contract {

enum class matcher : std::uint8_t {
  equality,
  regex,
  type,
  include,
  number,
  integer,
  decimal,
  boolean,
  null,
  not_empty,
  semver,
  date,
  time,
  datetime,
  content_type,
  values,
  status_code,
  each_key,
  each_value,
  array_contains
};

struct rule_variant;

/// The way in which a value is compared with the expected one, where that is not by equality.
/// @source Pact specification 4, "Supported matching rules".
struct matching_rule {
  matcher is = matcher::equality;
  /// The expression, the text to be included, the format of a time, or the content type.
  std::string text{};
  /// The number of items of a list, for `type`.
  std::optional<std::size_t> least{};
  std::optional<std::size_t> most{};
  /// The rules of `each_key` and `each_value`.
  std::vector<matching_rule> rules{};
  /// The variants of `array_contains`; null for others. Shared, since a variant has rules of its
  /// own.
  std::shared_ptr<const std::vector<rule_variant>> variants{};
  /// The least and the largest of each range of `status_code`.
  std::vector<std::pair<int, int>> statuses{};
};

struct rule_list {
  std::vector<matching_rule> rules{};
  /// One of them is enough.
  bool is_any = false;
};

/// The rules that hold at a place: those of the best path, directly or because they hold for all
/// that is inside.
struct rules_in_force {
  std::vector<const matching_rule*> rules{};
  bool is_any = false;
  /// Whether they are of this place, not of one around it.
  bool is_direct = false;

  const matching_rule* find(matcher which) const;
};

/// The rules of one part of a message: its body, say. A value.
class rule_set {
public:
  /// @param name "body", or "header", of which the paths are names.
  static rule_set read(const file_node& from, std::string_view name);

  void add(rule_path path, rule_list rules);

  rules_in_force at(const json_place& place) const;

  bool is_empty() const { return entries_.empty(); }

private:
  struct entry {
    rule_path path;
    rule_list rules;
  };

  std::vector<entry> entries_;
};

struct rule_variant {
  /// The number of the expected item.
  std::size_t index = 0;
  rule_set rules;
};

/// `rules` by category: "path", "query", "header", "status", "body", "metadata".
using matching_rules = std::map<std::string, rule_set, std::less<>>;

matching_rules read_matching_rules(const file_node& from);

/// The rules of a category; none if it has none.
const rule_set& rules_of(const matching_rules& all, std::string_view category);

} // namespace troupe::contract
