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
  /// The last line of its log, where that can be read here; else empty.
  std::string last_words{};
};

/// The answer of a node about itself, or why there is none.
struct node_view {
  std::string name;
  std::string host;
  outcome<wire::node_status> said;
  /// The last words, as of a broker.
  std::string last_words{};
};

/// The matters that wait for a person, as one node sees them.
struct waiting_view {
  std::string capability;
  std::string node;
  std::uint64_t sagas = 0;
  std::uint64_t effects = 0;
  /// There are more than the node named.
  bool has_more_sagas = false;
  bool has_more_effects = false;
  /// The part of the sagas that need a person: they run, each on one node, and fail.
  std::uint64_t need_person = 0;
  /// Why the first of these fails, and which effects of it stand.
  std::string need{};
  /// One of these goes forward, so that it may be able to turn back.
  bool may_turn_back = false;
};

/// The sagas that wait for a person, of those that a node named.
waiting_view waiting_in(const wire::standing_sagas& said);

struct capability_view {
  std::string name;
  std::vector<std::string> nodes;
};

/// Everything that `troupe status` was told about a system.
struct system_view {
  std::string name;
  /// The topology, as the person wrote it.
  std::string file;
  /// The digest of what it says.
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
  /// The broker that keeps the journal (empty: none of those that share it), and what it said of
  /// it.
  std::string journal_broker;
  /// Where brokers share it: what the one that has it, or else any of them, knows of that.
  std::optional<wire::journal_seat> journal;
  outcome<wire::topics_state> events;
};

/// A node as some broker that answered knows it; null if none does.
const wire::known_node* known_node(const system_view& all, const std::string& name);

/// "live", "away" or "unknown": what the brokers say of a node; "silent" if it is live and does not
/// answer itself.
std::string_view presence_of(const system_view& all, const std::string& name);

/// A capability as `node` runs it; null if that did not say.
const wire::group_status* group_of(const node_view& node, const std::string& capability);

/// The brokers at which a gateway is logged in; nothing if no broker says so.
std::optional<std::vector<std::string>>
brokers_of_gateway(const system_view& all, const std::string& name);

const node_view* find_node(const system_view& all, const std::string& name);

/// The last line of a broker's log that has this name and fields that fit, and how long ago; null
/// if there is none.
const wire::recent_event* last_logged(
    const system_view& all,
    std::string_view name,
    const std::function<bool(const std::map<std::string, std::string>&)>& fits = {});

/// The subscriber; null if `capability` is none, or the journal did not answer.
const wire::group_state* subscriber_of(const system_view& all, const std::string& capability);

} // namespace troupe
