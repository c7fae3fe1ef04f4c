#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"

#include <span>
#include <string_view>

namespace troupe::store {

/// One step from an older schema to a newer one. Never edited once released.
struct migration {
  /// 1 to n without gaps, within its component.
  int version = 0;
  /// Its purpose in words ("orders and their lines").
  std::string_view name;
  /// One or more statements without parameters, in the SQL that SQLite and PostgreSQL share.
  std::string_view sql;
  /// Changes existing rows in ways that SQL cannot express; runs after `sql`, in the same
  /// transaction, which it may not end (lent_session.hpp). It handles all rows at once: consider
  /// their number.
  void (*fill)(database& session) = nullptr;
};

/// A part of a schema, with its own version numbers. A program opens a database that has components
/// it does not know, and leaves them alone. So an addition that older programs can ignore is a new
/// component, and anything else is a further step of an existing one.
struct component {
  std::string_view name;
  std::span<const migration> steps;
};

/// Migrates the tables of `component` ("troupe.turn", "orders") to the last of `steps`.
///
/// Each step is one transaction with its row in schema_versions, so that a crash between two leaves
/// a sound older schema, and two processes do not apply one twice. The caller holds the writers'
/// lock. Nothing is written if anything is wrong with the steps applied before.
///
/// @return the number of steps applied.
/// @errors `invalid` in words: steps not numbered 1..n; an applied step was changed since; one is
/// missing from the database or the program; the database is newer than the program. The error of
/// database_error::to_error() if a step fails; the steps before it are kept.
outcome<int> migrate(
    database& session,
    const clock& time,
    std::string_view component,
    std::span<const migration> steps);

/// The same for several components, in this order.
outcome<void> migrate(database& session, const clock& time, std::span<const component> components);

/// The same inside the transaction of the caller, which looks at the result and then rolls back.
outcome<void>
migrate_within(database& session, const clock& time, std::span<const component> components);

/// Checks that exactly these steps were applied: no more, no fewer, and none of another component.
/// Changes nothing.
/// @errors `invalid` in words; of the store.
outcome<void> check_up_to_date(database& session, std::span<const component> components);

} // namespace troupe::store
