#pragma once

#include <sqlite3.h>

namespace troupe::store {

/// Refuses the statements that only a session itself may run: transactions, savepoints, attached
/// files and pragmas that change the connection. Installed as the authorizer of one connection,
/// which asks it while a statement is prepared. Lives as long as that connection, on its thread.
class statement_guard {
public:
  statement_guard() = default;
  statement_guard(const statement_guard&) = delete;
  statement_guard& operator=(const statement_guard&) = delete;
  ~statement_guard() = default;

  /// @return SQLite's result code.
  int install(sqlite3* connection);

  /// While one of these lives, the session may prepare anything.
  class exemption {
  public:
    explicit exemption(statement_guard& from) : guard_{from}, before_{from.is_exempt_} {
      guard_.is_exempt_ = true;
    }

    exemption(const exemption&) = delete;
    exemption& operator=(const exemption&) = delete;

    ~exemption() { guard_.is_exempt_ = before_; }

  private:
    statement_guard& guard_;
    bool before_;
  };

private:
  static int authorize(
      void* self, int action, const char* first, const char*, const char*, const char*) noexcept;

  bool is_exempt_ = false;
};

} // namespace troupe::store
