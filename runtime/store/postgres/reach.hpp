#pragma once

#include "runtime/store/postgres/address_book.hpp"

#include <cstddef>
#include <libpq-fe.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::store {

struct finish_connection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

/// Why one address, or one host whose address is unknown, refused this session.
struct failed_attempt {
  std::string said;
  /// The server wanted a password and got none.
  bool wants_password = false;
  /// The server was given a password.
  bool had_password = false;
  /// Attempts with one number went to one machine: to the addresses of its name, one of each
  /// family.
  std::size_t machine = 0;
};

/// A connection to a server, or the reasons why there is none.
struct reached_server {
  std::unique_ptr<PGconn, finish_connection> connection;
  /// All failed attempts; empty if there is a connection.
  std::vector<failed_attempt> failures{};
};

/// Connects to the first of several servers that accepts this session, in the order of `to`. Each
/// has a head start of 100 ms before the next one: a dead host, whose addresses do not answer,
/// costs these 100 ms and not `connect_timeout`. That is the time each address has, and the name
/// servers for all lookups.
///
/// @param to libpq's parameters by keyword, with lists of hosts, addresses and ports.
/// @source RFC 8305, section 5; PostgreSQL documentation, libpq, "Connection Strings" and
/// PQconnectPoll, which leaves the timeout to its caller.
reached_server
reach_server(const std::map<std::string, std::string, std::less<>>& to, address_book& addresses);

/// What libpq says of several servers in one text, by server.
std::vector<failed_attempt> attempts_in(const std::string& said);

} // namespace troupe::store
