#include "runtime/store/postgres/moves.hpp"

#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::store {

namespace {

constexpr std::string_view make_book =
    "CREATE SCHEMA troupe_migration; CREATE TABLE troupe_migration.databases ("
    "schema TEXT PRIMARY KEY, instance BYTEA NOT NULL, state BIGINT NOT NULL, at BIGINT NOT NULL, "
    "other TEXT NOT NULL, aside TEXT NOT NULL)";

} // namespace

bool move_book::is_there() {
  return session_.integer_of("SELECT 1 WHERE to_regclass('troupe_migration.databases') IS NOT NULL")
      .has_value();
}

std::vector<move_row> move_book::rows() {
  std::vector<move_row> all;
  if (!is_there()) {
    return all;
  }
  session_.query(
      "SELECT schema, instance, state, at, other, aside FROM troupe_migration.databases "
      "ORDER BY schema",
      [&](const row& found) {
        all.push_back(
            {std::string{found.text(0)},
             found.id(1),
             static_cast<move_state>(found.integer(2)),
             found.integer(3),
             std::string{found.text(4)},
             std::string{found.text(5)}});
      });
  return all;
}

void move_book::put(const move_row& row) {
  if (!is_there()) {
    session_.script(make_book);
  }
  session_.execute(
      "INSERT INTO troupe_migration.databases (schema, instance, state, at, other, aside) "
      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (schema) DO UPDATE SET "
      "instance = excluded.instance, state = excluded.state, at = excluded.at, "
      "other = excluded.other, aside = excluded.aside",
      row.schema,
      row.instance,
      static_cast<std::int64_t>(row.state),
      row.at,
      row.other,
      row.aside);
}

void move_book::remove(const std::string& schema) {
  session_.execute("DELETE FROM troupe_migration.databases WHERE schema = $1", schema);
  if (session_.integer_of("SELECT count(*) FROM troupe_migration.databases") == 0) {
    session_.script("DROP SCHEMA troupe_migration CASCADE");
  }
}

std::string obstacle_to(const std::string& schema, const std::vector<move_row>& rows) {
  const auto found = std::ranges::find_if(rows, [&](const move_row& each) {
    return each.state != move_state::left || each.schema == schema;
  });
  if (found == rows.end()) {
    return {};
  }
  const std::string since = utc_time_text(milliseconds{found->at});
  switch (found->state) {
  case move_state::arriving:
    return fmt::format(
        "data are being brought into this database ({} from {}, since {}), and not all of them are "
        "there: give `troupe migrate` again, which goes on where it ended, or end it with "
        "--abandon; until then nothing runs on it",
        found->schema,
        found->other,
        since);
  case move_state::leaving:
    return fmt::format(
        "data are being moved out of this database ({} to {}, since {}): give `troupe migrate` "
        "again, which goes on where it ended, or end it with --abandon; until then nothing runs on "
        "it",
        found->schema,
        found->other,
        since);
  case move_state::returning:
    return fmt::format(
        "a backup is being brought back into this database ({} from {}, since {}), and not all of "
        "it is there: give `troupe restore` again, which goes on where it ended; until then "
        "nothing runs on it",
        found->schema,
        found->other,
        since);
  case move_state::left:
    break;
  }
  return fmt::format(
      "the data of {} were moved to {} on {}, and are used there: what is here is old. `troupe "
      "migrate --from sqlite --to postgresql` brings them back",
      found->schema,
      found->other,
      since);
}

} // namespace troupe::store
