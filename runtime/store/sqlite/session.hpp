#pragma once

#include "runtime/store/database.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/sqlite/statements.hpp"

#include <array>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <string_view>

namespace troupe::store {

struct close_sqlite {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};

/// A session over one SQLite connection. Made by open_sqlite(), whose steps it offers.
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

  bool in_transaction() const override { return begun_; }

  std::int64_t
  run(std::string_view sql, std::span<const value> parameters, row_visitor visit) override;
  void script(std::string_view sql) override;
  void checkpoint() override;

  std::int64_t changes() const override;
  std::uint64_t version() const override;

  uuid instance() const override { return instance_; }

  /// The pragmas that need no writing, verified; then WAL mode, verified.
  void set_up();
  void enter_wal_mode();

  /// Reads the file through. Throws database_error (corrupt) with what was found.
  void check_pages();

  void set_instance(const uuid& id) { instance_ = id; }

private:
  enum class control { begin, commit, rollback, savepoint, release, rollback_to, count };

  /// Throws if statements may not run now.
  void require_usable(std::string_view sql) const;
  /// Runs one of our own control statements and returns its result code.
  int run_control(control which);
  void do_control(control which);
  /// Throws the error for `code`; for an fsync error, tells the owner first.
  [[noreturn]] void fail(int code, std::string_view sql);
  void require_same_file();
  void stop(const std::string& message);
  void bind(sqlite_statement& statement, std::span<const value> parameters);
  void set_pragma(const char* name, const std::string& to, const std::string& expected);
  void configure();
  static int authorize(
      void* self, int action, const char* first, const char*, const char*, const char*) noexcept;
  static int after_commit(void* self, sqlite3*, const char*, int pages) noexcept;

  std::string path_;
  sqlite_options options_;
  std::unique_ptr<sqlite3, close_sqlite> connection_;
  std::unique_ptr<sqlite_statements> statements_;
  std::array<sqlite3_stmt*, static_cast<std::size_t>(control::count)> controls_{};
  uuid instance_{};
  /// True while the session itself runs what the authorizer refuses to others.
  bool own_statement_ = false;
  bool begun_ = false;
  bool spent_ = false;
  int savepoints_ = 0;
  int wal_pages_ = 0;
  int next_checkpoint_ = 0;
};

} // namespace troupe::store
