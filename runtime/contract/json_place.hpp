#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::contract {

/// The way from the root of a JSON value to one inside of it: keys and indexes.
class json_place {
public:
  using step = std::variant<std::string, std::size_t>;

  json_place child(step next) const;

  const std::vector<step>& steps() const { return steps_; }

  /// "$.items[0]['unit price']".
  std::string text() const;

private:
  std::vector<step> steps_;
};

/// A key as it stands in a path: ".name", or "['unit price']" if it is no plain word.
std::string key_in_path(std::string_view key);

} // namespace troupe::contract
