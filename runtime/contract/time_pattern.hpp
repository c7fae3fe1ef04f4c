#pragma once

#include "runtime/outcome.hpp"

#include <string_view>

namespace troupe::contract {

/// Whether `pattern` is one for `fits_time_pattern`: letters y M d D H h k K m s S n a E z Z X x,
/// text in quotes, and anything that is no letter.
/// @errors `invalid`: the letter that is none of these, or a quote that is not closed.
/// @source java.time.format.DateTimeFormatter, whose patterns Pact has.
outcome<void> check_time_pattern(std::string_view pattern);

/// Whether `text` is a date or time as `pattern`, which was checked, has it: all of it, each number
/// within its range, and a day that its month has.
bool fits_time_pattern(std::string_view text, std::string_view pattern);

} // namespace troupe::contract
