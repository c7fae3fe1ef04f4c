#include "runtime/store/turn/subscriptions.hpp"

#include <array>
#include <utility>

namespace troupe::store {

namespace {

constexpr std::string_view find_partition =
    "SELECT epoch, handled FROM partitions WHERE partition = $1";

partition_row partition_of(const row& row) {
  return {static_cast<std::uint64_t>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1))};
}

} // namespace

std::optional<uuid> subscriptions::journal() {
  std::optional<uuid> found;
  auto take = [&](const row& row) { found = row.id(0); };
  session_.query("SELECT journal FROM subscription WHERE one = 1", take);
  return found;
}

void subscriptions::set_journal(const uuid& journal) {
  session_.execute("INSERT INTO subscription (one, journal) VALUES (1, $1)", journal);
}

lineage subscriptions::lives() {
  std::vector<journal_life> found;
  auto take = [&](const row& row) {
    found.push_back({row.id(1), static_cast<std::uint64_t>(row.integer(0))});
  };
  session_.query("SELECT first, id FROM journal_lives ORDER BY first", take);
  return lineage{std::move(found)};
}

void subscriptions::set_lives(const lineage& lives) {
  session_.execute("DELETE FROM journal_lives");
  for (const journal_life& each : lives.newest(lives_max)) {
    session_.execute("INSERT INTO journal_lives (first, id) VALUES ($1, $2)", each.first, each.id);
  }
}

lives_told subscriptions::told() {
  lives_told found;
  auto take = [&](const row& row) {
    found = {
        static_cast<std::uint64_t>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1))};
  };
  session_.query("SELECT epoch, handled FROM lives_told", take);
  return found;
}

void subscriptions::set_told(const lives_told& now) {
  session_.execute(
      "INSERT INTO lives_told (one, epoch, handled) VALUES (1, $1, $2)"
      " ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, handled = excluded.handled",
      now.epoch,
      now.handled);
}

std::uint64_t subscriptions::highest() {
  return static_cast<std::uint64_t>(
      session_.integer_of("SELECT COALESCE(MAX(handled), 0) FROM partitions").value_or(0));
}

std::uint64_t subscriptions::highest_epoch() {
  return static_cast<std::uint64_t>(
      session_.integer_of("SELECT COALESCE(MAX(epoch), 0) FROM partitions").value_or(0));
}

std::optional<partition_row> subscriptions::find(std::uint32_t partition) {
  std::optional<partition_row> found;
  auto take = [&](const row& row) { found = partition_of(row); };
  session_.query(find_partition, take, partition);
  return found;
}

void subscriptions::ask(std::uint32_t partition, std::function<void(const partition_row&)> each) {
  const std::array<value, 1> parameters{std::int64_t{partition}};
  session_.ask(find_partition, parameters, [each = std::move(each)](const row& row) {
    each(partition_of(row));
  });
}

void subscriptions::insert(std::uint32_t partition, const partition_row& row) {
  session_.execute(
      "INSERT INTO partitions (partition, epoch, handled) VALUES ($1, $2, $3)",
      partition,
      row.epoch,
      row.handled);
}

void subscriptions::raise_epoch(std::uint32_t partition, std::uint64_t epoch) {
  session_.execute(
      "UPDATE partitions SET epoch = $2 WHERE partition = $1 AND epoch < $2", partition, epoch);
}

void subscriptions::advance(std::uint32_t partition, std::uint64_t handled) {
  session_.execute("UPDATE partitions SET handled = $2 WHERE partition = $1", partition, handled);
}

std::vector<postponed_row> subscriptions::postponed_of(std::uint32_t partition) {
  std::vector<postponed_row> found;
  auto take = [&](const row& row) {
    found.push_back(
        {static_cast<std::uint64_t>(row.integer(0)),
         partition,
         std::string{row.text(1)},
         static_cast<std::uint32_t>(row.integer(2)),
         row.integer(3) != 0,
         std::string{row.text(4)},
         std::string{row.text(5)},
         static_cast<std::uint32_t>(row.integer(6))});
  };
  session_.query(
      "SELECT position, key, attempts, dead, cause, error, replica FROM postponed"
      " WHERE partition = $1 ORDER BY position",
      take,
      partition);
  return found;
}

void subscriptions::postpone(const postponed_row& row) {
  session_.execute(
      "INSERT INTO postponed (position, partition, key, attempts, dead, cause, error, replica)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
      " ON CONFLICT (position) DO UPDATE SET attempts = excluded.attempts, dead = excluded.dead,"
      " cause = excluded.cause, error = excluded.error, replica = excluded.replica",
      row.position,
      row.partition,
      row.key,
      row.attempts,
      row.is_dead ? 1 : 0,
      row.cause,
      row.error,
      row.replica);
}

bool subscriptions::forget(std::uint64_t position) {
  return session_.execute("DELETE FROM postponed WHERE position = $1", position) != 0;
}

std::vector<std::uint64_t> subscriptions::graves() {
  std::vector<std::uint64_t> found;
  auto take = [&](const row& row) { found.push_back(static_cast<std::uint64_t>(row.integer(0))); };
  session_.query("SELECT position FROM postponed WHERE partition = $1", take, no_partition);
  return found;
}

void subscriptions::add_grave(std::uint64_t position) {
  session_.execute(
      "INSERT INTO postponed (position, partition, key, attempts, dead, cause, error, replica)"
      " VALUES ($1, $2, '', 0, 1, '', '', 0) ON CONFLICT (position) DO NOTHING",
      position,
      no_partition);
}

std::vector<std::uint64_t> subscriptions::waiting() {
  std::vector<std::uint64_t> found;
  auto take = [&](const row& row) { found.push_back(static_cast<std::uint64_t>(row.integer(0))); };
  session_.query(
      "SELECT position FROM postponed WHERE partition <> $1 ORDER BY position", take, no_partition);
  return found;
}

void subscriptions::go_back(const uuid& journal, const lineage& lives, std::uint64_t position) {
  session_.execute("UPDATE subscription SET journal = $1", journal);
  session_.execute("UPDATE partitions SET handled = $1 WHERE handled > $1", position);
  session_.execute("DELETE FROM postponed WHERE position > $1", position);
  set_lives(lives);
  set_told({highest_epoch(), highest()});
}

void subscriptions::forget_passed_graves() {
  // Only if all 64 partitions have a row: otherwise a position may belong to a partition without
  // one.
  session_.execute(
      "DELETE FROM postponed WHERE partition = $1 AND position <="
      " (SELECT CASE WHEN COUNT(*) = 64 THEN MIN(handled) ELSE 0 END FROM partitions)",
      no_partition);
}

} // namespace troupe::store
