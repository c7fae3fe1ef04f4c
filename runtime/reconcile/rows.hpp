#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/reconcile/invariant.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::reconcile {

/// A field of a row: an integer, or a text. What is absent is 0.
struct field_value {
  std::int64_t number = 0;
  std::string text{};
};

struct row {
  /// Bytes that sort as the key does.
  std::string key;
  /// The time of the last change, in milliseconds since 1970.
  std::int64_t changed = std::numeric_limits<std::int64_t>::min();
  /// Whether `source::where` lets it pass. One that it does not let pass still says that something
  /// of its key changed.
  bool counts = true;
  std::vector<field_value> fields;
};

/// The rows in a reply, MessagePack.
/// @param fields those that are kept of each.
/// @errors `invalid`: there is no such list, or a row has no key, or one of another kind, or a
/// key that is a text and no UTF-8, or has a NUL.
outcome<std::vector<row>>
read_rows(const source& from, const std::vector<std::string>& fields, std::string_view reply);

/// The request for the page behind a key, MessagePack.
/// @param after the key as `row::key` has it; empty for the first page.
std::string page_request(std::string_view after, std::uint32_t count);

/// A key as rows have it.
std::string key_of(const uuid& id);
std::string key_of(std::int64_t number);
std::string key_of(std::string_view text);

/// A key for people: an id, a text or a number.
std::string key_text(std::string_view key);

} // namespace troupe::reconcile
