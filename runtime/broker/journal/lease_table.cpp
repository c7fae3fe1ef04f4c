#include "runtime/broker/journal/lease_table.hpp"

#include "runtime/bytes.hpp"

#include <fmt/format.h>

namespace troupe::broker {

namespace {

/// A number for the session that takes the lease, of this attempt alone.
std::int64_t key_of_attempt() {
  const uuid made = uuid_source{}.next(std::chrono::system_clock::now());
  const auto bits = load_big_endian<std::uint64_t>(&made.bytes[8]);
  return static_cast<std::int64_t>(bits >> 1U); // Positive, so that its halves are easy to compare.
}

} // namespace

const lease_dialect postgresql_lease{
    .clock = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    .is_attended = "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 "
                   "AND granted AND CAST(classid AS BIGINT) = owner_key / 4294967296 "
                   "AND CAST(objid AS BIGINT) = owner_key % 4294967296)",
    .mark = "SELECT count(*) FROM pg_advisory_lock($1)",
    .keep = " FOR NO KEY UPDATE",
    .condition =
        "SELECT current_setting('synchronous_standby_names'), "
        "(SELECT COALESCE(MAX(CAST(EXTRACT(EPOCH FROM clock_timestamp() - xact_start) * "
        "1000 AS BIGINT)), 0) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'), "
        "COALESCE(who, ''), COALESCE(CAST(CAST(since AS TEXT) AS BIGINT), 0), "
        "COALESCE(CAST(age(since) AS BIGINT), 0), "
        "CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') THEN 1 ELSE 0 END "
        "FROM (SELECT 1 AS one) AS always LEFT JOIN (SELECT who, since FROM ("
        // A session of another database keeps nothing here; a standby has none of its own.
        "SELECT CASE WHEN backend_type = 'walsender' THEN 'the standby of session ' ELSE "
        "'the session ' END || CAST(pid AS TEXT) || CASE WHEN application_name = '' THEN "
        "'' ELSE ' (' || application_name || ')' END || COALESCE(' of ' || CAST(usename AS "
        "TEXT), '') AS who, since, rank FROM pg_stat_activity CROSS JOIN LATERAL "
        "(VALUES (backend_xid, 1), (backend_xmin, 3)) AS transactions (since, rank) "
        "WHERE pid <> pg_backend_pid() AND since IS NOT NULL "
        "AND (datname IS NULL OR datname = current_database()) "
        "UNION ALL SELECT 'the replication slot ' || CAST(slot_name AS TEXT) || CASE WHEN "
        "active THEN '' ELSE ' (nobody reads it)' END, xmin, 2 "
        "FROM pg_replication_slots WHERE xmin IS NOT NULL "
        "UNION ALL SELECT 'the prepared transaction ' || gid || ' of ' || CAST(owner AS "
        "TEXT), transaction, 1 FROM pg_prepared_xacts WHERE database = current_database()"
        // The session that looks keeps what the oldest transaction keeps: that one is named.
        ") AS holders ORDER BY age(since) DESC, rank LIMIT 1) AS oldest ON true"};

lease_table::lease_table(store::database& session, const lease_dialect& dialect)
    : session_{session}, mark_{dialect.mark}, condition_{dialect.condition},
      look_{fmt::format(
          "SELECT generation, owner, owner_name, owner_at, owner_since, lease_until, "
          "lease_until - {}, {} FROM journal",
          dialect.clock,
          dialect.is_attended)},
      take_{fmt::format(
          "UPDATE journal SET generation = generation + 1, owner = $1, owner_name = $2, "
          "owner_at = $3, owner_key = $4, owner_since = {0}, lease_until = {0} + $5 "
          "WHERE generation = $6 AND lease_until = $7",
          dialect.clock)},
      hold_{fmt::format(
          "SELECT lease_until - {} FROM journal WHERE generation = $1{}",
          dialect.clock,
          dialect.keep)},
      renew_{fmt::format(
          "UPDATE journal SET lease_until = {} + $2 WHERE generation = $1", dialect.clock)} {
}

lease_seen lease_table::look() {
  lease_seen found;
  session_.query(look_, [&found](const store::row& row) {
    found.generation = static_cast<std::uint64_t>(row.integer(0));
    found.owner = row.is_null(1) ? uuid{} : row.id(1);
    found.owner_name = row.text(2);
    found.owner_at = row.text(3);
    found.since = row.integer(4);
    found.until = row.integer(5);
    found.left = std::chrono::milliseconds{row.integer(6)};
    found.is_attended = row.integer(7) != 0;
  });
  return found;
}

bool lease_table::take(
    const lease_seen& seen,
    const uuid& owner,
    std::string_view name,
    std::string_view endpoint,
    std::chrono::milliseconds lease) {
  const std::int64_t key = key_of_attempt();
  if (!mark_.empty()) {
    session_.execute(mark_, key); // Before others can see the key.
  }
  return session_.execute(
             take_, owner, name, endpoint, key, lease.count(), seen.generation, seen.until)
         == 1;
}

std::optional<std::chrono::milliseconds> lease_table::hold(std::uint64_t generation) {
  const auto left = session_.integer_of(hold_, generation);
  return left ? std::optional{std::chrono::milliseconds{*left}} : std::nullopt;
}

std::optional<server_condition> lease_table::condition() {
  std::optional<server_condition> found;
  if (!condition_.empty()) {
    session_.query(condition_, [&found](const store::row& row) {
      found = server_condition{
          .standbys = std::string{row.text(0)},
          .oldest = std::chrono::milliseconds{row.integer(1)},
          .holder = std::string{row.text(2)},
          .horizon = row.integer(3),
          .transactions = row.integer(4),
          .sees_others = row.integer(5) != 0};
    });
  }
  return found;
}

bool lease_table::renew(std::uint64_t generation, std::chrono::milliseconds lease) {
  return session_.execute(renew_, generation, lease.count()) == 1;
}

} // namespace troupe::broker
