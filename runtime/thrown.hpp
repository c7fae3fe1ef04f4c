#pragma once

#include <string>

namespace troupe {

/// The reason of the exception that is being handled, of any type: its message, or else its type.
/// For `catch (...)` only.
std::string what_was_thrown();

} // namespace troupe
