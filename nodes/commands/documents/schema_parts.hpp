#pragma once

#include "nodes/commands/documents/json_schema.hpp"
#include "runtime/config.hpp"
#include "runtime/range.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace troupe {

// JSON Schema of values in topology files. The reader takes scalars by their text, so quotes around
// a number do not matter; `minimum` applies to numbers only, and `pattern` to text only. Ranges
// come last in the descriptions, where tests look for them.

inline constexpr const char* name_pattern = "^[a-z][a-z0-9_]{0,63}$";
inline constexpr const char* topics_pattern = "^(\\*|[a-z0-9_]+(\\.[a-z0-9_]+)*(\\.\\*)?)$";
inline constexpr const char* journal_pattern =
    "^(sqlite:[^?]+|postgresql://[^/{}]*/[^/?{}]+([?][^{}]*)?)$";
inline constexpr const char* store_pattern = "^(none|sqlite:[^?]+)$";
inline constexpr const char* capability_store_pattern =
    "^(none|sqlite:[^?]+|postgresql://[^/{}]*/[^/?{}]+([?][^{}]*)?)$";

/// @param pattern null for any text.
document of_text(std::string_view what, const char* pattern = nullptr);
document whole_number(std::string_view what, std::int64_t least, std::int64_t most);
document fraction(std::string_view what, range<double> within, double otherwise);
document duration(std::string_view what, range<std::chrono::milliseconds> within);
document size(std::string_view what, range<std::uint64_t> within, std::uint64_t otherwise);

template <class Number>
document whole(std::string_view what, range<Number> within) {
  return whole_number(what, within.least, within.most);
}

template <class Number>
document whole(std::string_view what, range<Number> within, Number otherwise) {
  document made = whole(what, within);
  made["default"] = otherwise;
  return made;
}

template <class Duration>
document duration(std::string_view what, range<Duration> within, Duration otherwise) {
  document made = duration(what, range<std::chrono::milliseconds>{within.least, within.most});
  made["default"] = duration_text(otherwise);
  return made;
}

document list_of(std::string_view what, document item, int most);

/// A map with these keys, all optional.
document section(std::string_view what, document keys);
/// A map with these keys, of which `required` are mandatory.
document section(std::string_view what, document keys, std::vector<std::string> required);
/// A non-empty map from names to `each`.
document map_of(std::string_view what, const char* names, document each);

document address(std::string_view what, const char* pattern, const char* example);
document admin();
document host();

} // namespace troupe
