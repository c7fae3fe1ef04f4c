#pragma once

#include "runtime/contract/json_place.hpp"
#include "runtime/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::contract {

/// The place where a matching rule holds: "$.items[*].sku", "$['a b'].*", "$[0]".
class rule_path {
public:
  /// @errors `invalid`: it does not begin with `$`, or a bracket is not closed, or a step is empty.
  /// @source Pact specification 4, "Matching rules": the part of JSONPath that it has.
  static outcome<rule_path> parse(std::string_view text);

  /// The path of all children of `place`.
  static rule_path children_of(const json_place& place);

  /// The measure of how well it fits `place` or one of those around it; 0 if it does not.
  /// @source Pact specification 2, "Rules for selecting": each step that is named counts 2, each
  /// star 1, and the product is multiplied by the length.
  std::size_t weight(const json_place& place) const;

  /// Whether it has as many steps as `place`.
  bool is_as_long_as(const json_place& place) const {
    return steps_.size() == place.steps().size();
  }

private:
  enum class kind : std::uint8_t { key, index, any, any_index };

  struct step {
    kind is = kind::any;
    std::string key{};
    std::size_t index = 0;
  };

  static outcome<step> parse_bracket(std::string_view inside);
  static std::size_t weight(const step& pattern, const json_place::step& actual);

  std::vector<step> steps_;
};

} // namespace troupe::contract
