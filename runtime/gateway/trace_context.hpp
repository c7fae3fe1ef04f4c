#pragma once

#include <string>
#include <string_view>

namespace troupe::gateway {

/// The value of a field `traceparent`, as it is passed on; empty if it is none that can be.
/// @source W3C Trace Context, 3.2 and 4.3: what cannot be read is left out.
std::string trace_parent(std::string_view value);

} // namespace troupe::gateway
