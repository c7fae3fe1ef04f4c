#pragma once

#include "runtime/store/database.hpp"
#include "runtime/store/gate.hpp"
#include "runtime/store/lent_session.hpp"
#include "runtime/store/turn/retention.hpp"
#include "runtime/worker/group.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace troupe {

/// A group's store in this process: one session, one fair lock, one writer's number.
struct runner_store {
  std::unique_ptr<store::database> database;
  store::gate gate;
  std::int64_t writer = 0;
  /// The retention marks and their settled time, as read from the database.
  store::forgotten forgotten{};
  /// From the loss of the connection until `store_turn::come_back` has worked.
  bool is_returning = false;
  /// See `for_handlers`.
  std::unique_ptr<store::lent_session> lent{};

  /// The session as handlers get it, for the time of a `lending`.
  store::lent_session& for_handlers();

  /// Whether no turn may run: the session is lost, or it is reconnected and has not passed the
  /// barrier. A turn before that would own work that it has forgotten, and answer from commits that
  /// no standby has.
  bool is_away() const { return is_returning || database->is_lost(); }

  /// Opens the capability's database, brings its tables up to date and takes a writer's number.
  ///
  /// @errors of the store (sqlite/database.hpp, postgres/database.hpp, migrations.hpp);
  /// `unavailable` if the fair lock
  /// cannot be taken. Nothing is left open.
  static outcome<std::unique_ptr<runner_store>> open(group& of);

  /// Copies the WAL back, so that the database's file is complete without it. Failures are left to
  /// the next opening.
  void leave() noexcept;

  /// Brings the tables up to date and takes a writer's number, with the lock held.
  outcome<void> prepare(group& of);
};

/// Ends a store in order: with a complete database file, unless it was refused for good.
struct leave_store {
  const group* of = nullptr;

  void operator()(runner_store* store) const;
};

using held_store = std::unique_ptr<runner_store, leave_store>;

/// Whether the place of a database is the address of a PostgreSQL server, not a file.
bool is_postgres(std::string_view place);

/// Shuts the group if `fault` says that its database is damaged: a later turn may read the damage,
/// and write on top of it.
void shut_if_damaged(group& of, const store::database_error& fault);

/// Writes down which topics this program handles, for processes of other releases. In the
/// transaction in which the process takes a writer's number; throws database_error.
void tell_handled_topics(group& of, store::database& session);

/// Takes the fair lock of a group's database. A holder that makes no progress for longer than a
/// turn may take is killed: it is a stopped process (otherwise its own watchdog would have ended
/// it, or it would show long work), and one stopped process must not stop a machine.
///
/// @return false if the lock was not taken within half a minute, or before the group ended.
bool lock_patiently(group& of, store::gate& gate);

} // namespace troupe
