#pragma once

#include "runtime/outcome.hpp"
#include "runtime/strangler/flag_record.hpp"

#include <optional>
#include <string>

namespace troupe::strangler {

/// Writes the values to their file, replacing it: completely or not at all.
/// @errors `unavailable`, with the reason; the file is unchanged.
outcome<void> keep_flags(const std::string& path, const flag_values& values);

/// The values that were kept, or nothing if there is no file.
/// @errors `invalid`: the file is damaged, or cannot be read.
outcome<std::optional<flag_values>> kept_flags(const std::string& path);

} // namespace troupe::strangler
