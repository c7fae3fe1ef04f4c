#pragma once

#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/worker/worker_groups.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace troupe {

/// The calls from brokers: queues them in their group, or refuses them, and remembers them until
/// they are answered, so that a new login can list the calls in flight. Socket loop.
class call_intake {
public:
  call_intake(transport::peer_loop& loop, worker_groups& groups, const std::string& node)
      : loop_{loop}, groups_{groups}, node_{node} {}

  /// Queues a call for `to`, or refuses it: the group is shut or draining, or the broker sends far
  /// more than its credit.
  void take(
      int link,
      const wire::header_view& header,
      group& to,
      std::string_view body,
      const transport::frame_ref& frame,
      instant now);

  /// Begins a call's item: noted as in flight and added to the group's queues. The caller fills in
  /// the request.
  /// @param called the called name, which outlives this: the group's or the node's.
  item&
  add(int link,
      const wire::header_view& header,
      std::string_view body,
      group& to,
      const std::string& called,
      instant now);

  void refuse(int link, const uuid& id, const error& why);

  /// The calls with these notes (`item::slot`) were answered.
  void end(std::span<const std::uint32_t> slots);

  /// The unanswered calls that arrived over `link`.
  std::vector<wire::held_call> in_flight(int link) const;

  /// The number of calls answered since the worker began.
  std::uint64_t answered() const { return answered_; }

private:
  struct slot {
    uuid id;
    const std::string* called = nullptr;
    std::uint64_t digest = 0;
    int link = 0;
    bool used = false;
  };

  transport::peer_loop& loop_;
  worker_groups& groups_;
  const std::string& node_;
  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint64_t answered_ = 0;
};

} // namespace troupe
