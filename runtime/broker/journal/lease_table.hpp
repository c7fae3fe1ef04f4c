#pragma once

#include "runtime/broker/journal/lease.hpp"
#include "runtime/store/database.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::broker {

/// What a lease needs of a kind of database beyond portable SQL.
struct lease_dialect {
  /// The database's clock in milliseconds since 1970, as an expression: of this moment, not of the
  /// transaction's beginning.
  std::string_view clock;
  /// Whether the session is there that was marked with `owner_key` of the row of `journal`, as an
  /// expression that is 0 or 1.
  std::string_view is_attended;
  /// Marks this session with $1 until it ends. Empty: sessions cannot be marked.
  std::string_view mark;
  /// What makes a SELECT keep others from changing its row until the transaction ends. Empty: a
  /// transaction does so by itself.
  std::string_view keep{};
  /// Asks the server for a `server_condition`, but for `held`. Empty: there is no server.
  std::string_view condition{};
};

/// What operators should know of the server of a journal.
struct server_condition {
  /// The standbys that a commit waits for, as its settings name them; empty: none.
  std::string standbys{};
  /// How long its oldest transaction has been open, of those whose time may be seen: dead rows
  /// since are kept.
  std::chrono::milliseconds oldest{0};
  /// Whatever keeps the oldest dead rows, in words: "the session 4711 (psql) of ann", "the
  /// replication slot reports", "the prepared transaction a7 of ann"; empty: nothing does.
  std::string holder{};
  /// The transaction since which it does, as the server counts them, and how many began since.
  std::int64_t horizon = 0;
  std::int64_t transactions = 0;
  /// How long it has been that one, as far as it was watched.
  std::chrono::milliseconds held{0};
  /// Whether the times of other roles' sessions are seen.
  bool sees_others = true;

  bool operator==(const server_condition&) const = default;
};

/// Session advisory locks: the server frees them when a process or its connection dies, long before
/// the lease ends.
extern const lease_dialect postgresql_lease;

/// The columns of the lease in the row of `journal` (component `troupe.lease`), by SQL. Borrows the
/// session, whose thread it belongs to. All functions throw database_error.
class lease_table {
public:
  lease_table(store::database& session, const lease_dialect& dialect);

  lease_seen look();

  /// Raises the generation, if the row is still as `seen`, and marks the session as the owner's.
  /// Outside a transaction; on disk when it returns. @return false: somebody was faster.
  bool take(
      const lease_seen& seen,
      const uuid& owner,
      std::string_view name,
      std::string_view endpoint,
      std::chrono::milliseconds lease);

  /// In a transaction: keeps every other broker from taking the journal before the commit.
  ///
  /// The row is locked and not written, for each commit would leave a version of it behind: whoever
  /// has a transaction open for an hour (a backup) would have each look at the row pass over all of
  /// them.
  /// @return how long the lease lasts yet; nothing: another broker has raised the generation.
  std::optional<std::chrono::milliseconds> hold(std::uint64_t generation);

  /// Puts the end of the lease off. @return false: another broker has raised the generation.
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
