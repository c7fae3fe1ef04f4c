#pragma once

#include "runtime/wire/description.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::wire {

/// The reasons that keep a reader from reading bodies of type `sent` as type `read`, one phrase
/// each: a field that it wants and that is missing or may be, a value that it does not take. Empty
/// if there are none. Fields that the reader does not know are passed over (FORMAT.md, "Versions").
std::vector<std::string> misfits(
    const std::vector<message_schema>& sent_types,
    std::string_view sent,
    const std::vector<message_schema>& read_types,
    std::string_view read);

/// The changes in `now` that break programs written for `before`, one sentence each; empty if these
/// need no change.
///
/// Callers break where an operation is gone, or a query became something else; where a request has
/// lost a field, wants a new one, or takes less than before; where a reply no longer has a field,
/// or may hold what it could not hold before. What is handled is looked at like requests, what is
/// published like replies, and a topic that is gone breaks who relies on it. A new optional field
/// of a request, and any new field of a reply or event, breaks nobody (FORMAT.md, "Versions"). The
/// names of types do not travel, and do not matter.
std::vector<std::string>
breaking_changes(const actor_description& before, const actor_description& now);

} // namespace troupe::wire
