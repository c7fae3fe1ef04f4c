#pragma once

#include <libpq-fe.h>
#include <map>
#include <memory>
#include <string>

namespace troupe::store {

struct finish_connection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

/// A connection to a server, or the last one of those that could not be made.
struct reached_server {
  /// Null: out of memory.
  std::unique_ptr<PGconn, finish_connection> connection;
  /// Why there is none, for each address that was tried; empty if there is one.
  std::string why_not;
};

/// Connects to the first of several servers that lets this session in, in the order of `to`, of
/// which each has a head start of 100 ms before the next one: a host that is gone, whose addresses
/// answer nothing, costs that and not `connect_timeout`, which is the time that each address has.
///
/// @param to libpq's parameters by keyword, with lists of hosts, addresses and ports.
/// @source RFC 8305, section 5; PostgreSQL documentation, libpq, "Connection Strings" and
/// PQconnectPoll, which leaves the time out to its caller.
reached_server reach_server(const std::map<std::string, std::string, std::less<>>& to);

} // namespace troupe::store
