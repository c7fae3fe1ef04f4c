#pragma once

#include "nodes/commands/transfer/stored_database.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/store/postgres/moves.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The contents of a schema before data are brought there.
struct schema_content {
  std::int64_t tables = 0;
  /// According to its troupe_meta, if it has one.
  std::optional<uuid> instance{};
  std::string capability{};
  std::string system{};
};

/// A session with each PostgreSQL database involved in a move, and its book of moves
/// (`store::move_book`). While they live, no other command can move data there.
class server_books {
public:
  /// @errors of `open_postgres`; `unavailable`: another command moves data there.
  static outcome<server_books> open(const std::vector<std::string>& urls);

  /// The session with one of the databases given to open().
  store::database& session(const std::string& url) { return *sessions_.at(url); }

  /// The row of a schema, if it has one. Throws database_error.
  std::optional<store::move_row> row_of(const std::string& url, const std::string& schema);

  /// All rows, and their databases. Throws database_error.
  std::vector<std::pair<std::string, store::move_row>> rows();

  schema_content look_at(const std::string& url, const std::string& schema);

  /// Changes the book of every database, each in one transaction. Throws database_error.
  void change(
      const std::function<void(const std::string& url, store::database&, store::move_book&)>& how);

  /// Checks that no brokers or workers use the databases; waits briefly for sessions of processes
  /// that have just ended.
  /// @errors `unavailable`, naming the sessions; of the store.
  outcome<void> check_unused();

private:
  std::map<std::string, std::unique_ptr<store::database>> sessions_;
};

/// A place on a server.
struct server_place {
  std::string url;
  /// The system that owns it.
  std::string system;
};

/// Opens the schema of a database that is being moved.
/// @param made_as the id for a new schema; nothing: the schema must exist.
/// @errors of `open_postgres`.
outcome<std::unique_ptr<store::database>> open_moving(
    const stored_database& what, const server_place& at, const std::optional<uuid>& made_as = {});

/// The options of sessions that move or copy data: they wait for large tables.
store::postgres_options moving_options();

} // namespace troupe
