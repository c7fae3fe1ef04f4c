#pragma once

#include "runtime/store/database.hpp"

#include <span>
#include <string_view>

namespace troupe::store {

/// The bytes of a text, which owns them, for a BLOB column.
inline blob bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text});
}

/// The text in a BLOB column. Valid as long as the blob.
inline std::string_view text_of(blob bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A text, borrowed, for a column that is NULL where there is none.
inline value text_or_null(std::string_view text) {
  return text.empty() ? value{null_value{}} : value{text};
}

} // namespace troupe::store
