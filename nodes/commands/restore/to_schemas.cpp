#include "nodes/commands/restore/to_schemas.hpp"

#include "nodes/commands/transfer/new_schema.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/time_text.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace troupe {

namespace {

// Stands in for a schema name if there was nothing to put aside. No schema of Troupe starts with
// it.
constexpr std::string_view nothing_aside = "-";

/// The name of the file in the move books.
std::string name_in_books(const returning_file& one) {
  return std::filesystem::absolute(one.from).lexically_normal().string();
}

/// Whether the row belongs to an earlier run that restores this very file.
bool is_of(const std::optional<store::move_row>& row, const returning_file& one) {
  return row && row->state == store::move_state::returning && row->instance == one.saved.instance
         && row->other == name_in_books(one);
}

/// Whether that run has put aside the contents of the schema.
bool has_made_room(const std::optional<store::move_row>& row, const returning_file& one) {
  return is_of(row, one) && !row->aside.empty();
}

outcome<std::unique_ptr<store::database>> open_backup(const returning_file& one) {
  store::sqlite_options options;
  options.read_only = true;
  options.is_still = true;
  return store::open_sqlite(one.from.string(), options);
}

/// The rows of the schemas before this command changed them.
using former_rows = std::vector<std::pair<const returning_file*, std::optional<store::move_row>>>;

/// Calls `how` with session and book of the server, for each file that goes to a server.
void change_books(
    checked_backup& backup,
    const std::function<void(const returning_file&, store::database&, store::move_book&)>& how) {
  backup.books->change(
      [&](const std::string& url, store::database& session, store::move_book& book) {
        for (const returning_file& each : backup.files) {
          if (each.to.empty() && each.what.store == url) {
            how(each, session, book);
          }
        }
      });
}

/// Records in the books what is being restored. From now on no process can open the databases.
former_rows note_in_books(checked_backup& backup, const clock& time) {
  former_rows before;
  change_books(backup, [&](const returning_file& each, store::database&, store::move_book& book) {
    auto row = backup.books->row_of(each.what.store, each.what.schema());
    if (is_of(row, each)) {
      return;
    }
    before.emplace_back(&each, std::move(row));
    book.put(
        {each.what.schema(),
         each.saved.instance,
         store::move_state::returning,
         unix_millis(time.wall()),
         name_in_books(each)});
  });
  return before;
}

void take_back(checked_backup& backup, const former_rows& before) {
  change_books(backup, [&](const returning_file& each, store::database&, store::move_book& book) {
    for (const auto& [file, row] : before) {
      if (file == &each && row) {
        book.put(*row);
      } else if (file == &each) {
        book.remove(each.what.schema());
      }
    }
  });
}

/// Checks again that the existing data may be replaced, since processes may have run since.
outcome<void> check_again(checked_backup& backup) {
  for (const returning_file& each : backup.files) {
    if (!each.to.empty()) {
      continue;
    }
    const auto there = backup.books->look_at(each.what.store, each.what.schema());
    TROUPE_CHECK(check_replaceable(each, there, backup.system, *backup.books));
  }
  return {};
}

/// Puts the contents of the schemas aside.
void make_room(checked_backup& backup, const clock& time, std::vector<std::string>& aside) {
  change_books(
      backup, [&](const returning_file& each, store::database& session, store::move_book& book) {
        const std::string schema = each.what.schema();
        store::move_row row = backup.books->row_of(each.what.store, schema).value();
        if (row.aside.empty()) {
          row.aside = nothing_aside;
          if (backup.books->look_at(each.what.store, schema).tables != 0) {
            row.aside = free_name_aside(session, schema, "before-restore", time);
            session.script(fmt::format(
                "ALTER SCHEMA {} RENAME TO {}",
                store::quoted_name(schema),
                store::quoted_name(row.aside)));
          }
          book.put(row);
        }
        if (row.aside != nothing_aside) {
          aside.push_back("schema " + row.aside);
        }
      });
}

} // namespace

outcome<void> check_release(const returning_file& one) {
  TROUPE_TRY(const auto file, open_backup(one));
  if (auto fresh = store::check_up_to_date(*file, one.what.components(false)); !fresh) {
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
  if (has_made_room(row, one)) {
    return progress_of(there, one.saved.instance) == copy_progress::foreign
               ? failure{not_the_copy(one.what.store, schema, there)}
               : outcome<void>{};
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
  try {
    TROUPE_FAULT("restore.checked");
    const auto before = note_in_books(backup, time);
    // Finds processes that opened their database before the books were changed; later ones are
    // refused.
    auto fits = backup.books->check_unused();
    if (fits) {
      fits = check_again(backup);
    }
    if (!fits) {
      take_back(backup, before);
      return fits;
    }
    make_room(backup, time, aside);
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  server_books& books = *backup.books;
  for (const returning_file& each : backup.files) {
    if (!each.to.empty()) {
      continue;
    }
    TROUPE_TRY(const auto file, open_backup(each));
    TROUPE_CHECK(fill_new_schema(
        {each.what, {file.get(), {}}, {each.what.store, backup.system}}, books, time));
    TROUPE_FAULT("restore.filled");
  }
  return {};
}

outcome<void> give_schemas_free(checked_backup& backup) {
  try {
    change_books(backup, [](const returning_file& each, store::database&, store::move_book& book) {
      book.remove(each.what.schema());
    });
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return {};
}

} // namespace troupe
