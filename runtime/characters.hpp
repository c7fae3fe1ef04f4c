#pragma once

#include <cstddef>
#include <string_view>

namespace troupe {

/// A character of UTF-8 text.
struct character {
  /// The code point; U+FFFD for a byte that is not UTF-8.
  char32_t code = 0;
  std::size_t bytes = 1;

  /// Whether it is shown as itself: neither a control character (terminals know two ranges) nor one
  /// that ends a line, reverses text or has no width.
  bool is_shown() const;
};

/// The first character of `text`, which is not empty. @source RFC 3629, 4.
character first_character(std::string_view text);

/// Whether all characters of `text` are shown as themselves; a byte that is not UTF-8 is not.
bool is_all_shown(std::string_view text);

} // namespace troupe
