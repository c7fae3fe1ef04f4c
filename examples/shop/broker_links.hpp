#pragma once

#include "runtime/client/client_options.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <vector>

namespace troupe::shop {

/// The brokers that a client of the shop reaches, and its keys, as its command line says them.
struct broker_links {
  /// "tcp://HOST:PORT" each; with keys "NAME=tcp://HOST:PORT".
  std::vector<std::string> brokers;
  /// The folder of keys; empty: links have none.
  std::string keys;
  /// The owner of the key that is used.
  std::string as;
};

/// The options of a client that reaches them.
/// @param name of the client, for the brokers' status; with keys that is the owner of its key.
/// @errors `invalid`: a broker without a name, where there are keys; those of key_ring::open.
outcome<client::options> options_of(const broker_links& given, const std::string& name);

} // namespace troupe::shop
