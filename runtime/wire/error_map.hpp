#pragma once

#include "runtime/outcome.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::wire {

/// `text` in a form that can be sent and stored: not longer than the limit, cut between characters,
/// UTF-8, and with a `?` for each NUL. Other libraries write messages too, and receivers refuse
/// text that breaks these rules, as PostgreSQL does: a failure that cannot be stored would be
/// retried forever.
std::string travelling(std::string_view text, std::size_t bytes_max);

/// Appends the map under `error` of a header. A message, a detail or a list of details over the
/// bounds of limits.hpp is cut, and bytes that are not UTF-8 become "?", so that every error
/// arrives, whoever wrote its text.
void append_error(std::string& to, const error& error);

/// Reads such a map. A code this side does not know is `internal`; an effect that is absent or
/// unknown is `unknown`.
/// @errors `invalid` if an entry is of the wrong type or not UTF-8, or bytes are left over.
outcome<error> read_error(std::string_view bytes);

} // namespace troupe::wire
