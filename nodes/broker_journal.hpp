#pragma once

#include "runtime/broker/events/journal_keeper.hpp"
#include "runtime/broker/server/server.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/security/rules.hpp"
#include "topology/plan.hpp"

#include <functional>
#include <memory>

namespace troupe {

/// Opens the journal of `plan` and makes `server` the broker that keeps it. Called before its loop
/// runs.
///
/// @param rules by which outboxes may publish; null: without restrictions.
/// @param wake called by the journal's threads when they have an answer.
/// @errors of the journal's store: this broker cannot serve.
outcome<void> keep_journal(
    broker::server& server,
    const clock& time,
    const topology::plan& plan,
    std::shared_ptr<const security::rules> rules,
    std::function<void()> wake);

/// The keeper of a journal that the brokers of `plan` share in PostgreSQL; not started yet.
///
/// @param plan outlives it, as `time` does.
/// @param self, incarnation of the process.
/// @param rules, wake as above.
std::unique_ptr<broker::journal_keeper> journal_keeper_of(
    const topology::plan& plan,
    const topology::broker_plan& self,
    const uuid& incarnation,
    const clock& time,
    std::shared_ptr<const security::rules> rules,
    std::function<void()> wake);

} // namespace troupe
