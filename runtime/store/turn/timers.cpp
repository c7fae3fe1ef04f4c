#include "runtime/store/turn/timers.hpp"

#include "runtime/store/blobs.hpp"
#include "runtime/time_text.hpp"

namespace troupe::store {

void timers::add(
    const uuid& id,
    wall_time due,
    std::string_view topic,
    std::string_view key,
    std::string_view body,
    std::string_view trace) {
  session_.execute(
      "INSERT INTO timers (n, id, due_at, topic, key, body, trace)"
      " VALUES ((SELECT COALESCE(MAX(n), 0) + 1 FROM timers), $1, $2, $3, $4, $5, $6)",
      id,
      unix_millis(due),
      topic,
      key,
      std::as_bytes(std::span{body}),
      text_or_null(trace));
}

std::vector<timer_row> timers::due(wall_time now, int rows_max) {
  std::vector<timer_row> found;
  auto take = [&](const row& row) {
    const blob body = row.bytes(4);
    found.push_back(
        {row.integer(0),
         row.id(1),
         std::string{row.text(2)},
         std::string{row.text(3)},
         std::string{reinterpret_cast<const char*>(body.data()), body.size()},
         std::string{row.text(5)}});
  };
  session_.query(
      "SELECT n, id, topic, key, body, trace FROM timers WHERE due_at <= $1 ORDER BY due_at, n"
      " LIMIT $2",
      take,
      unix_millis(now),
      rows_max);
  return found;
}

void timers::remove(std::int64_t n) {
  session_.execute("DELETE FROM timers WHERE n = $1", n);
}

std::vector<waiting_timer>
timers::waiting(std::int64_t from, std::int64_t after, std::int64_t before, int rows_max) {
  std::vector<waiting_timer> found;
  auto take = [&](const row& row) {
    found.push_back(
        {row.integer(0),
         row.id(1),
         row.integer(2),
         std::string{row.text(3)},
         std::string{row.text(4)},
         static_cast<std::uint64_t>(row.integer(5))});
  };
  session_.query(
      "SELECT n, id, due_at, topic, key, length(body) FROM timers WHERE due_at >= $1"
      " AND due_at < $3 AND (due_at > $1 OR n > $2) ORDER BY due_at, n LIMIT $4",
      take,
      from,
      after,
      before,
      rows_max);
  return found;
}

std::optional<wall_time> timers::next() {
  const auto millis = session_.integer_of("SELECT MIN(due_at) FROM timers");
  return millis ? std::optional{wall_time{milliseconds{*millis}}} : std::nullopt;
}

} // namespace troupe::store
