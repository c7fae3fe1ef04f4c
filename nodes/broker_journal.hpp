#pragma once

#include "runtime/broker/server/server.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "topology/plan.hpp"

#include <functional>

namespace troupe {

/// Opens the journal of `plan` and makes `server` the broker that keeps it. Before its loop runs.
///
/// @param wake called by the journal's threads when they have answered.
/// @errors of the journal's store: this broker cannot serve.
outcome<void> keep_journal(
    broker::server& server,
    const clock& time,
    const topology::plan& plan,
    std::function<void()> wake);

} // namespace troupe
