#pragma once

#include "runtime/error.hpp"

#include <tl/expected.hpp>

namespace troupe {

/// A value, or the error that explains its absence. Not called `result` or `expected`, as CAF has
/// those.
template <class T>
using outcome = tl::expected<T, error>;

using failure = tl::unexpected<error>;

} // namespace troupe
