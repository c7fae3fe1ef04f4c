#pragma once

#include "runtime/broker/calls/router.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// A router whose time, peers and workers the test plays, and what the router decided so far.
struct router_fixture {
  struct sent {
    login_id to;
    uuid id;
    std::uint32_t ttl;
    bool operator==(const sent&) const = default;
  };

  struct settled {
    origin to;
    uuid id;
    /// Absent if it was a worker's answer.
    std::optional<error> why;
    std::string body;
    instant at;
  };

  explicit router_fixture(router_options options = usual());

  /// `orders` and `users` with queues of 4, nodes n1 to n3, 8 calls at most.
  static router_options usual();
  static uuid id(std::uint64_t number);

  /// @param in_flight ids of `call`, or else of calls like those of its defaults.
  outcome<void> join(
      std::string_view node,
      std::uint32_t login,
      std::uint32_t credit = 2,
      std::vector<uuid> in_flight = {},
      std::uint64_t incarnation = 0);
  outcome<void> join(std::uint32_t login, const wire::hello& said);
  wire::hello hello(std::string_view node, std::uint32_t credit, std::uint64_t incarnation) const;
  void call(
      std::uint64_t number,
      std::uint64_t from = 0,
      milliseconds ttl = 1000ms,
      std::string_view key = {},
      std::string_view to = "orders",
      std::string_view body = "body");
  void reply(std::uint32_t login, std::uint64_t number, std::string_view body = "done");
  void refuse_with(std::uint32_t login, std::uint64_t number, const error& why);
  void pending(std::uint32_t login, std::uint64_t number);
  void lose(std::uint32_t login);
  void leave(std::uint32_t login);
  void state(
      std::uint32_t login,
      std::uint32_t credit,
      std::string breaker = "closed",
      milliseconds retry_after = 0ms,
      bool draining = false,
      std::optional<std::string> forced = {});
  /// `orders` is shut there.
  void shut(std::uint32_t login, std::string why);
  /// A subscriber has this node kept free for a suspect event, or lets it go again.
  void keep_free(std::uint32_t login);
  void let_go();
  /// Moves time on in ticks, with no sign of life from anybody unless `alive`.
  void advance(milliseconds by, bool alive = true);

  /// The logins that got `number`, since the last `forget_all`.
  std::vector<std::uint32_t> receivers(std::uint64_t number) const;
  std::size_t answers(std::uint64_t number) const;
  /// The one refusal of `number`; none if there is none, or more than one.
  std::optional<error> refusal(std::uint64_t number) const;
  bool has_event(std::string_view name) const;
  void forget_all();

  instant now{std::chrono::hours{1}};
  quarantine alone;
  cut_links cuts;
  router tested;
  decisions out;
  std::vector<sent> delivered;
  std::vector<settled> ended;
  std::vector<login_id> forgotten;
  std::vector<log_event> events;
  std::vector<failed_call> failed;
  std::size_t rosters = 0;

private:
  struct request {
    std::string to = "orders";
    std::string body = "body";
  };

  std::map<uuid, request> asked_;

  void carry_out();
  void pass_reply(std::uint32_t login, const std::string& header, std::string_view body);
};

} // namespace troupe::broker
