#pragma once

#include "runtime/broker/calls/call.hpp"
#include "runtime/broker/calls/call_times.hpp"
#include "runtime/broker/calls/router_options.hpp"
#include "runtime/observe/recent_times.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/login.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <unordered_map>
#include <vector>

namespace troupe::broker {

/// The rate at which calls of a capability are answered, for a realistic `retry_after`.
class drain_rate {
public:
  void note(instant now);
  /// The time that `count` calls will take, at least 10 ms and at most 5 s.
  milliseconds time_for(std::uint32_t count) const;

private:
  instant since_{};
  std::uint32_t count_ = 0;
  double per_ms_ = 0;
};

/// The part of one capability that one node serves.
struct placement {
  std::uint32_t node = nowhere;
  std::uint32_t credit = 0;
  std::uint32_t outstanding = 0;
  /// Calls that wait for room at this placement only, as calls of their keys are or belong here; in
  /// the order of their arrival.
  call_list line;
  std::uint32_t replicas = 0;
  /// Whether the logged-in node serves the capability.
  bool is_served = false;
  bool inbox = false;
  /// Whether the capability stays down there until the node's next login: `why_shut` says why.
  bool is_shut = false;
  /// "closed", "open", "half_open" or "down".
  std::string breaker = "closed";
  /// The placement gets no calls before this time, as its breaker is open or the capability is down
  /// there. The maximum if a person forced the breaker open.
  instant blocked_until{};
  std::string why_shut;
  /// The order by which a person forced the breaker, as text, if any.
  std::string forced;
  /// The time after which another attempt may be useful, as the worker says.
  milliseconds retry_after{};
};

struct capability {
  std::string name;
  std::uint32_t queue_max = 0;
  observe::sampling sampling;
  call_list queue;
  call_list awaiting;
  /// The calls in the lines of its placements.
  std::uint32_t lined_up = 0;
  std::uint32_t outstanding = 0;
  /// Whether calls in its lines may belong to other placements: the nodes' services have changed, a
  /// breaker may let calls through soon, or the calls wait where their keys are still in hand.
  bool may_move = false;
  /// The placement where the search for the least loaded one starts, so that ties rotate.
  std::uint32_t next_placement = 0;
  /// Placements are added, never removed: a call remembers its own by index.
  std::vector<placement> placements;
  /// Whether the topology places the capability on a node, by node. Empty: on all nodes.
  std::vector<bool> is_placed_at;
  drain_rate rate;
  call_times times;
  observe::recent_times recent;

  /// Calls that wait for a worker with room.
  std::uint32_t waiting() const { return queue.size + lined_up; }
};

struct node {
  std::string name;
  std::uint64_t digest = 0;
  bool live = false;
  bool draining = false;
  login_id login{nowhere};
  uuid incarnation;
  std::uint64_t pid = 0;
  instant since{};
  instant heard{};
  wire::pong progress;
  /// The calls it has in hand, of all capabilities, oldest first.
  call_list outstanding;
  /// The calls that were blamed when its last login ended, in case only its link was lost.
  std::vector<uuid> blamed;

  struct place {
    std::uint32_t capability;
    std::uint32_t placement;
  };

  std::vector<place> placements;
};

/// A call that a worker had in hand when it logged in.
struct brought_call {
  std::uint32_t node = nowhere;
  std::uint32_t capability = nowhere;
  /// The digest of its request. Nothing if the worker's release does not send it.
  std::optional<std::uint64_t> digest{};

  bool is_for(std::uint32_t where, std::string_view operation, std::string_view body) const {
    return digest && capability == where && *digest == wire::digest_of_request(operation, body);
  }
};

/// The directory of the capabilities and nodes of the topology, the services of the live nodes, and
/// the calls that these listed in HELLO.
class directory {
public:
  /// The most calls listed in HELLO that are remembered. A retry of a further one is delivered
  /// again, and answered from the worker's inbox.
  static constexpr std::size_t brought_max = 65'536;

  explicit directory(const router_options& options);

  std::uint32_t find_capability(std::string_view name) const;
  std::uint32_t find_node(std::string_view name) const;
  /// The node logged in as `login`, or `nowhere`.
  std::uint32_t node_of(login_id login) const;
  void bind(login_id login, std::uint32_t node);
  void unbind(login_id login);

  /// Whether the topology lets `node` serve `capability`.
  bool is_placed(std::uint32_t capability, std::uint32_t node) const;

  /// The placement of `node` in `capability`, made if there is none.
  std::uint32_t placement_of(std::uint32_t capability, std::uint32_t node);

  /// Whether `node`, by its login, serves `capability`.
  bool serves(std::uint32_t node, std::uint32_t capability) const;

  /// Notes that a worker has a call in hand, from an earlier login, that this broker does not know.
  /// If a client repeats the same request under its id, the call is already at that node; a
  /// different request may not use the id meanwhile. Not remembered beyond `brought_max`.
  void bring(const uuid& call, const brought_call& held);
  /// The call that a worker listed in HELLO under this id, or null.
  const brought_call* find_brought(const uuid& call) const;
  /// `node` has answered the call.
  void end_brought(const uuid& call, std::uint32_t node);
  void forget_brought(std::uint32_t node);
  bool has_brought(std::uint32_t node) const;

  /// Updates the call times of the last minute. Called every few milliseconds.
  void note_times(instant now);

  /// The roster: the live workers.
  wire::roster roster() const;

  /// The names of the topology's capabilities, for "did you mean".
  std::vector<std::string> names() const;

  std::vector<capability> capabilities;
  std::vector<node> nodes;

private:
  struct text_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  using index = tsl::robin_map<std::string, std::uint32_t, text_hash, std::equal_to<>>;

  index capability_named_;
  index node_named_;
  std::vector<std::uint32_t> node_of_login_;
  instant times_noted_{};
  std::unordered_map<uuid, brought_call, secret_hash> brought_;
};

} // namespace troupe::broker
