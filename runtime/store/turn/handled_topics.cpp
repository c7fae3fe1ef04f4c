#include "runtime/store/turn/handled_topics.hpp"

namespace troupe::store {

namespace {

/// Adds a condition: whether the rows of a process count for process $1. They do while it is not
/// fenced, and if it was started later: its first number is higher.
std::string if_counted(std::string text) {
  return text.append(
      "(incarnation IN (SELECT incarnation FROM writers WHERE fenced = 0) OR COALESCE("
      "(SELECT MIN(id) FROM writers WHERE writers.incarnation = handled_topics.incarnation), 0) >"
      " (SELECT MIN(id) FROM writers WHERE writers.incarnation = $1))");
}

} // namespace

void handled_topics::set(const uuid& incarnation, const std::vector<std::string>& patterns) {
  session_.execute(
      if_counted("DELETE FROM handled_topics WHERE incarnation = $1 OR NOT "), incarnation);
  for (const std::string& each : patterns) {
    session_.execute(
        "INSERT INTO handled_topics (incarnation, pattern) VALUES ($1, $2)"
        " ON CONFLICT (incarnation, pattern) DO NOTHING",
        incarnation,
        each);
  }
}

std::vector<std::string> handled_topics::of_others(const uuid& incarnation) {
  std::vector<std::string> found;
  auto take = [&](const row& row) { found.emplace_back(row.text(0)); };
  session_.query(
      if_counted("SELECT DISTINCT pattern FROM handled_topics WHERE incarnation <> $1 AND "),
      take,
      incarnation);
  return found;
}

} // namespace troupe::store
