#include "nodes/commands/migrate/to_files.hpp"

#include "nodes/commands/backup/saved_bytes.hpp"
#include "nodes/commands/transfer/new_file.hpp"
#include "nodes/commands/transfer/server_books.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace troupe {

namespace {

namespace fs = std::filesystem;

using store::move_row;
using store::move_state;

bool is_occupied(const std::string& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

/// A schema to be moved.
struct departing_schema {
  const moved_database* of = nullptr;
  std::unique_ptr<store::database> session;
  database_identity identity;

  store::table_space space() const { return {session.get(), of->what.schema()}; }
};

class file_mover {
public:
  file_mover(const move_plan& plan, const move_options& options, const clock& time)
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
      result_.was_copied = true;
      if (!options_.dry_run) {
        TROUPE_CHECK(give_names());
      }
      return std::move(result_);
    }
    TROUPE_CHECK(books_->check_unused());
    TROUPE_CHECK(open_sources());
    if (options_.dry_run) {
      return std::move(result_);
    }
    begin();
    // Finds processes that opened their database before the mark was set; later ones are refused.
    TROUPE_CHECK(books_->check_unused());
    // From now on no process can create a database at a place that is being filled.
    for (const departing_schema& each : sources_) {
      if (is_occupied(each.of->arriving())) {
        continue;
      }
      std::error_code failed;
      fs::create_directories(fs::path{each.of->file}.parent_path(), failed);
      TROUPE_CHECK(write_synced(each.of->arriving(), ""));
    }
    TROUPE_FAULT("migrate.begun");
    for (const departing_schema& each : sources_) {
      TROUPE_TRY(
          auto size, fill_new_file({each.of->what, each.space(), each.of->arriving()}, time_));
      result_.moved.push_back({each.of->what.owner, size});
      options_.tell(result_.moved.back());
      TROUPE_FAULT("migrate.equal");
    }
    for (const departing_schema& each : sources_) {
      TROUPE_CHECK(note_database(each.of->file, each.identity.instance));
    }
    TROUPE_FAULT("migrate.all_equal");
    leave_server();
    TROUPE_FAULT("migrate.left");
    TROUPE_CHECK(give_names());
    return std::move(result_);
  }

  /// Whether an earlier run has copied and compared everything, and has begun to leave the server.
  bool is_almost_through() {
    const auto rows = books_->rows();
    return !rows.empty() && std::ranges::all_of(rows, [](const auto& each) {
      return each.second.state == move_state::left;
    }) && std::ranges::none_of(plan_.databases, [&](const moved_database& each) {
      return !books_->row_of(each.url, each.what.schema())
             && books_->look_at(each.url, each.what.schema()).instance;
    });
  }

  outcome<void> open_sources() {
    for (const auto& [url, row] : books_->rows()) {
      if (row.state == move_state::arriving || row.state == move_state::returning) {
        return failure{invalid(store::obstacle_to(row.schema, {row}))};
      }
    }
    for (const moved_database& each : plan_.databases) {
      TROUPE_CHECK(open_source(each));
    }
    for (const auto& [url, row] : books_->rows()) {
      if (row.state == move_state::leaving && !has_source(url, row.schema)) {
        return failure{invalid(fmt::format(
            "an unfinished move brings the schema {} of {} to {}, and it is not to be moved now: "
            "give the command that began it, or end it with --abandon",
            row.schema,
            url,
            row.other))};
      }
    }
    if (sources_.empty()) {
      return failure{invalid(fmt::format(
          "{} has no schema of this system: name the place with --from postgresql://HOST/DATABASE",
          plan_.databases.front().url))};
    }
    return {};
  }

  bool has_source(const std::string& url, const std::string& schema) const {
    return std::ranges::any_of(sources_, [&](const departing_schema& each) {
      return each.of->url == url && each.of->what.schema() == schema;
    });
  }

  outcome<void> open_source(const moved_database& of) {
    const schema_content there = books_->look_at(of.url, of.what.schema());
    if (!there.instance) {
      result_.passed_over.push_back(fmt::format(
          "{}: was never used: there is no schema {}", of.what.owner, of.what.schema()));
      return {};
    }
    const auto row = books_->row_of(of.url, of.what.schema());
    if (row && row->state == move_state::left) {
      result_.passed_over.push_back(
          fmt::format("{}: was moved to {} before", of.what.owner, row->other));
      return {};
    }
    TROUPE_TRY(auto session, open_moving(of.what, {of.url, plan_.system}));
    if (auto fresh = store::check_up_to_date(*session, of.what.components(true)); !fresh) {
      error why = std::move(fresh).error();
      why.message = fmt::format("{} ({}): {}", of.what.owner, of.url, why.message);
      return failure{std::move(why)};
    }
    if (is_occupied(of.file)) {
      return failure{invalid(fmt::format(
          "{} is there already: put it elsewhere, or name another place with --to "
          "'sqlite:FOLDER/{{capability}}.db'",
          of.file))};
    }
    if (row && row->other != of.file) {
      return failure{invalid(fmt::format(
          "an unfinished move brings {} to {}: finish that, or end it with --abandon",
          of.what.owner,
          row->other))};
    }
    if (!row && is_occupied(of.arriving())) {
      return failure{invalid(fmt::format(
          "{} is of a move that is not known here: delete it, with what begins with its name",
          of.arriving()))};
    }
    const store::table_space space{session.get(), of.what.schema()};
    auto identity = identity_of(space);
    sources_.push_back({&of, std::move(session), identity.value_or(database_identity{})});
    return {};
  }

  /// Records in the move books which data leave. From now on no process can open the databases.
  void begin() {
    const std::int64_t now = unix_millis(time_.wall());
    books_->change([&](const std::string& url, store::database&, store::move_book& book) {
      for (const departing_schema& each : sources_) {
        if (each.of->url == url) {
          book.put(
              {each.of->what.schema(),
               each.identity.instance,
               move_state::leaving,
               now,
               each.of->file});
        }
      }
    });
  }

  void leave_server() {
    books_->change([&](const std::string&, store::database&, store::move_book& book) {
      for (move_row& each : book.rows()) {
        if (each.state == move_state::leaving) {
          each.state = move_state::left;
          book.put(each);
        }
      }
    });
  }

  /// Gives the files their final names, after which the system may use them.
  outcome<void> give_names() {
    for (const auto& [url, row] : books_->rows()) {
      if (!sources_.empty() && !has_source(url, row.schema)) {
        continue;
      }
      const fs::path arriving = row.other + ".migrating";
      std::error_code failed;
      if (fs::exists(arriving, failed)) {
        if (fs::exists(row.other, failed)) {
          return failure{
              invalid(fmt::format("{} has come there meanwhile: put it elsewhere", row.other))};
        }
        fs::rename(arriving, row.other, failed);
        TROUPE_FAULT("migrate.named");
      } else if (!fs::exists(row.other, failed)) {
        return failure{invalid(
            fmt::format("{} was moved to {}, which is gone: put it back", row.schema, row.other))};
      }
      if (failed) {
        return failure{internal_error(
            fmt::format("cannot give {} its name: {}", row.other, failed.message()))};
      }
      sync_folder(fs::path{row.other}.parent_path());
    }
    TROUPE_FAULT("migrate.through");
    return {};
  }

  const move_plan& plan_;
  const move_options& options_;
  const clock& time_;
  std::optional<server_books> books_;
  std::vector<departing_schema> sources_;
  move_result result_;
};

} // namespace

outcome<move_result>
move_to_files(const move_plan& plan, const move_options& options, const clock& time) {
  return file_mover{plan, options, time}.run();
}

} // namespace troupe
