#pragma once

#include <cstddef>
#include <libpq-fe.h>
#include <map>
#include <string>
#include <vector>

namespace troupe::store {

/// What a database's URL says, by libpq's keywords.
using postgres_route = std::map<std::string, std::string, std::less<>>;

/// The hosts on which a database may be, in the order in which they are tried: that of the URL, but
/// the host whose connection was lost comes last. A primary that was cut off and is not demoted yet
/// still accepts writes, which no standby confirms: a search from the beginning of the URL would
/// find it each time, instead of the promoted one.
class postgres_hosts {
public:
  /// @param first the host that is tried first, counted from 0, and over again.
  explicit postgres_hosts(postgres_route to, std::size_t first = 0);

  /// The route with the hosts in the current order.
  postgres_route route() const;

  /// Notes the host that a connection has found; the next connection starts with the one after it.
  void found(const PGconn* connection);

private:
  postgres_route to_;
  /// The values that belong to one host each, by keyword: `host`, `hostaddr`, `port`.
  std::map<std::string, std::vector<std::string>, std::less<>> lists_;
  std::size_t hosts_ = 1;
  std::size_t first_ = 0;
};

} // namespace troupe::store
