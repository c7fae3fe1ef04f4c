#pragma once

#include "runtime/outcome.hpp"

#include <string_view>

namespace troupe::wire {

/// The most arrays and maps that may be open at once in a message; an empty one counts.
inline constexpr int depth_max = 16;

/// Checks that `bytes` are exactly one well-formed value, no deeper than `depth_max`, whose
/// declared elements fit in the bytes there are, before anything is unpacked or allocated.
///
/// @errors `invalid`, saying what and at which byte.
/// @source msgpack-c issue 1013: a five-byte message can otherwise ask for 96 GiB.
outcome<void> check(std::string_view bytes);

/// Whether `text` is UTF-8 (RFC 3629): no overlong forms, no surrogates.
bool is_utf8(std::string_view text);

/// Whether `text` has a NUL, which is valid UTF-8 but which PostgreSQL cannot store in a text.
inline bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

} // namespace troupe::wire
