#pragma once

#include "runtime/http/request.hpp"
#include "runtime/observe/trace_context.hpp"

#include <string>

namespace troupe::gateway {

/// The text of the trace that a request brings (`observe::trace_text`); empty if it brings none.
///
/// The trace keeps its id whoever sends it. The request decides whether it is recorded only if it
/// is trusted, since a record costs each process on the way and displaces others. Otherwise `by`
/// decides, as for a trace that begins here. Pure.
/// @source W3C Trace Context, 3.2.2.5 and 7.2 ("Denial of Service").
std::string brought_trace(const http::request& asked, bool is_trusted, const observe::sampling& by);

} // namespace troupe::gateway
