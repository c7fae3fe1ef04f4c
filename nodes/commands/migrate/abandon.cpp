#include "nodes/commands/migrate/abandon.hpp"

#include "nodes/commands/transfer/new_file.hpp"
#include "nodes/commands/transfer/new_schema.hpp"
#include "nodes/commands/transfer/server_books.hpp"
#include "runtime/store/copy/table.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace troupe {

namespace {

using store::move_row;
using store::move_state;

/// Why the move can no longer be abandoned; empty if it can.
std::string past_return(const move_row& row) {
  if (row.state == move_state::returning) {
    return store::obstacle_to(row.schema, {row});
  }
  std::error_code failed;
  const bool is_nameless =
      row.state == move_state::left && std::filesystem::exists(row.other + ".migrating", failed);
  if (!row.aside.empty() || is_nameless) {
    return fmt::format(
        "everything is on the other side, and what is here is being given up ({}): run the command "
        "again without --abandon",
        row.other);
  }
  return {};
}

/// Drops the copy that a move has begun, and nothing else.
/// @return the result, in words.
std::string drop_copy(store::database& session, const move_row& row, const schema_content& there) {
  const copy_progress progress = progress_of(there, row.instance);
  if (progress == copy_progress::foreign) {
    return fmt::format(
        "{} stays in {}; the schema {} is no copy of it, and is left as it is",
        row.schema,
        row.other,
        row.schema);
  }
  if (progress != copy_progress::none) {
    session.script(fmt::format("DROP SCHEMA {} CASCADE", store::quoted_name(row.schema)));
  }
  return fmt::format("{} stays in {}; its copy is dropped", row.schema, row.other);
}

} // namespace

outcome<std::vector<std::string>> abandon_move(const move_plan& plan) {
  std::vector<std::string> urls;
  for (const moved_database& each : plan.databases) {
    urls.push_back(each.url);
  }
  TROUPE_TRY(auto books, server_books::open(urls));
  std::vector<std::string> undone;
  try {
    for (const auto& [url, row] : books.rows()) {
      if (auto why = past_return(row); !why.empty()) {
        return failure{invalid(std::move(why))};
      }
    }
    // Files first: the command can be repeated as long as a row exists.
    for (const auto& [url, row] : books.rows()) {
      if (row.state != move_state::left) {
        TROUPE_CHECK(delete_database(row.other + ".migrating"));
      }
      if (row.state == move_state::leaving) {
        undone.push_back(fmt::format("{} stays on the server; its copy is deleted", row.schema));
      }
    }
    books.change([&](const std::string& url, store::database& session, store::move_book& book) {
      for (const move_row& each : book.rows()) {
        if (each.state == move_state::arriving) {
          undone.push_back(drop_copy(session, each, books.look_at(url, each.schema)));
        }
        if (each.state != move_state::left) {
          book.remove(each.schema);
        }
      }
    });
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return undone;
}

} // namespace troupe
