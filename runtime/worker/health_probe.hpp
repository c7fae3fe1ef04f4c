#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/transport/peer_loop.hpp"
#include "runtime/worker/group_probe.hpp"
#include "runtime/worker/worker_groups.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace troupe {

/// Asks each runner and each broker for an answer, and measures the time: the figures of /health
/// and /metrics are measured on request, and cost nothing otherwise. Socket loop.
///
/// A runner or broker whose last answer is missing is not asked again: its time goes on.
class health_probe {
public:
  /// All parameters are borrowed. @param patience the time to wait for the slowest answer.
  health_probe(
      transport::peer_loop& sockets,
      const clock& time,
      const worker_groups& groups,
      milliseconds patience)
      : sockets_{sockets}, time_{time}, all_{groups}, patience_{patience}, of_(groups.size()),
        links_(static_cast<std::size_t>(sockets.links())) {}

  bool is_under_way() const { return began_.has_value(); }

  void begin(instant now);

  /// Whether all answers have arrived, or the patience is over.
  bool is_over(instant now) const;

  void end() { began_.reset(); }

  /// @return whether this is the answer of a broker to the probe.
  bool take_reply(int link, const uuid& id);
  void take(const group& from, const group_probe& said);

  /// The time that the group took to answer, or has taken so far.
  std::chrono::nanoseconds group_took(std::size_t number, instant now) const;

  /// The last answer of a group.
  const group_probe& said_by(std::size_t number) const { return of_[number].said; }

  /// The time that the broker took to answer; nothing if the link is down.
  std::optional<std::chrono::nanoseconds> link_took(int link, instant now) const;

private:
  struct asked_group {
    /// Runners that have yet to answer.
    std::size_t open = 0;
    instant asked{};
    std::chrono::nanoseconds took{};
    group_probe said;
  };

  struct asked_link {
    /// The call that the broker has yet to answer, or nil.
    uuid call;
    instant asked{};
    std::chrono::nanoseconds took{};
  };

  /// The time after which a broker without an answer is asked again.
  static constexpr milliseconds call_limit{10'000};

  void ask_group(std::size_t number, instant now);
  void ask_link(int link, instant now);

  transport::peer_loop& sockets_;
  const clock& time_;
  const worker_groups& all_;
  milliseconds patience_;
  std::vector<asked_group> of_; // The groups, in the order of `all_`.
  std::vector<asked_link> links_;
  uuid_source ids_;
  std::optional<instant> began_;
};

} // namespace troupe
