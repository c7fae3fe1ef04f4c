#include "nodes/commands/backup/server_moment.hpp"

#include "nodes/commands/transfer/server_books.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/store/postgres/moves.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// A writer's turn takes milliseconds; a stalled writer loses its lock after its limit.
constexpr milliseconds writers_turn_patience{30'000};
// The snapshot is idle while everything outside its server is copied, which may take days.
constexpr milliseconds copying_limit = std::chrono::hours{480};

store::postgres_options copying_options(const stored_database& what, const std::string& system) {
  store::postgres_options options = moving_options();
  options.is_moving = false; // Refuse data that are being moved, since they are incomplete.
  options.capability = what.owner_inside();
  options.system = system;
  options.create = false;
  options.lock_patience = writers_turn_patience;
  return options;
}

/// Whether a database contains a schema of Troupe.
outcome<bool> has_schema(const stored_database& what) {
  TROUPE_TRY(auto session, store::open_postgres_whole(what.store, moving_options()));
  try {
    const std::string schema = what.schema();
    if (auto why = store::obstacle_to(schema, store::move_book{*session}.rows()); !why.empty()) {
      return failure{invalid(std::move(why))};
    }
    return session->integer_of(
               "SELECT COUNT(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 'troupe_meta'",
               schema)
           == 1;
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
}

} // namespace

outcome<std::vector<stored_database>> made_schemas(
    std::vector<stored_database> all,
    const std::string& system,
    std::vector<std::string>& missing) {
  std::vector<stored_database> made;
  for (stored_database& each : all) {
    TROUPE_TRY(const auto is_made, has_schema(each));
    if (!is_made) {
      missing.push_back(each.owner);
      continue;
    }
    TROUPE_TRY(
        auto session,
        store::open_postgres(each.store, each.schema(), copying_options(each, system)));
    if (auto fresh = store::check_up_to_date(*session, each.components(true)); !fresh) {
      error why = std::move(fresh).error();
      why.message = fmt::format("{} ({}): {}", each.owner, each.store, why.message);
      return failure{std::move(why)};
    }
    made.push_back(std::move(each));
  }
  return made;
}

outcome<server_moment> server_moment::take(
    const std::vector<stored_database>& all, const std::string& system, bool is_one_place) {
  server_moment made;
  const bool is_one_database =
      is_one_place && std::ranges::all_of(all, [&](const stored_database& each) {
        return each.store == all.front().store;
      });
  try {
    for (const stored_database& each : all) {
      if (is_one_database || each.is_journal()) {
        continue;
      }
      TROUPE_TRY(
          auto session,
          store::open_postgres(each.store, each.schema(), copying_options(each, system)));
      session->begin();
      (void)session->integer_of("SELECT 1"); // Waits for the lock.
      made.locks_.push_back(std::move(session));
    }
    store::postgres_options options = moving_options();
    options.one_moment = true;
    options.idle_limit = copying_limit;
    for (const stored_database& each : all) { // The journal comes last.
      if (made.sessions_.contains(each.store)) {
        continue;
      }
      TROUPE_TRY(auto session, store::open_postgres_whole(each.store, options));
      session->begin();
      // The first read of a transaction fixes its snapshot.
      (void)session->integer_of("SELECT COUNT(*) FROM pg_namespace");
      made.sessions_[each.store] = std::move(session);
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return made;
}

bool server_moment::let_go() {
  const auto locks = std::exchange(locks_, {});
  return std::ranges::all_of(locks, [](const auto& each) {
    try {
      return each->integer_of("SELECT 1") == 1;
    } catch (const store::database_error&) {
      return false;
    }
  });
}

} // namespace troupe
