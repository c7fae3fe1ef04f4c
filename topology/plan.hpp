#pragma once

#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/ids.hpp"
#include "runtime/supervision/breaker_options.hpp"
#include "runtime/supervision/supervision_options.hpp"
#include "runtime/transport/transport_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::topology {

struct broker_plan {
  std::string name;
  /// "tcp://127.0.0.1:5550".
  std::string listen;
  file_position at;
};

struct node_plan {
  node_name name;
  /// "here" is the machine the file is used on.
  std::string host;
  file_position at;
};

/// Work outside the system that a group may have under way.
struct effect_options {
  /// Effects of one group run at once, each on a thread. 1 to 256.
  int threads = 4;
  /// Effects committed and not yet finished beyond which commands with effects are `overloaded`.
  int queue = 10'000;
};

/// Where in the journal a capability begins that is new to it.
struct subscribe_start {
  enum class place : std::uint8_t { newest, oldest, time };

  place from = place::newest;
  /// The first event from then on, if `from` is `time`.
  wall_time time{};
};

/// How long the events of some topics are kept: until either limit is reached.
struct retention_rule {
  /// A topic, `PREFIX.*` or `*`.
  std::string pattern = "*";
  /// 1 min to 3,650 d.
  std::chrono::milliseconds keep{7LL * 24 * 3'600 * 1'000};
  /// Of bodies, for each topic by itself. 1 MiB to 1 TiB.
  std::uint64_t bytes_max = 1ULL << 30U;
  /// Whether that holds also for what a subscribed capability still needs.
  bool drop_unread = false;
};

/// The journal of events: who keeps it, where, for how long.
struct events_plan {
  /// The one of the brokers.
  std::string broker;
  /// "sqlite:examples/shop/data/journal.db", made from the file's as `capability_plan::store` is.
  std::string journal;
  /// The first whose pattern matches a topic holds for it.
  std::vector<retention_rule> rules;
  /// Holds for all other topics.
  retention_rule otherwise;

  const retention_rule& rule_for(std::string_view topic) const;
};

/// One business capability: what runs it, where, how often and under which policies.
struct capability_plan {
  capability_name name;
  /// The registered actor type.
  std::string actor;
  /// Over all its nodes together; node i of n gets every n-th one. At least one on each node, which
  /// is also what a topology that does not say gets.
  int replicas = 1;
  std::vector<node_name> nodes;
  /// "sqlite:examples/shop/data/orders.db": the capability's name is filled in, and a relative path
  /// is joined to the folder of the file, so that it can be opened as it stands. Absent if the
  /// topology says `store: none`.
  std::optional<std::string> store;
  supervision::options supervision;
  supervision::breaker_options breaker;
  supervision::bulkhead_options bulkhead;
  effect_options effects;
  /// The topics whose events it gets: names, `PREFIX.*` or `*`, each once.
  std::vector<std::string> subscribes;
  /// Only for a journal that does not know it yet.
  subscribe_start subscribe_from;
  supervision::retry_options retry;
  /// A handler or turn that runs longer ends the process. 100 ms to 10 min.
  std::chrono::milliseconds turn_limit{10'000};
  /// How long answers are remembered, and the age beyond which an id is refused. 1 h to 90 d.
  std::chrono::hours inbox_kept{7 * 24};
  /// Handed to the actor.
  config_tree config;
  file_position at;

  bool runs_on(const node_name& node) const;
  /// The numbers of the replicas `node` runs.
  std::vector<int> replicas_on(const node_name& node) const;
};

/// A checked topology: what the system is.
struct plan {
  std::string name;
  /// The file it was read from, and the folder relative paths start at.
  std::string file;
  std::string folder;
  /// Of the file's bytes. Nodes that log in with another digest are refused.
  std::uint64_t digest = 0;
  transport::heartbeat_options heartbeat;
  /// Largest body of a message, in bytes. 1 KiB to 64 MiB.
  std::uint64_t body_bytes_max = 1U << 20U;
  /// What the queues of one node may need at most, in bytes; see `queue_bytes_max`. The default
  /// lets seven capabilities with default bulkheads and bodies pass.
  std::uint64_t memory_max = 8ULL << 30U;
  std::vector<broker_plan> brokers;
  std::vector<node_plan> nodes;
  std::vector<capability_plan> capabilities;
  events_plan events;

  const capability_plan* find(const capability_name& capability) const;
  const node_plan* find(const node_name& node) const;
};

/// The bytes of bodies a broker holds for `capability` when everything is full.
///
/// Counted are the calls that wait (`bulkhead.queue`) and the calls its workers hold
/// (`bulkhead.in_flight` on each of its nodes), which the broker keeps until they are answered, so
/// that it can hand them to another replica; each with a body as large as allowed. That is a bound
/// and no forecast: a queue that has room for a message must be able to take it. A worker holds
/// only its `in_flight`, hence never more than the broker. Headers, journals and databases are not
/// counted: the first are small, the others on disk. Nor are events: the journal has them.
std::uint64_t queue_bytes_max(const capability_plan& capability, std::uint64_t body_bytes_max);

} // namespace troupe::topology
