#include "nodes/commands/restore/to_schemas.hpp"

#include "nodes/commands/transfer/new_schema.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/time_text.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>

namespace troupe {

namespace {

/// As the books name the file.
std::string name_in_books(const returning_file& one) {
  return std::filesystem::absolute(one.from).lexically_normal().string();
}

/// Whether the row is of an earlier command that brings this very file.
bool is_of(const std::optional<store::move_row>& row, const returning_file& one) {
  return row && row->state == store::move_state::returning && row->instance == one.saved.instance
         && row->other == name_in_books(one);
}

outcome<std::unique_ptr<store::database>> open_backup(const returning_file& one) {
  store::sqlite_options options;
  options.read_only = true;
  options.is_still = true;
  return store::open_sqlite(one.from.string(), options);
}

} // namespace

outcome<void> check_release(const returning_file& one) {
  const auto file = open_backup(one);
  if (!file) {
    return failure{file.error()};
  }
  if (auto fresh = store::check_up_to_date(**file, one.what.components(false)); !fresh) {
    return failure{invalid(fmt::format(
        "{} was saved by another release ({}), and on a server only the tables of this one are "
        "made: restore it with that release, or into files (`store: sqlite:...`), start the system "
        "once, and move it with `troupe migrate`",
        one.from.string(),
        fresh.error().message))};
  }
  return {};
}

outcome<void> check_replaceable(
    const returning_file& one,
    const schema_content& there,
    const std::string& system,
    server_books& books) {
  const std::string schema = one.what.schema();
  const auto row = books.row_of(one.what.store, schema);
  if (row && row->state != store::move_state::left && !is_of(row, one)) {
    return failure{invalid(store::obstacle_to(schema, {*row}))};
  }
  if (is_of(row, one)) {
    return {};
  }
  if (there.tables != 0 && !there.instance) {
    return failure{invalid(fmt::format(
        "{}: the schema {} has tables that Troupe did not make", one.what.store, schema))};
  }
  if (there.instance && there.system != system) {
    return failure{invalid(fmt::format(
        "{}: the schema {} belongs to the system `{}`, not to `{}`",
        one.what.store,
        schema,
        there.system,
        system))};
  }
  return {};
}

outcome<void>
fill_schemas(checked_backup& backup, const clock& time, std::vector<std::string>& aside) {
  server_books& books = *backup.books;
  try {
    books.change([&](const std::string& url, store::database& session, store::move_book& book) {
      for (const returning_file& each : backup.files) {
        const std::string schema = each.what.schema();
        if (!each.to.empty() || each.what.store != url || is_of(books.row_of(url, schema), each)) {
          continue;
        }
        if (each.is_there) {
          const std::string name = name_aside(schema, "before-restore", time);
          session.script(fmt::format(
              "ALTER SCHEMA {} RENAME TO {}",
              store::quoted_name(schema),
              store::quoted_name(name)));
          aside.push_back("schema " + name);
        }
        book.put(
            {schema,
             each.saved.instance,
             store::move_state::returning,
             unix_millis(time.wall()),
             name_in_books(each)});
      }
    });
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  for (const returning_file& each : backup.files) {
    if (!each.to.empty()) {
      continue;
    }
    const auto file = open_backup(each);
    if (!file) {
      return failure{file.error()};
    }
    const auto filled = fill_new_schema(
        {each.what, {file->get(), {}}, {each.what.store, backup.system}}, books, time);
    if (!filled) {
      return failure{filled.error()};
    }
    TROUPE_FAULT("restore.filled");
  }
  return {};
}

outcome<void> give_schemas_free(checked_backup& backup) {
  try {
    backup.books->change([&](const std::string& url, store::database&, store::move_book& book) {
      for (const returning_file& each : backup.files) {
        if (each.to.empty() && each.what.store == url) {
          book.remove(each.what.schema());
        }
      }
    });
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return {};
}

} // namespace troupe
