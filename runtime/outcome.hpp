#pragma once

#include "runtime/error.hpp"

#include <tl/expected.hpp>

namespace troupe {

/// A value, or the error why there is none. Not called `result` or `expected`: CAF has those.
template <class T>
using outcome = tl::expected<T, error>;

using failure = tl::unexpected<error>;

} // namespace troupe
