#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace troupe::store {

class address_book;

/// How a PostgreSQL database is opened.
struct postgres_options {
  /// The owner of the schema ("orders"). Written into a new schema; that of another owner is
  /// refused. Required, but empty with read_only takes any schema of Troupe.
  std::string capability{};
  /// The system that the schema belongs to; the schema of another is refused. Empty: not compared.
  std::string system{};
  /// For checkers and queries: nothing is made, locked or written.
  bool read_only = false;
  /// False: a missing schema is refused instead of made.
  bool create = true;
  /// The id of the database, where its schema is made here. Nothing: a new one.
  std::optional<uuid> made_as{};
  /// begin() takes the writers' lock of the schema, so that one session at a time writes.
  bool one_writer = true;
  /// begin() starts a read-only transaction that sees one moment, that of its first read
  /// (REPEATABLE READ).
  bool one_moment = false;
  /// For moving data (moves.hpp): opened although its data are being moved in or out.
  bool is_moving = false;
  /// The session's name for other sessions (`application_name`). Empty: "troupe CAPABILITY", which
  /// identifies those that run on the database.
  std::string session_name{};
  /// Prepared statements kept. 1 to 10,000.
  std::size_t statements_max = 256;
  /// How long one statement, or a commit, may take before the connection is given up. The server
  /// ends a statement after three quarters of it, so that a slow statement can be told from a
  /// server that does not answer. 100 ms to 1 h.
  std::chrono::milliseconds patience{10'000};
  /// The same for a script: a migration may be long.
  std::chrono::milliseconds script_patience{600'000};
  /// How long begin() and statements wait for a lock. 1 ms to 60 s.
  std::chrono::milliseconds lock_patience{1'000};
  /// How long an open transaction may be idle before the server ends it, so that a stopped process
  /// does not keep the writers' lock. 1 s to 20 days.
  std::chrono::milliseconds idle_limit{11'000};
  /// The host of the URL that is tried first, counted from 0, and over again after the last. After
  /// a lost connection a session starts with the host after the one it had.
  std::size_t first_host = 0;
  /// The known addresses of its hosts. Null: the session has its own book.
  std::shared_ptr<address_book> addresses{};
};

/// What is wrong with `url` as the place of a database, in words; empty if nothing. A password in
/// it is a fault: it would be in files and process lists.
std::string fault_of_postgres_url(const std::string& url);

/// Opens, and if need be makes, the schema `schema` of the PostgreSQL database at `url`
/// ("postgresql://user@h1,h2:5433/shop", libpq's URI). libpq finds the password: in the file named
/// by PGPASSFILE, or in ~/.pgpass.
///
/// Unless the URL says otherwise, the server that takes writes is looked for among the hosts
/// (`target_session_attrs=read-write`), each for 2 s (`connect_timeout`), and a link that is cut is
/// noticed after 3 s (`tcp_user_timeout`).
///
/// @errors `invalid` (URL, options; password refused; a server before 13; fsync or full_page_writes
/// off; encoding not UTF8; collation not C; a pooler that shares connections between transactions;
/// another owner's schema, or one that Troupe did not make; data that are being moved): the message
/// says what to do, nothing was begun. `unavailable` (no server, too few connections, lock or disk
/// busy): try again.
outcome<std::unique_ptr<database>>
open_postgres(const std::string& url, const std::string& schema, const postgres_options& options);

/// Opens a session with the database as a whole, for looking at all of its schemas or moving them:
/// no schema is looked for, made or owned. Tables are named with their schema.
///
/// @param options `capability` is not used; the lock of `one_writer` is the one for moving data.
/// @errors of `open_postgres`, as far as they are of the server and the database.
outcome<std::unique_ptr<database>>
open_postgres_whole(const std::string& url, const postgres_options& options);

} // namespace troupe::store
