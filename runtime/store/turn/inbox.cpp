#include "runtime/store/turn/inbox.hpp"

#include "runtime/bytes.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <vector>

namespace troupe::store {

namespace {

struct insertion {
  std::size_t rows = 0;
  std::string sql;
};

insertion insertion_of(std::size_t rows) {
  insertion made{
      rows,
      "INSERT INTO inbox (id, operation, digest, state, reply, node, replica, attempt) VALUES"};
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t first = 8 * i + 1;
    fmt::format_to(
        std::back_inserter(made.sql),
        "{} (${}, ${}, ${}, ${}, ${}, ${}, ${}, ${})",
        i == 0 ? "" : ",",
        first,
        first + 1,
        first + 2,
        first + 3,
        first + 4,
        first + 5,
        first + 6,
        first + 7);
  }
  return made;
}

struct look_up {
  std::size_t ids = 0;
  std::string sql;
};

look_up look_up_of(std::size_t ids) {
  look_up made{ids, "SELECT state, digest, reply, id FROM inbox WHERE id IN ("};
  for (std::size_t i = 1; i <= ids; ++i) {
    fmt::format_to(std::back_inserter(made.sql), "{}${}", i == 1 ? "" : ", ", i);
  }
  made.sql += ')';
  return made;
}

inbox_entry entry_of(const row& row) {
  return {
      static_cast<inbox_state>(row.integer(0)),
      static_cast<std::uint64_t>(row.integer(1)),
      std::string{text_of(row.bytes(2))}};
}

} // namespace

void inbox::ask(
    std::span<const uuid> ids, const std::function<void(const uuid&, inbox_entry&&)>& found) {
  static const std::array statements{look_up_of(4), look_up_of(32), look_up_of(256)};
  std::vector<value> values;
  while (!ids.empty()) {
    const auto* fits = std::ranges::find_if(
        statements, [&](const look_up& each) { return each.ids >= ids.size(); });
    const look_up& by = fits == statements.end() ? statements.back() : *fits;
    const auto part = ids.first(std::min(ids.size(), by.ids));
    values.clear();
    for (const uuid& each : part) {
      values.emplace_back(blob{each.view()});
    }
    values.resize(by.ids, values.back()); // Repeated ids are found once.
    session_.ask(by.sql, values, [found](const row& row) { found(row.id(3), entry_of(row)); });
    ids = ids.subspan(part.size());
  }
}

std::optional<inbox_entry> inbox::find(const uuid& id) {
  std::optional<inbox_entry> found;
  auto take = [&](const row& row) { found = entry_of(row); };
  session_.query("SELECT state, digest, reply FROM inbox WHERE id = $1", take, id);
  return found;
}

uuid inbox::newest() {
  uuid found;
  auto take = [&](const row& row) { found = row.id(0); };
  session_.query("SELECT id FROM inbox ORDER BY id DESC LIMIT 1", take);
  return found;
}

void inbox::insert(std::span<const inbox_row> rows) {
  static const std::array statements{
      insertion_of(rows_best), insertion_of(rows_best / 4), insertion_of(1)};
  std::vector<value> values;
  values.reserve(8 * std::min(rows.size(), rows_best));
  for (const insertion& each : statements) {
    for (; rows.size() >= each.rows; rows = rows.subspan(each.rows)) {
      values.clear();
      for (const inbox_row& row : rows.first(each.rows)) {
        values.insert(
            values.end(),
            {blob{row.id.view()},
             row.operation,
             static_cast<std::int64_t>(row.digest),
             static_cast<std::int64_t>(row.state),
             bytes_of(row.reply),
             row.by.node,
             std::int64_t{row.by.replica},
             std::int64_t{row.by.attempt}});
      }
      session_.change(each.sql, values);
    }
  }
}

bool inbox::settle(const uuid& id, inbox_state state, std::string_view reply) {
  return session_.execute(
             "UPDATE inbox SET state = $2, reply = $3 WHERE id = $1 AND state = 1",
             id,
             static_cast<int>(state),
             bytes_of(reply))
         == 1;
}

bool inbox::settle_by(const uuid& by, const uuid& id, inbox_state state, std::string_view reply) {
  // A row without a key leaves it to any effect, as do all of earlier releases.
  return session_.execute(
             "UPDATE inbox SET state = $2, reply = $3 WHERE id = $1 AND state = 1"
             " AND (reply = $4 OR COALESCE(length(reply), 0) = 0)",
             id,
             static_cast<int>(state),
             bytes_of(reply),
             by)
         == 1;
}

std::optional<uuid> inbox::oldest_answered() {
  std::optional<uuid> found;
  auto take = [&](const row& row) { found = row.id(0); };
  session_.query("SELECT id FROM inbox WHERE state <> 1 ORDER BY id LIMIT 1", take);
  return found;
}

uuid inbox::forget(kind which, const uuid& from, const uuid& to, int rows_max) {
  uuid end = to;
  auto take = [&](const row& row) { end = row.id(0); };
  session_.query(
      "SELECT id FROM inbox WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 1 OFFSET $3",
      take,
      from,
      to,
      rows_max);
  // The seventh byte contains the UUID's version.
  constexpr std::array above_calls{std::byte{0x80}};
  constexpr std::array above_all{std::byte{0xff}};
  session_.execute(
      "DELETE FROM inbox WHERE id >= $1 AND id < $2 AND state <> 1 AND substr(id, 7, 1) < $3",
      from,
      end,
      blob{which == kind::calls ? above_calls : above_all});
  return end;
}

uuid floor_id(wall_time time) {
  uuid id;
  const std::int64_t millis = std::max<std::int64_t>(0, unix_millis(time));
  store_big_endian(id.bytes.data(), static_cast<std::uint64_t>(millis), 6);
  return id;
}

} // namespace troupe::store
