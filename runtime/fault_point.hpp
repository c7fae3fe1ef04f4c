#pragma once

#include <string_view>

/// A named place at a boundary (before a commit, after a send ...) at which a test can make the
/// program fail. Compiles to nothing unless TROUPE_FAULTS is defined.
///
/// The environment variable TROUPE_FAULT_PLAN says where and how: "name=action@n,...", where action
/// is kill (SIGKILL), stop (SIGSTOP), throw (std::runtime_error) or hang, at the n-th pass (from 1;
/// default 1). TROUPE_FAULT_LOG names a file to which each point is appended when it is first
/// passed, so that a test can tell which points were reached.
#ifdef TROUPE_FAULTS
#define TROUPE_FAULT(name) ::troupe::pass_fault_point(name)
#else
#define TROUPE_FAULT(name) static_cast<void>(0)
#endif

namespace troupe {

void pass_fault_point(std::string_view name);

} // namespace troupe
