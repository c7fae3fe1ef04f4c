#pragma once

#include "runtime/wire/description.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::wire {

/// The reasons that keep a reader from reading bodies of type `sent` as type `read`, one phrase
/// each: a required field that is missing or may be, a value that it does not accept. Empty if
/// there are none. Fields that the reader does not know are ignored (FORMAT.md, "Versions").
std::vector<std::string> misfits(
    const std::vector<message_schema>& sent_types,
    std::string_view sent,
    const std::vector<message_schema>& read_types,
    std::string_view read);

/// The changes in `now` that break programs written for `before`, one sentence each; empty if these
/// need no change.
///
/// Callers break if an operation is gone, or is no longer a query; if a request has lost a field,
/// requires a new one, or accepts less than before; if a reply no longer has a field, or may
/// contain what it could not contain before. Handled events are compared like requests, published
/// ones like replies, and a topic that is gone breaks its subscribers. A new optional field of a
/// request, and any new field of a reply or event, breaks nobody (FORMAT.md, "Versions"). The names
/// of types are not sent, and do not matter.
std::vector<std::string>
breaking_changes(const actor_description& before, const actor_description& now);

} // namespace troupe::wire
