#pragma once

#include "runtime/error.hpp"

#include <tl/expected.hpp>

namespace troupe {

/// A value, or the reason why there is none. (`outcome`, since CAF owns `result` and `expected`.)
template <class T>
using outcome = tl::expected<T, error>;

using failure = tl::unexpected<error>;

} // namespace troupe
