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

/// Why one address, or one host whose address nobody tells, did not let this session in.
struct failed_attempt {
  std::string said;
  /// The server wanted a password and got none.
  bool wants_password = false;
  /// The server was given a password.
  bool had_password = false;
  /// Attempts with one number were made at one machine: at the addresses of its name, one of each
  /// family.
  std::size_t machine = 0;
};

/// A connection to a server, or why there is none.
struct reached_server {
  std::unique_ptr<PGconn, finish_connection> connection;
  /// All that was tried in vain; empty if there is a connection.
  std::vector<failed_attempt> failures{};
};

/// Connects to the first of several servers that lets this session in, in the order of `to`, of
/// which each has a head start of 100 ms before the next one: a host that is gone, whose addresses
/// answer nothing, costs that and not `connect_timeout`, which is the time that each address has,
/// and that the servers of names have to tell them all.
///
/// @param to libpq's parameters by keyword, with lists of hosts, addresses and ports.
/// @source RFC 8305, section 5; PostgreSQL documentation, libpq, "Connection Strings" and
/// PQconnectPoll, which leaves the time out to its caller.
reached_server
reach_server(const std::map<std::string, std::string, std::less<>>& to, address_book& addresses);

/// What libpq says of several servers in one text, by server.
std::vector<failed_attempt> attempts_in(const std::string& said);

} // namespace troupe::store
