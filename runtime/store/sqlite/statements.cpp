#include "runtime/store/sqlite/statements.hpp"

#include "runtime/store/sqlite/error.hpp"
#include "runtime/store/sqlite/placeholders.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <utility>

namespace troupe::store {

namespace {

/// Whether a statement changes rows, rather than tables; each such statement starts with one of
/// these words.
bool changes_rows(std::string_view sql) {
  const auto start = sql.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) {
    return false;
  }
  std::string word;
  for (const auto c : sql.substr(start, 8)) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) {
      break;
    }
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word == "insert" || word == "update" || word == "delete" || word == "replace"
         || word == "with";
}

} // namespace

void sqlite_statements::give_back(sqlite_statement& statement) noexcept {
  // The result repeats the error of the last step, which has been reported.
  sqlite3_reset(statement.handle);
  statement.running = false;
  if (!nested_.empty()) {
    nested_.erase(&statement);
  }
}

sqlite_statement& sqlite_statements::borrow_slowly(std::string_view sql) {
  auto found = kept_.find(sql);
  if (found != kept_.end() && found->second->running) {
    auto nested = prepare(sql);
    auto& statement = *nested;
    nested_.emplace(&statement, std::move(nested));
    statement.running = true;
    return statement;
  }
  if (found == kept_.end()) {
    auto statement = prepare(sql);
    if (kept_.size() >= kept_max_) {
      drop_oldest();
    }
    const std::string_view text = statement->sql;
    found = kept_.emplace(text, std::move(statement)).first;
  }
  auto& statement = *found->second;
  hints_[hint_of(sql)] = &statement;
  statement.running = true;
  statement.last_used = ++uses_;
  return statement;
}

std::unique_ptr<sqlite_statement> sqlite_statements::prepare(std::string_view sql) const {
  auto statement = std::make_unique<sqlite_statement>();
  std::string rewritten{sql};
  statement->parameters = rewrite_placeholders(rewritten);
  const char* tail = nullptr;
  const auto code = sqlite3_prepare_v3(
      connection_,
      rewritten.c_str(),
      static_cast<int>(rewritten.size() + 1),
      SQLITE_PREPARE_PERSISTENT,
      &statement->handle,
      &tail);
  if (code != SQLITE_OK) {
    throw sqlite_failure(connection_, code, sql);
  }
  // Only comments and semicolons may follow; SQLite's parser decides.
  while (tail != nullptr && *tail != '\0') {
    sqlite3_stmt* second = nullptr;
    const char* start = tail;
    const auto again = sqlite3_prepare_v3(connection_, start, -1, 0, &second, &tail);
    sqlite3_finalize(second);
    if (again != SQLITE_OK || second != nullptr) {
      throw database_error{
          database_fault::schema, fmt::format("more than one statement (in: {})", sql)};
    }
    if (tail == start) {
      break;
    }
  }
  if (statement->handle == nullptr) {
    throw database_error{database_fault::schema, fmt::format("no statement (in: '{}')", sql)};
  }
  statement->counts_changes = changes_rows(sql);
  statement->sql = sql;
  return statement;
}

void sqlite_statements::drop_oldest() {
  auto oldest = kept_.end();
  for (auto at = kept_.begin(); at != kept_.end(); ++at) {
    if (!at->second->running
        && (oldest == kept_.end() || at->second->last_used < oldest->second->last_used)) {
      oldest = at;
    }
  }
  if (oldest == kept_.end()) {
    // Every cached statement is in use, so none can be dropped: the cache exceeds its limit by one.
    return;
  }
  std::ranges::replace(hints_, oldest->second.get(), static_cast<sqlite_statement*>(nullptr));
  kept_.erase(oldest);
}

} // namespace troupe::store
