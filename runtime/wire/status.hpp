#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// The answers to `status`: of a broker (`troupe.broker`) and of a worker node (`troupe.node.NAME`).
// Their keys are what `troupe status --json` shows. Names in them are those of FORMAT.md.

namespace troupe::wire {

namespace detail {

/// Writes a message without the entries of its absent optionals, which `encode` writes as nil.
template <message T>
void encode_present(writer& to, const T& value) {
  const auto is_present = []<class Member>(const Member& member) {
    if constexpr (is_optional<Member>) {
      return member.has_value();
    } else {
      return true;
    }
  };
  const auto write = [&](const auto& each) {
    if (is_present(value.*each.member)) {
      to.text(each.name);
      encode(to, value.*each.member);
    }
  };
  std::apply(
      [&](const auto&... each) {
        to.map(((is_present(value.*each.member) ? 1U : 0U) + ...));
        (write(each), ...);
      },
      troupe_fields(static_cast<const T*>(nullptr)));
}

} // namespace detail

/// One capability on one node, as the broker sees it.
struct placement_status {
  std::string capability;
  std::uint32_t credit = 0;
  std::uint32_t outstanding = 0;
  std::uint32_t replicas = 0;
  bool inbox = false;
  std::string breaker;
  std::string shut;
  std::string forced;
};

TROUPE_MESSAGE(
    placement_status, capability, credit, outstanding, replicas, inbox, breaker, shut, forced)

/// A node of the topology, as the broker sees it. All but name, `live` and `away_ms` is left out
/// while the node is not logged in.
struct known_node {
  std::string name;
  bool live = false;
  /// How long ago a node that was logged in before was last heard; absent while it is live, and if
  /// it never was.
  std::optional<std::uint64_t> away_ms{};
  std::optional<std::string> incarnation{};
  std::optional<std::uint64_t> pid{};
  std::optional<std::uint64_t> up_ms{};
  std::optional<bool> draining{};
  std::optional<std::uint64_t> busy_ms{};
  std::optional<std::vector<placement_status>> capabilities{};
};

TROUPE_MESSAGE(
    known_node, name, live, away_ms, incarnation, pid, up_ms, draining, busy_ms, capabilities)

inline void encode(writer& to, const known_node& value) {
  detail::encode_present(to, value);
}

/// A capability of the topology, as the broker sees it.
struct known_capability {
  std::string name;
  std::uint32_t queued = 0;
  std::uint32_t outstanding = 0;
  std::uint32_t awaiting = 0;
  bool waiting_for_workers = false;
  /// The time from arrival here within which 99 of 100 calls of the last minute ended; absent if
  /// there were none.
  std::optional<std::uint64_t> p99_us{};
};

TROUPE_MESSAGE(known_capability, name, queued, outstanding, awaiting, waiting_for_workers, p99_us)

inline void encode(writer& to, const known_capability& value) {
  detail::encode_present(to, value);
}

/// Counters of a broker since its start.
struct broker_counters {
  /// Calls that came in, attached and refused ones included.
  std::uint64_t calls = 0;
  /// Calls whose id was under way already.
  std::uint64_t attached = 0;
  std::uint64_t delivered = 0;
  /// Deliveries of a call that had been delivered before.
  std::uint64_t redelivered = 0;
  std::uint64_t replies = 0;
  std::uint64_t pending = 0;
  /// Answers handed to a waiter.
  std::uint64_t answered = 0;
  /// Calls refused by this broker, for whatever reason.
  std::uint64_t refused = 0;
  std::uint64_t overloaded = 0;
  std::uint64_t conflicts = 0;
  /// Waiters whose time was over.
  std::uint64_t expired = 0;
  /// Replies for ids not known here (any more): dropped, since a retry gets the answer from the
  /// inbox.
  std::uint64_t late_replies = 0;
  /// Replies, and reported calls, from a peer that is not a worker or was not given the call.
  std::uint64_t stray_replies = 0;
  /// Calls a worker refused without effect and that went to another one.
  std::uint64_t tried_elsewhere = 0;
  std::uint64_t workers_joined = 0;
  std::uint64_t workers_lost = 0;
  std::uint64_t workers_left = 0;
  std::uint64_t logins_refused = 0;
  std::uint64_t suspects = 0;
  std::uint64_t convicted = 0;
  /// Calls that a worker still handled when it logged in again.
  std::uint64_t adopted = 0;
  /// Messages with wrong frames, lengths or headers.
  std::uint64_t malformed = 0;
  /// Messages of peers that should have said HELLO first.
  std::uint64_t unauthenticated = 0;
  /// Answers whose receiver was gone or accepted no more: a retry asks again.
  std::uint64_t undeliverable = 0;
  std::uint64_t clients_joined = 0;
  std::uint64_t clients_lost = 0;
  std::uint64_t stood_still = 0;
  /// Connections for which there was no room under the limit of open files.
  std::uint64_t turned_away = 0;
  /// Answers omitted because their receiver had not read earlier ones: it got an error instead.
  std::uint64_t unread = 0;
  /// Messages dropped because their sender sends more than the broker can process.
  std::uint64_t dropped = 0;
  /// Connections refused because of their key.
  std::uint64_t keys_refused = 0;
  /// Calls of peers without the right to them.
  std::uint64_t forbidden = 0;
  /// Tokens sent to renew a login's token and not accepted.
  std::uint64_t renewals_refused = 0;
};

// clang-format off
TROUPE_MESSAGE(
    broker_counters, calls, attached, delivered, redelivered, replies, pending, answered, refused,
    overloaded, conflicts, expired, late_replies, stray_replies, tried_elsewhere, workers_joined,
    workers_lost, workers_left, logins_refused, suspects, convicted, adopted, malformed,
    unauthenticated, undeliverable, clients_joined, clients_lost, stood_still,
    turned_away, unread, dropped, keys_refused,
    forbidden, renewals_refused)

// clang-format on

/// Counters that a broker of an earlier release does not have are 0.
inline bool decode(reader& from, broker_counters& to, decode_fault& fault) {
  std::map<std::string, std::uint64_t> told;
  if (!detail::decode(from, told, fault)) {
    return false;
  }
  const auto take = [&](const auto& each) {
    if (const auto found = told.find(std::string{each.name}); found != told.end()) {
      to.*each.member = found->second;
    }
  };
  std::apply(
      [&](const auto&... each) { (take(each), ...); },
      troupe_fields(static_cast<const broker_counters*>(nullptr)));
  return true;
}

/// A line of the broker's log.
struct recent_event {
  std::string name;
  std::uint64_t ago_ms = 0;
  std::map<std::string, std::string> fields;
};

TROUPE_MESSAGE(recent_event, name, ago_ms, fields)

/// A gateway of the topology, as a broker sees it.
struct known_gateway {
  std::string name;
  /// Whether it is logged in.
  bool live = false;
};

TROUPE_MESSAGE(known_gateway, name, live)

/// A login that ends soon because its service token is not renewed.
struct ending_login {
  /// The owner of its key.
  std::string name;
  std::uint64_t left_ms = 0;
  /// The reason why the broker did not accept the next token; empty if none came.
  std::string refused{};
};

TROUPE_MESSAGE(ending_login, name, left_ms, refused)

/// Which broker has a shared journal, as known by one of them.
struct journal_seat {
  /// The broker that has it, and its endpoint; empty: no broker ever had it.
  std::string broker;
  std::string endpoint;
  /// How often it was taken.
  std::uint64_t generation = 0;
  /// When that broker took it, in milliseconds since 1970, by the database's clock.
  std::int64_t since = 0;
  /// Whether the reporting broker has it itself.
  bool here = false;
  /// Messages about events that came to this broker when it no longer had the journal.
  std::uint64_t stray = 0;
  /// Why this broker cannot find out which one has it; empty if it can.
  std::string trouble;
  /// The server's `synchronous_standby_names`: the standbys that a commit waits for; empty: none,
  /// and a failover loses the last commits. Left out by an earlier release, or while unknown.
  std::optional<std::string> standbys{};
  /// How long the oldest transaction of the server has been open, as far as this broker's role may
  /// see (pg_monitor sees all). Left out as above.
  std::optional<std::uint64_t> oldest_ms{};
  /// What keeps the oldest dead rows of the server's database: a session, a replication slot or a
  /// prepared transaction, in words; empty: nothing does. Left out as above, with those below.
  std::optional<std::string> holder{};
  /// For at least how long it does: this broker has watched it for that time.
  std::optional<std::uint64_t> held_ms{};
  /// How many transactions have begun since.
  std::optional<std::uint64_t> held_transactions{};
  /// Whether `oldest_ms` includes sessions of other roles.
  std::optional<bool> sees_others{};
};

TROUPE_MESSAGE(
    journal_seat,
    broker,
    endpoint,
    generation,
    since,
    here,
    stray,
    trouble,
    standbys,
    oldest_ms,
    holder,
    held_ms,
    held_transactions,
    sees_others)

struct broker_status {
  std::string broker;
  std::string incarnation;
  std::uint64_t uptime_ms = 0;
  bool draining = false;
  /// Calls held, those nobody waits for included.
  std::uint64_t calls_held = 0;
  std::vector<known_node> nodes;
  std::vector<known_capability> capabilities;
  broker_counters counters;
  /// The last 64 lines of the log, oldest first.
  std::vector<recent_event> events;
  /// The gateways; left out by a broker of an earlier release.
  std::optional<std::vector<known_gateway>> gateways{};
  /// The digest of the topology that it runs; left out by a broker of an earlier release.
  std::optional<std::uint64_t> plan{};
  /// Some of the logins that end soon, 16 at most; left out by a broker of an earlier release.
  std::optional<std::vector<ending_login>> ending{};
  /// Left out where only one broker may have the journal.
  std::optional<journal_seat> journal{};
};

TROUPE_MESSAGE(
    broker_status,
    broker,
    incarnation,
    uptime_ms,
    draining,
    calls_held,
    nodes,
    capabilities,
    counters,
    events,
    gateways,
    plan,
    ending,
    journal)

struct replica_failure {
  std::uint64_t ms_ago = 0;
  std::string reason;
  /// The message that was being handled; left out if unknown.
  std::optional<std::string> message{};
};

TROUPE_MESSAGE(replica_failure, ms_ago, reason, message)

inline void encode(writer& to, const replica_failure& value) {
  detail::encode_present(to, value);
}

struct replica_status {
  std::string name;
  std::string state;
  std::uint64_t generation = 0;
  std::vector<replica_failure> failures;
};

TROUPE_MESSAGE(replica_status, name, state, generation, failures)

/// What waits for a person in a capability, as its actor counts it.
struct open_matters_status {
  std::uint64_t count = 0;
  std::string what;
  /// The operation without input that lists them.
  std::string operation;
};

TROUPE_MESSAGE(open_matters_status, count, what, operation)

/// A capability as one node runs it.
struct group_status {
  std::string capability;
  /// The database, or "none".
  std::string store;
  std::string breaker;
  /// The person who forced the breaker, why and when; empty if nobody has.
  std::string forced_by;
  std::string forced_why;
  std::string forced_since;
  std::uint32_t credit = 0;
  std::uint64_t in_hand = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::uint64_t repeats = 0;
  std::uint64_t turns = 0;
  std::uint64_t effects = 0;
  std::uint64_t takeovers = 0;
  std::uint32_t events_credit = 0;
  std::uint64_t events_in_hand = 0;
  std::uint64_t events = 0;
  std::uint64_t events_ignored = 0;
  std::uint64_t events_postponed = 0;
  std::uint64_t event_repeats = 0;
  std::uint64_t events_of_others = 0;
  std::uint64_t relayed = 0;
  std::uint64_t outbox_confirmed = 0;
  std::uint64_t outbox_depth = 0;
  std::string outbox_trouble;
  std::string down_reason;
  /// Calls answered and events handled per second, over the last minute.
  std::optional<double> rate_per_s{};
  /// Instances of replicas made again.
  std::optional<std::uint64_t> restarts{};
  /// For how long it has been down, its breaker open, its outbox stopped, or the oldest event of
  /// its outbox not confirmed; absent if it is not.
  std::optional<std::uint64_t> down_ms{};
  std::optional<std::uint64_t> breaker_open_ms{};
  std::optional<std::uint64_t> outbox_stopped_ms{};
  std::optional<std::uint64_t> outbox_waits_ms{};
  std::vector<replica_status> replicas;
  /// The sagas of it that stand still, need a person or follow earlier steps, in words; absent if
  /// none do.
  std::optional<std::string> sagas_trouble{};
  /// Its sagas that wait for their turn, and those refused since its process began because too many
  /// did; absent if there are none.
  std::optional<std::uint64_t> sagas_queued{};
  std::optional<std::uint64_t> sagas_refused{};
  /// The queue is full and new ones are refused; absent if they are not.
  std::optional<bool> sagas_full{};
  /// The reason why its database accepts no turns, and since how long; absent if it does.
  std::optional<std::string> store_trouble{};
  std::optional<std::uint64_t> store_trouble_ms{};
  /// The matters that wait for a person; absent if none do.
  std::optional<open_matters_status> open_matters{};
  /// The time within which 99 of 100 handlers of the last minute ended, for calls and for events;
  /// absent if none ran.
  std::optional<std::uint64_t> p99_us{};
  /// The consequences if its time for forgetting answers is far ahead of the clock there; absent if
  /// it is not.
  std::optional<std::string> time_ahead{};
};

// clang-format off
TROUPE_MESSAGE(
    group_status, capability, store, breaker, forced_by, forced_why, forced_since, credit, in_hand,
    answered, failed, repeats, turns, effects, takeovers, events_credit, events_in_hand, events,
    events_ignored, events_postponed, event_repeats, events_of_others, relayed, outbox_confirmed,
    outbox_depth, outbox_trouble, down_reason, rate_per_s, restarts, down_ms, breaker_open_ms,
    outbox_stopped_ms, outbox_waits_ms, replicas,
    sagas_trouble, sagas_queued, sagas_refused, sagas_full,
    store_trouble, store_trouble_ms, open_matters, p99_us, time_ahead)

// clang-format on

inline void encode(writer& to, const group_status& value) {
  detail::encode_present(to, value);
}

struct node_status {
  std::string node;
  std::string incarnation;
  std::uint64_t pid = 0;
  std::uint64_t calls_of_sagas = 0;
  std::vector<group_status> groups;
};

TROUPE_MESSAGE(node_status, node, incarnation, pid, calls_of_sagas, groups)

} // namespace troupe::wire
