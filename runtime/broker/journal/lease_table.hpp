#pragma once

#include "runtime/broker/journal/lease.hpp"
#include "runtime/store/database.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::broker {

/// The SQL of a lease that differs between kinds of databases.
struct lease_dialect {
  /// The database's clock in milliseconds since 1970, as an expression: of this moment, not of the
  /// transaction's beginning.
  std::string_view clock;
  /// Whether the session exists that was marked with `owner_key` of the row of `journal`, as an
  /// expression that is 0 or 1.
  std::string_view is_attended;
  /// Marks this session with $1 until it ends. Empty: sessions cannot be marked.
  std::string_view mark;
  /// The clause with which a SELECT locks its row until the transaction ends. Empty: a transaction
  /// does so by itself.
  std::string_view keep{};
  /// Reads a `server_condition` from the server, except `held`. Empty: there is no server.
  std::string_view condition{};
};

/// The condition of a journal's server, for operators.
struct server_condition {
  /// The standbys that a commit waits for, as in the server's settings; empty: none.
  std::string standbys{};
  /// The age of its oldest open transaction whose time is visible: later dead rows are kept.
  std::chrono::milliseconds oldest{0};
  /// The cause that keeps the oldest dead rows, as text: "the session 4711 (psql) of ann", "the
  /// replication slot reports", "the prepared transaction a7 of ann"; empty: none.
  std::string holder{};
  /// The transaction number since which it does, and how many transactions began since.
  std::int64_t horizon = 0;
  std::int64_t transactions = 0;
  /// How long this cause has been observed.
  std::chrono::milliseconds held{0};
  /// Whether the times of other roles' sessions are visible.
  bool sees_others = true;

  bool operator==(const server_condition&) const = default;
};

/// Session advisory locks: the server frees them when a process or its connection dies, long before
/// the lease ends.
extern const lease_dialect postgresql_lease;

/// Reads and writes the columns of the lease in the row of `journal` (component `troupe.lease`).
/// Borrows the session, and belongs to its thread. All functions throw database_error.
class lease_table {
public:
  lease_table(store::database& session, const lease_dialect& dialect);

  lease_seen look();

  /// Raises the generation, if the row is still as `seen`, and marks the session as the owner's.
  /// Outside a transaction; on disk when it returns. @return false: another broker was faster.
  bool take(
      const lease_seen& seen,
      const uuid& owner,
      std::string_view name,
      std::string_view endpoint,
      std::chrono::milliseconds lease);

  /// In a transaction: keeps every other broker from taking the journal before the commit.
  ///
  /// The row is locked and not written, since each commit would leave a version of it behind:
  /// during a transaction of an hour (a backup), each read of the row would have to skip all of
  /// them.
  /// @return the remaining time of the lease; nothing: another broker has raised the generation.
  std::optional<std::chrono::milliseconds> hold(std::uint64_t generation);

  /// Extends the lease. @return false: another broker has raised the generation.
  bool renew(std::uint64_t generation, std::chrono::milliseconds lease);

  /// Nothing if there is no server.
  std::optional<server_condition> condition();

private:
  store::database& session_;
  std::string_view mark_;
  std::string_view condition_;
  std::string look_;
  std::string take_;
  std::string hold_;
  std::string renew_;
};

} // namespace troupe::broker
