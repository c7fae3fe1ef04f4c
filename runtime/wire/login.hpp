#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::wire {

/// A worker's offer of one capability: in HELLO, and in STATE when something changed.
struct served {
  std::string capability;
  /// Calls the broker may have outstanding here; 0 while the group is down or draining.
  std::uint32_t credit = 0;
  /// Whether repeats are answered from an inbox. Without one, effects are at least once.
  bool inbox = false;
  std::uint32_t replicas = 0;
  /// "closed", "open", "half_open", or "down" (the group exceeded its restart intensity, or is
  /// shut). A breaker that a person forced is "open" or "closed".
  std::string breaker = "closed";
  /// How long to wait before another try, if the breaker is open or the group down.
  std::uint32_t retry_after_ms = 0;
  /// Events the broker may have outstanding here; 0 if it subscribes to none, is down or draining.
  std::uint32_t events = 0;
  /// The reason why a group that is "down" is shut: only a new start of the worker opens it. Else
  /// empty.
  std::optional<std::string> shut{};
  /// The order by which a person forced the breaker, in words: "forced open by ann: moving disks".
  /// A breaker forced open stays so until another STATE. Empty without one.
  std::optional<std::string> forced{};
};

TROUPE_MESSAGE(
    served, capability, credit, inbox, replicas, breaker, retry_after_ms, events, shut, forced)

/// A call that a worker still handles from an earlier login: a caller that asks for the same under
/// its id gets its answer, and no other.
struct held_call {
  uuid id;
  std::string capability;
  /// The digest of operation and body: `digest_of_request`.
  std::uint64_t digest = 0;
};

TROUPE_MESSAGE(held_call, id, capability, digest)

/// The body of HELLO: who logs in.
struct hello {
  /// "worker" or "client". A client that says HELLO gets batches and pings; others need not.
  std::string role;
  std::string node;
  uuid incarnation;
  /// Digest of the topology's text; 0 from a client.
  std::uint64_t plan = 0;
  bool batch = false;
  std::uint64_t pid = 0;
  std::vector<served> serves;
  /// Calls of an earlier login that are still being handled here.
  std::vector<uuid> in_flight;
  /// The same calls with their requests. A worker of an earlier release sends only their ids.
  std::optional<std::vector<held_call>> held{};
  /// Digest of the parts of the topology that must be the same for a broker and its workers. A
  /// worker of an earlier release sends only `plan`.
  std::optional<std::uint64_t> shared_plan{};
  /// The service token of the peer that logs in, where the topology requires one.
  std::optional<std::string> token{};
  /// The largest body of an answer that a client accepts, at least 1 MiB. Absent: as the broker.
  std::optional<std::uint64_t> body_bytes_max{};
};

TROUPE_MESSAGE(
    hello,
    role,
    node,
    incarnation,
    plan,
    batch,
    pid,
    serves,
    in_flight,
    held,
    shared_plan,
    token,
    body_bytes_max)

/// The body of WELCOME. It is sent again to all logged-in peers when the journal has moved.
struct welcome {
  std::string broker;
  uuid incarnation;
  std::uint32_t heartbeat_ms = 0;
  std::uint32_t timeout_ms = 0;
  std::uint64_t body_bytes_max = 0;
  /// True if this broker keeps the journal of events.
  bool journal = false;
  /// Of a journal that several brokers share: its generation, if this broker knows it. The broker
  /// with the highest generation has the journal. Absent if only one broker may have it.
  std::optional<std::uint64_t> journal_generation{};
};

TROUPE_MESSAGE(
    welcome,
    broker,
    incarnation,
    heartbeat_ms,
    timeout_ms,
    body_bytes_max,
    journal,
    journal_generation)

/// The body of STATE, from a worker: what changed. With `token`, from clients too, it only renews
/// the token of HELLO; if its header has an id, a reply says whether the token is accepted.
struct state {
  bool draining = false;
  std::vector<served> serves;
  std::optional<std::string> token{};
};

TROUPE_MESSAGE(state, draining, serves, token)

/// The body of PONG: a sign of progress, not only of life.
struct pong {
  /// Messages finished since the start.
  std::uint64_t finished = 0;
  /// The time for which the oldest handler has been running.
  std::uint32_t busy_ms = 0;
};

TROUPE_MESSAGE(pong, finished, busy_ms)

/// One live worker, as a broker knows it.
struct member {
  std::string node;
  uuid incarnation;
};

TROUPE_MESSAGE(member, node, incarnation)

/// The body of ROSTER, from a broker to its workers whenever a worker came or went: who is alive.
struct roster {
  std::vector<member> workers;
};

TROUPE_MESSAGE(roster, workers)

} // namespace troupe::wire
