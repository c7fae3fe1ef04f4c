#pragma once

#include "runtime/store/database.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe::store {

/// A prepared statement and the facts about it that run() needs.
struct sqlite_statement {
  std::string sql;
  sqlite3_stmt* handle = nullptr;
  int parameters = 0;
  /// False for statements such as CREATE, after which SQLite's count of changed rows is stale.
  bool counts_changes = false;
  /// In use: a nested use of the same text needs another statement.
  bool running = false;
  std::uint64_t last_used = 0;

  sqlite_statement() = default;
  sqlite_statement(const sqlite_statement&) = delete;
  sqlite_statement& operator=(const sqlite_statement&) = delete;

  ~sqlite_statement() { sqlite3_finalize(handle); }
};

/// The prepared statements of one connection, by text. The least recently used one is dropped when
/// there are too many. Owned by the session; destroyed before its connection.
class sqlite_statements {
public:
  /// @param connection borrowed. @param kept_max 1 to 10,000.
  sqlite_statements(sqlite3* connection, std::size_t kept_max)
      : connection_{connection}, kept_max_{kept_max} {}

  /// The statement for `sql`, prepared if needed, and reserved for the caller until it is given
  /// back. The text is compared in full, since the caller's buffer may have been reused.
  ///
  /// Throws database_error if `sql` is not a single valid statement.
  sqlite_statement& borrow(std::string_view sql) {
    auto* hint = hints_[hint_of(sql)];
    if (hint != nullptr && hint->sql == sql && !hint->running) {
      hint->running = true;
      hint->last_used = ++uses_;
      return *hint;
    }
    return borrow_slowly(sql);
  }

  void give_back(sqlite_statement& statement) noexcept;

private:
  static constexpr std::size_t hints_count = 256;

  static std::size_t hint_of(std::string_view sql) {
    // A literal has a fixed address, so address and length distinguish nearly all statements.
    auto mixed = reinterpret_cast<std::uintptr_t>(sql.data()) * 0x9e3779b97f4a7c15ULL;
    mixed ^= sql.size() * 0xd6e8feb86659fd93ULL;
    return (mixed >> 40) % hints_count;
  }

  sqlite_statement& borrow_slowly(std::string_view sql);
  std::unique_ptr<sqlite_statement> prepare(std::string_view sql) const;
  void drop_oldest();

  sqlite3* connection_;
  std::size_t kept_max_;
  std::uint64_t uses_ = 0;
  std::array<sqlite_statement*, hints_count> hints_{};
  std::unordered_map<std::string_view, std::unique_ptr<sqlite_statement>> kept_;
  /// Second statements for a text already in use; rare, and not kept.
  std::unordered_map<sqlite_statement*, std::unique_ptr<sqlite_statement>> nested_;
};

} // namespace troupe::store
