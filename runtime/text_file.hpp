#pragma once

#include "runtime/outcome.hpp"

#include <cstddef>
#include <string>

namespace troupe {

/// The text of `file`, a name given by a user. It may be a pipe, which must have a writer within
/// five seconds.
///
/// @return the text; of a file larger than `bytes_max` only the beginning, one byte more than that.
/// @errors `invalid`, with only the reason: "No such file or directory".
outcome<std::string> read_text_file(const std::string& file, std::size_t bytes_max);

} // namespace troupe
