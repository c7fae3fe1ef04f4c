#pragma once

#include "runtime/store/database.hpp"
#include "runtime/store/sqlite/checkpoints.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/sqlite/database_files.hpp"
#include "runtime/store/sqlite/statement_guard.hpp"
#include "runtime/store/sqlite/statements.hpp"

#include <array>
#include <memory>
#include <optional>
#include <sqlite3.h>
#include <string>
#include <string_view>

namespace troupe::store {

struct close_sqlite {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};

/// A session over one SQLite connection. Made by open_sqlite(); confined to one thread at a time.
class sqlite_session final : public database {
public:
  /// Opens the file and sets the connection up; throws database_error.
  sqlite_session(std::string path, sqlite_options options);
  sqlite_session(const sqlite_session&) = delete;
  sqlite_session& operator=(const sqlite_session&) = delete;
  ~sqlite_session() override;

  void begin() override;
  void commit() override;
  void rollback() noexcept override;
  void savepoint() override;
  void release() override;
  void rollback_to_savepoint() override;

  bool in_transaction() const override { return savepoints_.has_value(); }

  std::int64_t
  run(std::string_view sql, std::span<const value> parameters, row_visitor visit) override;

  affected change(std::string_view sql, std::span<const value> parameters) override {
    return affected{run(sql, parameters, row_visitor{})};
  }

  void script(std::string_view sql) override;
  void checkpoint() override;
  void checkpoint_all() override;
  std::int64_t checkpoint_due() const override;

  std::int64_t changes() const override;
  std::optional<std::uint64_t> version() const override;

  bool has_table(std::string_view name) override;

  uuid instance() const override { return instance_; }

  // For setup.hpp.
  sqlite3* handle() { return connection_.get(); }

  const sqlite_options& options() const { return options_; }

  statement_guard& guard() { return guard_; }

  checkpoints& wal() { return *checkpoints_; }

  void set_instance(const uuid& id) { instance_ = id; }

private:
  enum class control { begin, commit, rollback, savepoint, release, rollback_to, count };

  /// Throws if statements may not run now.
  void require_usable(std::string_view sql) const;
  void do_control(control which);
  /// Throws the error for `code`; for an fsync error, tells the owner first.
  [[noreturn]] void fail(int code, std::string_view sql);
  void stop(const std::string& message);

  database_files files_;
  sqlite_options options_;
  statement_guard guard_; // The connection asks it until it is closed.
  std::unique_ptr<sqlite3, close_sqlite> connection_;
  std::unique_ptr<checkpoints> checkpoints_;
  std::unique_ptr<sqlite_statements> statements_;
  std::array<sqlite3_stmt*, static_cast<std::size_t>(control::count)> controls_{};
  uuid instance_{};
  std::optional<int> savepoints_; // While a transaction is begun.
  bool spent_ = false;
};

} // namespace troupe::store
