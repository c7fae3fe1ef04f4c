#include "nodes/commands/migrate/to_server.hpp"

#include "nodes/commands/backup/saved_bytes.hpp"
#include "nodes/commands/transfer/locked_file.hpp"
#include "nodes/commands/transfer/new_schema.hpp"
#include "nodes/commands/transfer/server_books.hpp"
#include "runtime/contains.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/copy/table.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <system_error>
#include <utility>

namespace troupe {

namespace {

namespace fs = std::filesystem;

using store::move_row;
using store::move_state;

/// A file to be moved, and the state of its destination.
struct departing_file {
  const moved_database* of = nullptr;
  locked_file file;
  database_identity identity;
  /// The destination's row before this command, if there is one.
  std::optional<move_row> before{};
  /// True if the destination has older data that were moved away; they are put aside there.
  bool has_left = false;
};

class server_mover {
public:
  server_mover(const move_plan& plan, const move_options& options, const clock& time)
      : plan_{plan}, options_{options}, time_{time} {}

  outcome<move_result> run() {
    std::vector<std::string> urls;
    for (const moved_database& each : plan_.databases) {
      urls.push_back(each.url);
    }
    TROUPE_TRY(auto books, server_books::open(urls));
    books_.emplace(std::move(books));
    try {
      return move();
    } catch (const store::database_error& met) {
      return failure{met.to_error()};
    }
  }

private:
  outcome<move_result> move() {
    if (is_almost_through()) {
      if (!options_.dry_run) {
        TROUPE_CHECK(give_up_files());
      }
      // The command before may have moved others than this one is to move.
      TROUPE_TRY(const bool has_more, has_files());
      if (options_.dry_run || !has_more) {
        result_.was_copied = true;
        return std::move(result_);
      }
    }
    TROUPE_CHECK(books_->check_unused());
    TROUPE_CHECK(open_sources());
    if (options_.dry_run) {
      return std::move(result_);
    }
    TROUPE_FAULT("migrate.checked");
    begin();
    // Finds processes that opened their database before the books were changed; later ones are
    // refused.
    if (auto unused = books_->check_unused(); !unused) {
      take_back();
      return failure{std::move(unused).error()};
    }
    TROUPE_FAULT("migrate.begun");
    for (departing_file& each : sources_) {
      TROUPE_TRY(
          auto size,
          fill_new_schema(
              {each.of->what, each.file.space(), {each.of->url, plan_.system}}, *books_, time_));
      result_.moved.push_back({each.of->what.owner, size});
      options_.tell(result_.moved.back());
      TROUPE_FAULT("migrate.equal");
    }
    // From now on no process can open the files; this command has held their locks throughout.
    for (const departing_file& each : sources_) {
      std::error_code failed;
      fs::remove(each.of->arriving(), failed);
      TROUPE_CHECK(write_synced(each.of->arriving(), ""));
    }
    TROUPE_FAULT("migrate.files_shut");
    const std::string stamp = stamp_of(time_);
    books_->change([&](const std::string&, store::database&, store::move_book& book) {
      for (move_row& each : book.rows()) {
        if (each.state == move_state::arriving) {
          each.aside = "moved-" + stamp;
          book.put(each);
        }
      }
    });
    TROUPE_FAULT("migrate.all_equal");
    sources_.clear();
    TROUPE_CHECK(give_up_files());
    return std::move(result_);
  }

  /// Whether an earlier run has copied and compared everything, and has begun to put files aside.
  bool is_almost_through() {
    bool has_aside = false;
    for (const auto& [url, row] : books_->rows()) {
      if (row.state == move_state::arriving && row.aside.empty()) {
        return false;
      }
      has_aside = has_aside || row.state == move_state::arriving;
    }
    return has_aside;
  }

  /// Whether one of the files is there still.
  outcome<bool> has_files() {
    for (const moved_database& each : plan_.databases) {
      TROUPE_TRY(const bool is_there, has_file(each.file));
      if (is_there) {
        return true;
      }
    }
    return false;
  }

  outcome<void> open_sources() {
    for (const auto& [url, row] : books_->rows()) {
      if (row.state == move_state::leaving || row.state == move_state::returning) {
        return failure{invalid(store::obstacle_to(row.schema, {row}))};
      }
    }
    for (const moved_database& each : plan_.databases) {
      TROUPE_TRY(const bool is_there, has_file(each.file));
      if (!is_there) {
        TROUPE_CHECK(pass_over(each));
        continue;
      }
      TROUPE_CHECK(open_source(each));
    }
    for (const auto& [url, row] : books_->rows()) {
      if (row.state == move_state::arriving && !has_source(url, row.schema)) {
        return failure{invalid(fmt::format(
            "an unfinished move brings {} into the schema {} of {}, and it is not to be moved now: "
            "give the command that began it, or end it with --abandon",
            row.other,
            row.schema,
            url))};
      }
    }
    if (sources_.empty() && !is_there_already_) {
      return failure{invalid(fmt::format(
          "none of the databases is in a file ({} and so on): name the place with --from "
          "'sqlite:FOLDER/{{capability}}.db'",
          plan_.databases.front().file))};
    }
    return {};
  }

  bool has_source(const std::string& url, const std::string& schema) const {
    return std::ranges::any_of(sources_, [&](const departing_file& each) {
      return each.of->url == url && each.of->what.schema() == schema;
    });
  }

  outcome<void> pass_over(const moved_database& each) {
    const auto lost = lost_database(each.file);
    const auto there = books_->look_at(each.url, each.what.schema());
    if (lost && there.instance != lost) {
      return failure{invalid(fmt::format(
          "{} is gone, and the database {} was in it: put it back first",
          each.file,
          to_string(*lost)))};
    }
    is_there_already_ = is_there_already_ || lost.has_value();
    result_.passed_over.push_back(fmt::format(
        "{}: {}",
        each.what.owner,
        lost ? "is on the server already" : "was never used: there is no " + each.file));
    return {};
  }

  outcome<void> open_source(const moved_database& of) {
    TROUPE_CHECK(check_is_no_link(of.file));
    TROUPE_TRY(auto file, open_locked(of.file, of.what.owner_inside(), false));
    const auto refused = [&](error why) {
      why.message = fmt::format("{} ({}): {}", of.what.owner, of.file, why.message);
      return failure{std::move(why)};
    };
    if (auto fresh = store::check_up_to_date(*file.session, of.what.components(false)); !fresh) {
      return refused(std::move(fresh).error());
    }
    if (auto typed = check_types(file.space()); !typed) {
      return refused(std::move(typed).error());
    }
    const auto identity = identity_of(file.space());
    if (!identity) {
      return refused(invalid("it is empty"));
    }
    TROUPE_CHECK(check_place(of, identity->instance));
    auto row = books_->row_of(of.url, of.what.schema());
    const bool has_left = row && row->state == move_state::left
                          && books_->look_at(of.url, of.what.schema()).tables != 0;
    sources_.push_back({&of, std::move(file), *identity, std::move(row), has_left});
    return {};
  }

  /// Checks that this database may go into its schema.
  outcome<void> check_place(const moved_database& of, const uuid& instance) {
    const std::string schema = of.what.schema();
    const auto row = books_->row_of(of.url, schema);
    const schema_content there = books_->look_at(of.url, schema);
    if (row && row->state == move_state::arriving) {
      if (row->instance != instance || row->other != of.file) {
        return failure{invalid(fmt::format(
            "{}: an unfinished move brings {} into the schema {}: finish that, or end it with "
            "--abandon",
            of.url,
            row->other,
            schema))};
      }
      return progress_of(there, instance) == copy_progress::foreign
                 ? failure{not_the_copy(of.url, schema, there)}
                 : outcome<void>{};
    }
    if (row || there.tables == 0) {
      return {};
    }
    if (!there.instance) {
      return failure{invalid(fmt::format(
          "{}: the schema {} has tables that Troupe did not make: name another database",
          of.url,
          schema))};
    }
    if (*there.instance == instance) {
      return failure{invalid(fmt::format(
          "{}: the schema {} is this database already, and {} a copy of it: one of the two is "
          "older. Put the file away if the system has run on the server, or else drop the schema",
          of.url,
          schema,
          of.file))};
    }
    return failure{invalid(fmt::format(
        "{}: the schema {} has another database ({}, of `{}` in the system `{}`): name another "
        "one, or, if nobody needs it (a first start made it), DROP SCHEMA {} CASCADE",
        of.url,
        schema,
        to_string(*there.instance),
        there.capability,
        there.system,
        store::quoted_name(schema)))};
  }

  /// Records in the books which data arrive. From now on no process can open the databases.
  void begin() {
    const std::int64_t now = unix_millis(time_.wall());
    books_->change([&](const std::string& url, store::database& session, store::move_book& book) {
      for (const departing_file& each : sources_) {
        if (each.of->url != url) {
          continue;
        }
        const std::string schema = each.of->what.schema();
        if (each.has_left) {
          session.script(fmt::format(
              "ALTER SCHEMA {} RENAME TO {}",
              store::quoted_name(schema),
              store::quoted_name(free_name_aside(session, schema, "left", time_))));
        }
        const bool was_arriving = each.before && each.before->state == move_state::arriving;
        book.put(
            {schema,
             each.identity.instance,
             move_state::arriving,
             was_arriving ? each.before->at : now,
             each.of->file});
      }
    });
  }

  /// Removes what `begin` recorded in the books. Data put aside stay there, since their old place
  /// has no other use.
  void take_back() {
    books_->change([&](const std::string& url, store::database&, store::move_book& book) {
      for (const departing_file& each : sources_) {
        if (each.of->url == url && each.before) {
          book.put(*each.before);
        } else if (each.of->url == url) {
          book.remove(each.of->what.schema());
        }
      }
    });
  }

  /// Puts the files aside, and opens the server to brokers and workers.
  outcome<void> give_up_files() {
    for (const auto& [url, row] : books_->rows()) {
      if (row.state != move_state::arriving) {
        continue;
      }
      const fs::path file = row.other;
      const fs::path folder = file.parent_path() / row.aside;
      std::error_code failed;
      fs::create_directories(folder, failed);
      // The lock files stay: they show that a database was here, and prevent a new one.
      for (const std::string_view part : {"", "-wal", "-shm", "-journal"}) {
        const fs::path from = file.string() + std::string{part};
        if (!failed && fs::exists(from, failed)) {
          fs::rename(from, folder / from.filename(), failed);
        }
      }
      if (!failed) {
        sync_folder(folder);
        sync_folder(file.parent_path());
        fs::remove(row.other + ".migrating", failed);
      }
      if (failed) {
        return failure{
            internal_error(fmt::format("cannot put {} aside: {}", row.other, failed.message()))};
      }
      if (!contains(result_.aside, folder.string())) {
        result_.aside.push_back(folder.string());
      }
      TROUPE_FAULT("migrate.aside");
    }
    books_->change([](const std::string&, store::database&, store::move_book& book) {
      for (const move_row& each : book.rows()) {
        if (each.state == move_state::arriving) {
          book.remove(each.schema);
        }
      }
    });
    TROUPE_FAULT("migrate.through");
    return {};
  }

  const move_plan& plan_;
  const move_options& options_;
  const clock& time_;
  std::optional<server_books> books_;
  std::vector<departing_file> sources_;
  bool is_there_already_ = false;
  move_result result_;
};

} // namespace

outcome<move_result>
move_to_server(const move_plan& plan, const move_options& options, const clock& time) {
  return server_mover{plan, options, time}.run();
}

} // namespace troupe
