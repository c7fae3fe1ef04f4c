#pragma once

#include "runtime/broker/calls/router_options.hpp"
#include "runtime/outcome.hpp"
#include "runtime/security/rules.hpp"
#include "runtime/transport/curve_keys.hpp"
#include "runtime/transport/transport_options.hpp"
#include "runtime/wire/description.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

struct server_options {
  /// The broker's name in the topology.
  std::string name;
  /// The id of this process, new at each start.
  uuid incarnation;
  transport::heartbeat_options heartbeat;
  std::uint64_t body_bytes_max = 1U << 20U;
  /// The time for running calls once a drain is requested. 0 to 1 min.
  milliseconds drain_max{5'000};
  /// The time between two pings to a worker.
  milliseconds ping_interval{20};
  router_options router;
  /// The process's limit of open files, for messages to people.
  std::uint64_t open_files_max = 0;
  /// The broker that keeps the journal of events, if it is another one; for messages.
  std::string journal_keeper;
  /// The gateways of the topology: `status` tells which are logged in.
  std::vector<std::string> gateways{};
  /// The answer of `describe`: the topology's name, and its capabilities as the broker's program
  /// knows them.
  std::string system{};
  std::vector<wire::capability_description> described{};
  /// Whether links have keys: a worker then has the name of its key's owner.
  bool has_keys = false;
  /// Connections that were not let in for their key, if links have some. Called on the loop.
  std::function<std::uint64_t()> keys_refused{};
  /// The rules of rights; null: every peer that reaches this broker may do everything.
  std::shared_ptr<const security::rules> rules{};
  /// Checks the token of a peer that logs in with a key, and returns how long it is valid; absent:
  /// no token is required. Called on the loop.
  /// @param user the owner of the key. @errors `unauthenticated`, in words for the peer.
  std::function<outcome<milliseconds>(
      std::string_view token, std::string_view user, const transport::curve_public_key& key)>
      check_token{};
};

} // namespace troupe::broker
