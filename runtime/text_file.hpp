#pragma once

#include "runtime/outcome.hpp"

#include <cstddef>
#include <string>

namespace troupe {

/// The text of `file`, which somebody named: also of a pipe, which must have a writer within five
/// seconds.
///
/// @return of a file that is larger than `bytes_max`, its beginning: one byte more than that.
/// @errors `invalid`, with the mere reason: "No such file or directory".
outcome<std::string> read_text_file(const std::string& file, std::size_t bytes_max);

} // namespace troupe
