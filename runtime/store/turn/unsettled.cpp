#include "runtime/store/turn/unsettled.hpp"

#include "runtime/time_text.hpp"

namespace troupe::store {

void unsettled::keep(
    const uuid& key, const unsettled_result& result, std::string_view error, wall_time now) {
  session_.execute(
      "INSERT INTO unsettled (key, failed, result, attempts, since, error)"
      " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO UPDATE SET"
      " attempts = excluded.attempts, error = excluded.error",
      key,
      result.failed ? 1 : 0,
      std::as_bytes(std::span{std::string_view{result.bytes}}),
      result.attempts,
      unix_millis(now),
      error);
}

std::uint32_t unsettled::attempts(const uuid& key) {
  return static_cast<std::uint32_t>(
      session_.integer_of("SELECT attempts FROM unsettled WHERE key = $1", key).value_or(0));
}

void unsettled::remove(const uuid& key) {
  session_.execute("DELETE FROM unsettled WHERE key = $1", key);
}

std::vector<unsettled_row> unsettled::list(const uuid& after, int count_max) {
  std::vector<unsettled_row> found;
  auto take = [&](const row& row) {
    found.push_back(
        {row.id(0),
         row.id(1),
         std::string{row.text(2)},
         static_cast<std::uint32_t>(row.integer(3)),
         time_since_1970(milliseconds{row.integer(4)}),
         std::string{row.text(5)},
         row.integer(6) != 0});
  };
  session_.query(
      "SELECT effects.key, call, name, attempts, since, error, fenced FROM effects"
      " JOIN writers ON writers.id = writer LEFT JOIN unsettled ON unsettled.key = effects.key"
      " WHERE effects.key > $1 AND (attempts IS NOT NULL OR fenced = 1)"
      " ORDER BY effects.key LIMIT $2",
      take,
      after,
      count_max);
  return found;
}

} // namespace troupe::store
