#pragma once

#include "runtime/client/client_options.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <vector>

namespace troupe::shop {

/// The brokers that a client of the shop uses, and its keys, as given on the command line.
struct broker_links {
  /// "tcp://HOST:PORT" each; with keys "NAME=tcp://HOST:PORT".
  std::vector<std::string> brokers;
  /// The folder of keys; empty: links have none.
  std::string keys;
  /// The owner of the key to use.
  std::string as;
};

/// The options of a client that uses these links.
/// @param name of the client, shown in the brokers' status; with keys, it is the owner of its key.
/// @errors `invalid`: a broker without a name, though there are keys; those of key_ring::open.
outcome<client::options> options_of(const broker_links& given, const std::string& name);

} // namespace troupe::shop
