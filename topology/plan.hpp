#pragma once

#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/ids.hpp"
#include "runtime/range.hpp"
#include "runtime/supervision/breaker_options.hpp"
#include "runtime/supervision/supervision_options.hpp"
#include "runtime/transport/transport_options.hpp"
#include "topology/gateway_plan.hpp"
#include "topology/security.hpp"
#include "topology/strangler_plan.hpp"
#include "topology/traces.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::topology {

struct broker_plan {
  std::string name;
  /// Such as "tcp://127.0.0.1:5550".
  std::string listen;
  /// The endpoint where clients without keys connect, if links have keys: on loopback; empty for
  /// none.
  std::string open{};
  /// As of a node.
  std::string host = "here";
  /// The address of its health and metrics over HTTP: "127.0.0.1:9101"; empty for none.
  std::string admin{};
  file_position at;
};

struct node_plan {
  node_name name;
  /// "here" is the machine the file is used on, also if the file says `localhost`.
  std::string host;
  /// As of a broker.
  std::string admin{};
  file_position at;
};

/// The limits of effects (work outside the system): how many a group may have under way, and how
/// long each may take.
struct effect_options {
  /// Effects of one group that run at once, each on a thread.
  int threads = 4;
  /// Effects that are committed and not yet finished. With more of them, commands with effects are
  /// refused as `overloaded`.
  int queue = 10'000;
  /// A try that takes longer counts as failed for the breaker.
  std::chrono::milliseconds limit{10'000};

  static constexpr range<int> threads_range{1, 256};
  static constexpr range<int> queue_range{1, 1'000'000};
  static constexpr range<std::chrono::milliseconds> limit_range{
      std::chrono::milliseconds{10}, std::chrono::hours{1}};
};

/// The policies of running and supervising a capability: the keys that `defaults` and each
/// capability share.
struct policies {
  supervision::options supervision;
  supervision::breaker_options breaker;
  supervision::bulkhead_options bulkhead;
  effect_options effects;
  supervision::retry_options retry;
  /// A handler or turn that runs longer ends the process.
  std::chrono::milliseconds turn_limit{10'000};
  /// The time for which answers to calls are remembered: an older id may be refused.
  std::chrono::hours inbox_kept{7 * 24};
  /// The time for which sagas that are over, and the answers to their commands, are kept.
  std::chrono::hours sagas_kept{90 * 24};

  static constexpr range<std::chrono::milliseconds> turn_limit_range{
      std::chrono::milliseconds{100}, std::chrono::minutes{10}};
  static constexpr range<std::chrono::hours> inbox_kept_range{
      std::chrono::hours{1}, std::chrono::hours{90 * 24}};
  static constexpr range<std::chrono::hours> sagas_kept_range{
      std::chrono::hours{24}, std::chrono::hours{3'650 * 24}};
};

/// The position in the journal where a capability begins that the journal does not know yet.
struct subscribe_start {
  enum class place : std::uint8_t { newest, oldest, time };

  place from = place::newest;
  /// The first event from then on, if `from` is `time`.
  wall_time time{};
};

/// The limits of the events of some topics, which are kept until either is reached.
struct retention_rule {
  /// A topic, `PREFIX.*` or `*`.
  std::string pattern = "*";
  std::chrono::milliseconds keep{7LL * 24 * 3'600 * 1'000};
  /// Bytes of bodies, counted for each topic by itself.
  std::uint64_t bytes_max = 1ULL << 30U;
  /// Whether the limits also drop events that a subscribed capability still needs.
  bool drop_unread = false;

  static constexpr range<std::chrono::milliseconds> keep_range{
      std::chrono::minutes{1}, std::chrono::hours{3'650 * 24}};
  /// 1 MiB to 1 TiB.
  static constexpr range<std::uint64_t> bytes_range{1ULL << 20U, 1ULL << 40U};
};

/// The journal of events: which broker keeps it, where, for how long.
struct events_plan {
  /// The name of the broker that keeps the journal; empty where all brokers share it.
  std::string broker;
  /// "sqlite:examples/shop/data/journal.db", joined to the file's folder as
  /// `capability_plan::store` is; or "postgresql://db1,db2/shop".
  std::string journal;
  /// The first rule whose pattern matches a topic holds for it.
  std::vector<retention_rule> rules;
  /// Holds for topics that no rule matches.
  retention_rule otherwise;

  /// Whether the brokers share the journal in a database server: any of them may have it.
  bool is_shared() const { return journal.starts_with("postgresql://"); }
};

/// One business capability: what runs it, where, how often and under which policies.
struct capability_plan : policies {
  capability_name name;
  /// The registered actor type.
  std::string actor;
  /// The number of replicas on all its nodes together; node i of n gets every n-th one. At least
  /// one on each node, which is also the default.
  int replicas = 1;
  std::vector<node_name> nodes;
  /// "sqlite:examples/shop/data/orders.db": the capability's name is filled in, and a relative path
  /// is joined to the folder of the file, so that it can be opened as it is. Absent with `store:
  /// none`.
  std::optional<std::string> store;
  /// The topics whose events it gets: names, `PREFIX.*` or `*`, each once.
  std::vector<std::string> subscribes;
  subscribe_start subscribe_from;
  /// Handed to the actor.
  config_tree config;
  file_position at;

  bool runs_on(const node_name& node) const;
  /// The numbers of the replicas `node` runs.
  std::vector<int> replicas_on(const node_name& node) const;

  static constexpr range<int> replicas_range{1, 10'000};
};

/// A checked topology: the brokers, nodes and capabilities of one system.
struct plan {
  std::string name;
  /// The file it was read from, and the folder in which relative paths start.
  std::string file;
  std::string folder;
  /// The digests of the parts that must be the same for a broker and its workers (plan_digest.hpp),
  /// and of the file's bytes. A broker refuses workers if it knows neither digest.
  std::uint64_t digest = 0;
  std::uint64_t text_digest = 0;
  transport::heartbeat_options heartbeat;
  /// Largest body of a message, in bytes.
  std::uint64_t body_bytes_max = 1U << 20U;
  /// Most bytes that full queues and the least windows of subscribers may need at a broker; see
  /// `queue_bytes_max`. The default suffices for seven capabilities with default bulkheads and
  /// bodies.
  std::uint64_t memory_max = 8ULL << 30U;
  std::vector<broker_plan> brokers;
  std::vector<node_plan> nodes;
  std::vector<capability_plan> capabilities;
  std::vector<gateway_plan> gateways;
  events_plan events;
  std::vector<strangler_plan> features;
  /// The security of links; absent: they have no keys and use loopback.
  std::optional<security_options> security;
  traces_plan traces;

  static constexpr range<std::chrono::milliseconds> heartbeat_interval_range{
      std::chrono::milliseconds{50}, std::chrono::seconds{10}};
  static constexpr range<std::chrono::milliseconds> heartbeat_timeout_range{
      std::chrono::milliseconds{50}, std::chrono::minutes{10}};
  /// 1 KiB to 64 MiB.
  static constexpr range<std::uint64_t> body_bytes_range{1U << 10U, 1U << 26U};
  /// 1 MiB to 1 TiB.
  static constexpr range<std::uint64_t> memory_range{1ULL << 20U, 1ULL << 40U};

  const capability_plan* find(const capability_name& capability) const;
  const node_plan* find(const node_name& node) const;
  const strangler_plan* find_feature(std::string_view name) const;
  const gateway_plan* find_gateway(std::string_view gateway) const;
};

/// The bytes of bodies that a broker holds for `capability` when everything is full.
///
/// Counts the calls that wait (`bulkhead.queue`) and the calls its workers hold
/// (`bulkhead.in_flight` on each of its nodes): the broker keeps those until they are answered, so
/// that it can hand them to another replica. Each is counted with the largest body: this is a
/// bound, not a forecast, since a queue that has room for a message must be able to take it. A
/// worker holds only its `in_flight`, so never more than the broker. Headers are small; events,
/// journals and databases are on disk.
std::uint64_t queue_bytes_max(const capability_plan& capability, std::uint64_t body_bytes_max);

/// The bytes of events that each subscriber has room for in memory at least: one of the largest
/// size that is postponed must not stop those behind it.
constexpr std::uint64_t window_bytes_least(std::uint64_t body_bytes_max) {
  return body_bytes_max + 64U * 1024U;
}

} // namespace troupe::topology
