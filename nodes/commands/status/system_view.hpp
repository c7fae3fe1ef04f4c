#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/node_calls.hpp"
#include "runtime/wire/status.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The answer of a broker about itself, or why there is none.
struct broker_view {
  std::string name;
  outcome<wire::broker_status> said;
  /// The last line of its log, if that can be read here; else empty.
  std::string last_words{};
};

/// The answer of a node about itself, or why there is none.
struct node_view {
  std::string name;
  std::string host;
  outcome<wire::node_status> said;
  /// As for a broker.
  std::string last_words{};
};

/// The matters waiting for a person, as seen by one node.
struct waiting_view {
  std::string capability;
  std::string node;
  std::uint64_t sagas = 0;
  std::uint64_t effects = 0;
  /// Whether there are more than the node listed.
  bool has_more_sagas = false;
  bool has_more_effects = false;
  /// How many of the sagas need a person: they run, each on one node, and fail.
  std::uint64_t need_person = 0;
  /// Why the first of these fails, and which of its effects are not undone.
  std::string need{};
  /// Whether one of these goes forward, so that it may be able to turn back.
  bool may_turn_back = false;
};

/// The sagas waiting for a person among those that a node listed.
waiting_view waiting_in(const wire::standing_sagas& said);

struct capability_view {
  std::string name;
  std::vector<std::string> nodes;
};

/// Everything that `troupe status` has learnt about a system.
struct system_view {
  std::string name;
  /// The topology, as the user wrote it.
  std::string file;
  /// The digest of the topology's contents.
  std::uint64_t plan = 0;
  std::vector<capability_view> capabilities;
  std::vector<broker_view> brokers;
  std::vector<node_view> nodes;
  std::vector<waiting_view> waiting;
  std::vector<std::string> gateways;
  /// The host of each process that does not run on this machine, as the topology names it.
  std::map<std::string, std::string> hosts{};
  /// The processes that give no answer and run on this machine all the same, with their pids (0:
  /// not known).
  std::map<std::string, std::int64_t> running{};
  /// The broker that keeps the journal, and its answer. Empty if brokers share it and none has it.
  std::string journal_broker;
  /// For a shared journal: what the broker that has it, or else any of them, knows about it.
  std::optional<wire::journal_seat> journal;
  outcome<wire::topics_state> events;
};

/// A node as known to a broker that answered; null if none knows it.
const wire::known_node* known_node(const system_view& all, const std::string& name);

/// "live", "away" or "unknown" according to the brokers; "silent" if it is live and does not answer
/// itself.
std::string_view presence_of(const system_view& all, const std::string& name);

/// A capability on `node`; null if the node did not report it.
const wire::group_status* group_of(const node_view& node, const std::string& capability);

/// The brokers that a gateway is logged in to; nothing if no broker reports that.
std::optional<std::vector<std::string>>
brokers_of_gateway(const system_view& all, const std::string& name);

const node_view* find_node(const system_view& all, const std::string& name);

/// The last line of this name in a broker's log with matching fields, and its age; null if there is
/// none.
const wire::recent_event* last_logged(
    const system_view& all,
    std::string_view name,
    const std::function<bool(const std::map<std::string, std::string>&)>& fits = {});

/// The subscriber; null if `capability` is not one, or the journal did not answer.
const wire::group_state* subscriber_of(const system_view& all, const std::string& capability);

} // namespace troupe
