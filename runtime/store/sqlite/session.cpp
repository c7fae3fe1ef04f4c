#include "runtime/store/sqlite/session.hpp"

#include "runtime/line_output.hpp"
#include "runtime/store/sqlite/error.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace troupe::store {

namespace {

constexpr std::array<const char*, 6> control_sql{
    "BEGIN IMMEDIATE",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT troupe",
    "RELEASE troupe",
    "ROLLBACK TO troupe"};

/// EX_IOERR of sysexits.h.
constexpr int io_error_status = 74;

/// The current row of a statement.
class sqlite_row final : public row {
public:
  explicit sqlite_row(sqlite3_stmt* statement)
      : statement_{statement}, columns_{sqlite3_column_count(statement)} {}

  int columns() const override { return columns_; }

  bool is_null(int column) const override {
    return sqlite3_column_type(statement_, checked(column)) == SQLITE_NULL;
  }

  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, checked(column));
  }

  double real(int column) const override {
    return sqlite3_column_double(statement_, checked(column));
  }

  std::string_view text(int column) const override {
    const auto* start = sqlite3_column_text(statement_, checked(column));
    if (start == nullptr) {
      return {};
    }
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return {reinterpret_cast<const char*>(start), size};
  }

  blob bytes(int column) const override {
    const auto* start = sqlite3_column_blob(statement_, checked(column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return {static_cast<const std::byte*>(start), start == nullptr ? 0 : size};
  }

private:
  int checked(int column) const {
    if (column < 0 || column >= columns_) {
      throw database_error{
          database_fault::schema, fmt::format("column {} of a row of {}", column, columns_)};
    }
    return column;
  }

  sqlite3_stmt* statement_;
  int columns_;
};

/// Binds one value without a copy: the value outlives the step, and the statement is reset
/// afterwards.
struct binder {
  sqlite3_stmt* statement;
  int place;

  int operator()(null_value) const { return sqlite3_bind_null(statement, place); }

  int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, place, number); }

  int operator()(double number) const { return sqlite3_bind_double(statement, place, number); }

  int operator()(std::string_view text) const {
    // SQLite binds a null pointer as NULL, which differs from an empty text.
    const auto* start = text.data() == nullptr ? "" : text.data();
    return sqlite3_bind_text64(statement, place, start, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }

  int operator()(blob bytes) const {
    if (bytes.empty()) {
      return sqlite3_bind_zeroblob(statement, place, 0);
    }
    return sqlite3_bind_blob64(statement, place, bytes.data(), bytes.size(), SQLITE_STATIC);
  }
};

/// Binds all parameters.
/// @return SQLite's result code.
int bind_all(sqlite_statement& statement, std::span<const value> parameters) {
  if (static_cast<std::size_t>(statement.parameters) != parameters.size()) {
    throw database_error{
        database_fault::schema,
        fmt::format(
            "{} parameters given, {} wanted (in: {})",
            parameters.size(),
            statement.parameters,
            statement.sql)};
  }
  int place = 0;
  for (const auto& parameter : parameters) {
    ++place;
    if (const auto code = std::visit(binder{statement.handle, place}, parameter);
        code != SQLITE_OK) {
      return code;
    }
  }
  return SQLITE_OK;
}

/// Returns a statement to the cache, also when the row callback throws.
class lent {
public:
  lent(sqlite_statements& from, sqlite_statement& statement) : from_{from}, statement_{statement} {}

  lent(const lent&) = delete;
  lent& operator=(const lent&) = delete;

  ~lent() { from_.give_back(statement_); }

private:
  sqlite_statements& from_;
  sqlite_statement& statement_;
};

} // namespace

namespace {

/// Whether a checkpoint's result is acceptable: if it was busy or the disk was full, all commits
/// stay in the WAL until a later attempt.
bool is_left_in_wal(sqlite3* connection, int code) {
  const auto fault = fault_of(connection, code);
  return code == SQLITE_OK || fault == database_fault::busy || fault == database_fault::full;
}

/// Turns off SQLite's memory statistics, before SQLite is first used: they take a process-wide
/// mutex at every allocation (5 % of a worker's time under load).
void configure_sqlite() {
  static const int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  // SQLITE_MISUSE if SQLite runs already: the statistics then stay on, with no other effect.
  (void)code;
}

/// Runs a control statement of the session, preparing it the first time.
/// @return SQLite's result code.
int run_control(sqlite3* connection, const char* sql, sqlite3_stmt*& prepared) {
  auto code = SQLITE_OK;
  if (prepared == nullptr) {
    code = sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  }
  if (code == SQLITE_OK) {
    code = sqlite3_step(prepared);
    sqlite3_reset(prepared);
  }
  return code;
}

} // namespace

sqlite_session::sqlite_session(std::string path, sqlite_options options)
    : files_{std::move(path)}, options_{std::move(options)} {
  auto flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= options_.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  flags |= options_.create && !options_.read_only ? SQLITE_OPEN_CREATE : 0;
  sqlite3* opened = nullptr;
  configure_sqlite();
  const bool is_still = options_.read_only && options_.is_still;
  flags |= is_still ? SQLITE_OPEN_URI : 0;
  const auto code = sqlite3_open_v2(
      (is_still ? still_file_uri(files_.database()) : files_.database()).c_str(),
      &opened,
      flags,
      options_.vfs.empty() ? nullptr : options_.vfs.c_str());
  connection_.reset(opened);
  if (code != SQLITE_OK) {
    throw sqlite_failure(opened, code, "opening " + files_.database());
  }
  // A pool of 256 KiB per connection for small allocations.
  (void)sqlite3_db_config(opened, SQLITE_DBCONFIG_LOOKASIDE, nullptr, 512, 512);
  statements_ = std::make_unique<sqlite_statements>(opened, options_.statements_max);
  checkpoints_ = std::make_unique<checkpoints>(opened, options_);
}

sqlite_session::~sqlite_session() {
  rollback();
  for (auto* statement : controls_) {
    sqlite3_finalize(statement);
  }
  statements_.reset();
}

void sqlite_session::begin() {
  require_usable("BEGIN");
  if (savepoints_) {
    throw database_error{database_fault::other, "begin() inside a transaction"};
  }
  do_control(control::begin);
  savepoints_ = 0;
}

void sqlite_session::commit() {
  // Commits to files that were moved, deleted or replaced would be lost.
  const auto require_none = [this](const std::string& trouble) {
    if (!trouble.empty()) {
      stop(trouble);
      throw database_error{database_fault::io, trouble};
    }
  };
  if (!savepoints_) {
    throw database_error{database_fault::other, "commit() outside a transaction"};
  }
  try {
    require_usable("COMMIT");
    require_none(files_.main_trouble(connection_.get()));
    do_control(control::commit);
  } catch (const database_error&) {
    rollback();
    throw;
  }
  savepoints_.reset();
  require_none(files_.wal_trouble(connection_.get()));
}

void sqlite_session::rollback() noexcept {
  if (!savepoints_) {
    return;
  }
  savepoints_.reset();
  // After some errors (full, io) SQLite has rolled back already.
  if (sqlite3_get_autocommit(connection_.get()) == 0) {
    constexpr auto index = static_cast<std::size_t>(control::rollback);
    const statement_guard::exemption own{guard_};
    run_control(connection_.get(), control_sql[index], controls_[index]);
    spent_ = spent_ || sqlite3_get_autocommit(connection_.get()) == 0;
  }
}

void sqlite_session::savepoint() {
  require_usable("SAVEPOINT");
  if (!savepoints_) {
    throw database_error{database_fault::other, "savepoint() outside a transaction"};
  }
  do_control(control::savepoint);
  ++*savepoints_;
}

void sqlite_session::release() {
  require_usable("RELEASE");
  if (savepoints_.value_or(0) == 0) {
    throw database_error{database_fault::other, "release() without a savepoint"};
  }
  do_control(control::release);
  --*savepoints_;
}

void sqlite_session::rollback_to_savepoint() {
  require_usable("ROLLBACK TO");
  if (savepoints_.value_or(0) == 0) {
    throw database_error{database_fault::other, "rollback_to_savepoint() without a savepoint"};
  }
  do_control(control::rollback_to);
  do_control(control::release);
  --*savepoints_;
}

std::int64_t
sqlite_session::run(std::string_view sql, std::span<const value> parameters, row_visitor visit) {
  require_usable(sql);
  auto& statement = statements_->borrow(sql);
  const lent returned{*statements_, statement};
  auto code = bind_all(statement, parameters);
  if (code != SQLITE_OK) {
    fail(code, sql);
  }
  code = sqlite3_step(statement.handle);
  if (code == SQLITE_ROW) {
    const sqlite_row current{statement.handle};
    bool wanted = true;
    // A statement that changes rows and returns some must run to its end.
    const bool may_stop = sqlite3_stmt_readonly(statement.handle) != 0;
    while (code == SQLITE_ROW) {
      wanted = wanted && visit(current);
      if (!wanted && may_stop) {
        return 0;
      }
      code = sqlite3_step(statement.handle);
    }
  }
  if (code != SQLITE_DONE) {
    fail(code, sql);
  }
  return statement.counts_changes ? sqlite3_changes64(connection_.get()) : 0;
}

void sqlite_session::script(std::string_view sql) {
  const std::string text{sql};
  const char* rest = text.c_str();
  while (rest != nullptr && *rest != '\0') {
    require_usable(sql);
    sqlite_statement statement;
    const char* start = rest;
    const auto code = sqlite3_prepare_v3(connection_.get(), start, -1, 0, &statement.handle, &rest);
    const std::string_view piece{start, static_cast<std::size_t>(rest - start)};
    if (code != SQLITE_OK) {
      fail(code, start);
    }
    if (statement.handle == nullptr) {
      continue; // A comment, or the end of the script.
    }
    if (sqlite3_bind_parameter_count(statement.handle) != 0) {
      throw database_error{
          database_fault::schema, fmt::format("a script takes no parameters (in: {})", piece)};
    }
    auto step = SQLITE_ROW;
    while (step == SQLITE_ROW) {
      step = sqlite3_step(statement.handle);
    }
    if (step != SQLITE_DONE) {
      fail(step, piece);
    }
  }
}

std::int64_t sqlite_session::changes() const {
  return sqlite3_total_changes64(connection_.get());
}

std::optional<std::uint64_t> sqlite_session::version() const {
  unsigned int version = 0;
  sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_DATA_VERSION, &version);
  return version;
}

bool sqlite_session::has_table(std::string_view name) {
  return integer_of("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1", name)
      .has_value();
}

std::int64_t sqlite_session::checkpoint_due() const {
  const bool may = !options_.read_only && !savepoints_ && !spent_;
  return may && checkpoints_->is_due() ? checkpoints_->pages() : 0;
}

void sqlite_session::checkpoint() {
  if (checkpoint_due() == 0) {
    return;
  }
  if (const int code = checkpoints_->run(); !is_left_in_wal(connection_.get(), code)) {
    fail(code, "checkpoint");
  }
}

void sqlite_session::checkpoint_all() {
  if (options_.read_only || savepoints_ || spent_) {
    return;
  }
  if (const int code = checkpoints_->run_all(); !is_left_in_wal(connection_.get(), code)) {
    fail(code, "checkpoint");
  }
}

void sqlite_session::require_usable(std::string_view sql) const {
  if (spent_) {
    throw database_error{
        database_fault::io,
        fmt::format("{}: the session is spent, open a new one", files_.database())};
  }
  if (savepoints_ && sqlite3_get_autocommit(connection_.get()) != 0) {
    throw database_error{
        database_fault::other,
        fmt::format(
            "an earlier error has undone the transaction: roll it back (before: {})",
            sql.substr(0, 100))};
  }
}

void sqlite_session::do_control(control which) {
  const auto index = static_cast<std::size_t>(which);
  const statement_guard::exemption own{guard_};
  const auto code = run_control(connection_.get(), control_sql[index], controls_[index]);
  if (code != SQLITE_DONE) {
    fail(code, control_sql[index]);
  }
}

void sqlite_session::fail(int code, std::string_view sql) {
  auto found = sqlite_failure(connection_.get(), code, sql);
  if (found.kind == database_fault::fsync) {
    // A second fsync would report success: the kernel reports a lost write once and drops the page
    // (PostgreSQL found this in 2018).
    stop(fmt::format("{}: the disk did not confirm: {}", files_.database(), found.what()));
  }
  throw found;
}

/// Prevents further commits: tells the owner, or ends the process.
void sqlite_session::stop(const std::string& message) {
  spent_ = true;
  if (options_.on_fatal) {
    return options_.on_fatal(message);
  }
  line_output{STDERR_FILENO}.write(fmt::format("{}; stopping at once\n", message));
  std::_Exit(io_error_status);
}

} // namespace troupe::store
