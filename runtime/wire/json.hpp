#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::wire {

/// A MessagePack value as JSON, for people and scripts. 16 binary bytes become a UUID's text, other
/// binary becomes hexadecimal text, a timestamp its RFC 3339 text, another extension its type and
/// hexadecimal text; numbers that JSON cannot express become "NaN", "Infinity" or "-Infinity". The
/// order and repetition of keys are kept.
/// @errors `invalid`, as `check` says.
outcome<std::string> to_json(std::string_view bytes, bool pretty = false);

/// Any body as JSON: one that is not MessagePack becomes {"$not_messagepack": hexadecimal}, and an
/// empty one null.
std::string json_of(std::string_view bytes);

/// JSON as MessagePack. Numbers with a fraction or exponent become doubles, others integers; keys
/// are sorted.
/// @errors `invalid`: the line and column at which it is not JSON; nested deeper than `depth_max`;
/// an integer beyond 64 bits; a key that an object has twice.
outcome<std::string> from_json(std::string_view text);

/// What the parser silently ignores in `text` but another reader on the way may not: a byte order
/// mark at the start, or everything after a zero byte. Empty if there is neither.
/// @source RFC 8259, sections 2 and 8.1.
std::string passed_over_in_json(std::string_view text);

/// `text` as JSON, quoted and escaped. Bytes that are not UTF-8 become replacement characters.
std::string json_text(std::string_view text);

/// `value` as JSON; "NaN", "Infinity" or "-Infinity" if it is not finite.
std::string json_number(double value);

/// The text of one JSON object for people and scripts, entry by entry, on one line.
class json_object {
public:
  json_object& add(std::string_view name, std::string_view text) {
    return add_json(name, json_text(text));
  }

  json_object& add(std::string_view name, const char* text) {
    return add(name, std::string_view{text});
  }

  json_object& add(std::string_view name, const std::string& text) {
    return add(name, std::string_view{text});
  }

  json_object& add(std::string_view name, const uuid& id) { return add(name, to_string(id)); }

  json_object& add(std::string_view name, bool value) {
    return add_json(name, value ? "true" : "false");
  }

  template <std::integral Integer>
  json_object& add(std::string_view name, Integer value) {
    return add_json(name, std::to_string(value));
  }

  json_object& add(std::string_view name, double value) {
    return add_json(name, json_number(value));
  }

  json_object& add(std::string_view name, const json_object& value) {
    return add_json(name, value.text());
  }

  json_object& add(std::string_view name, const std::vector<std::string>& texts);
  json_object& add(std::string_view name, const std::vector<json_object>& objects);

  /// Adds null where there is no value.
  template <class Value>
  json_object& add(std::string_view name, const std::optional<Value>& value) {
    return value ? add(name, *value) : add_json(name, "null");
  }

  /// Adds a value that is already JSON.
  json_object& add_json(std::string_view name, std::string_view json);

  bool empty() const { return entries_.empty(); }

  std::string text() const { return "{" + entries_ + "}"; }

private:
  std::string entries_;
};

} // namespace troupe::wire
