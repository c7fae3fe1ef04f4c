#include "runtime/store/sqlite/statement_guard.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace troupe::store {

namespace {

/// Pragmas that only read.
constexpr std::array<std::string_view, 11> pragmas_allowed{
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "index_info",
    "index_list",
    "integrity_check",
    "page_count",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo"};

} // namespace

int statement_guard::install(sqlite3* connection) {
  return sqlite3_set_authorizer(connection, &authorize, this);
}

int statement_guard::authorize(
    void* self, int action, const char* first, const char*, const char*, const char*) noexcept {
  if (static_cast<statement_guard*>(self)->is_exempt_) {
    return SQLITE_OK;
  }
  switch (action) {
  case SQLITE_TRANSACTION:
  case SQLITE_SAVEPOINT:
  case SQLITE_ATTACH:
  case SQLITE_DETACH:
    return SQLITE_DENY;
  case SQLITE_PRAGMA: {
    const std::string_view name = first == nullptr ? "" : first;
    const bool allowed = std::ranges::any_of(pragmas_allowed, [name](std::string_view one) {
      return sqlite3_strnicmp(one.data(), name.data(), static_cast<int>(one.size())) == 0
             && one.size() == name.size();
    });
    return allowed ? SQLITE_OK : SQLITE_DENY;
  }
  default:
    return SQLITE_OK;
  }
}

} // namespace troupe::store
