#include "runtime/store/turn/handled_topics.hpp"

namespace troupe::store {

void handled_topics::set(const uuid& incarnation, const std::vector<std::string>& patterns) {
  session_.execute(
      "DELETE FROM handled_topics WHERE incarnation = $1 OR incarnation NOT IN"
      " (SELECT incarnation FROM writers WHERE fenced = 0)",
      incarnation);
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
      "SELECT DISTINCT pattern FROM handled_topics WHERE incarnation <> $1 AND incarnation IN"
      " (SELECT incarnation FROM writers WHERE fenced = 0)",
      take,
      incarnation);
  return found;
}

} // namespace troupe::store
