#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"

#include <span>
#include <string_view>

namespace troupe::store {

/// One step from an older schema to a newer one. Never edited once it was released.
struct migration {
  /// 1 to n without gaps, within its component.
  int version = 0;
  /// Its purpose in words ("orders and their lines").
  std::string_view name;
  /// One or more statements without parameters, in the SQL that SQLite and PostgreSQL share.
  std::string_view sql;
  /// Changes existing rows in ways that SQL cannot express; runs after `sql`, in the same
  /// transaction, which is not its own to end (lent_session.hpp). Touches all rows at once: mind
  /// their number.
  void (*fill)(database& session) = nullptr;
};

/// A part of a schema, with numbers of its own. A program opens a database that has components
/// which it does not know, and leaves them alone: so an addition without which an older program may
/// go on is a component, and anything else a further step of an old one.
struct component {
  std::string_view name;
  std::span<const migration> steps;
};

/// Brings the tables of `component` ("troupe.turn", "orders") to the last of `steps`.
///
/// Each step is one transaction with its row in schema_versions, so that a death between two leaves
/// a sound older schema, and two processes do not apply one twice. The caller holds the writers'
/// lock. Nothing is written if anything is wrong with what was applied before.
///
/// @return how many steps were applied.
/// @errors `invalid` in words: steps not numbered 1..n; an applied step was changed since; one is
/// missing from the database or the program; the database is newer than the program. What
/// database_error::to_error() says, if a step fails; the steps before it stay.
outcome<int> migrate(
    database& session,
    const clock& time,
    std::string_view component,
    std::span<const migration> steps);

/// The same for several, in this order.
outcome<void> migrate(database& session, const clock& time, std::span<const component> components);

/// The same inside the caller's transaction, who reads what there is by then and takes it back.
outcome<void>
migrate_within(database& session, const clock& time, std::span<const component> components);

/// Whether exactly these steps were applied: no more, no less, and nothing of another component.
/// Changes nothing.
/// @errors `invalid` in words; of the store.
outcome<void> check_up_to_date(database& session, std::span<const component> components);

} // namespace troupe::store
