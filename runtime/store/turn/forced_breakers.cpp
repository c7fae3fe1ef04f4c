#include "runtime/store/turn/forced_breakers.hpp"

#include "runtime/time_text.hpp"

namespace troupe::store {

std::optional<forced_breaker> forced_breakers::on(std::string_view node) {
  std::optional<forced_breaker> found;
  auto take = [&](const row& row) {
    found = forced_breaker{
        std::string{row.text(0)},
        std::string{row.text(1)},
        std::string{row.text(2)},
        row.id(3),
        wall_time{milliseconds{row.integer(4)}}};
  };
  // The row for all nodes has the empty name, which sorts first.
  session_.query(
      "SELECT mode, who, why, request, since FROM forced_breakers WHERE node IN ('', $1) "
      "ORDER BY node",
      take,
      node);
  return found;
}

void forced_breakers::set(std::string_view node, const forced_breaker& said) {
  if (node.empty()) {
    session_.execute("DELETE FROM forced_breakers");
  } else {
    session_.execute("DELETE FROM forced_breakers WHERE node = $1", node);
  }
  session_.execute(
      "INSERT INTO forced_breakers (node, mode, who, why, request, since) "
      "VALUES ($1, $2, $3, $4, $5, $6)",
      node,
      said.mode,
      said.who,
      said.why,
      said.request,
      unix_millis(said.since));
}

} // namespace troupe::store
