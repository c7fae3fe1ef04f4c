#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

// Values of expected bodies that say how they are compared: {{"id", integer(123)}, {"name",
// like("Ada")}}. They are JSON, and nest in any way. What is a plain value must be equal.

namespace troupe::contract {

using json = nlohmann::json;

/// A value of the same type; of an object or list, all that is inside.
json like(json example);
/// An example of this very value, inside of what is `like` something.
json exactly(json value);

json integer(std::int64_t example);
/// A number with a fraction.
json decimal(double example);
json number(json example);
json boolean(bool example);
json null();

/// Text that `expression` (of Perl's dialect) matches, all of it.
json matching(std::string_view expression, std::string_view example);
json including(std::string_view part, std::string_view example);
/// A UUID in lower case.
json some_uuid(std::string_view example);
/// @param pattern as Java's DateTimeFormatter has it: "yyyy-MM-dd'T'HH:mm:ssX".
json date_time(std::string_view pattern, std::string_view example);

/// A list of such items.
json each_like(json example, std::size_t least = 1, std::optional<std::size_t> most = {});
/// A list that has each of these somewhere.
json containing(std::initializer_list<json> items);
/// An object whose values, under any keys, are of the type of the example's.
json each_value_like(json example);
/// An object whose keys `expression` matches, with values of the type of the example's.
json each_key_matching(std::string_view expression, json example);

/// An expected value as a Pact file has it.
struct expectation {
  /// The example.
  json content;
  /// {"$.id": {"combine": "AND", "matchers": [...]}}; an empty object if all must be equal.
  json rules = json::object();
};

expectation split(const json& expected);

} // namespace troupe::contract
