#pragma once

#include "runtime/calls/pending_calls.hpp"
#include "runtime/saga/coordinators.hpp"
#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/worker/group.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe {

/// The calls of this worker's sagas: sends each to a broker, and queues its answer, or its failure,
/// in the saga's group. Socket loop.
class saga_calls {
public:
  saga_calls(transport::peer_loop& loop, int links, instant now)
      : loop_{loop}, calls_{links, now} {}

  /// Calls that wait for their answer.
  std::size_t size() const { return calls_.size(); }

  /// Adds a call of a saga of `from`, to be sent by `send`.
  ///
  /// If the same request is outstanding already, as its coordinator was made again, it is adopted:
  /// its answer goes to this attempt, by the deadline of this attempt at the latest. If a different
  /// request is outstanding under the id, this one fails with `unavailable`, to be tried again.
  void add(group& from, const saga::outgoing::call& call, instant now);

  /// Sends waiting calls, if a broker is reachable.
  void send(instant now);

  void take_reply(
      const wire::header_view& header, std::string_view body, const transport::frame_ref& frame);

  /// Ends the calls whose deadline has passed.
  void expire(instant now);

  void link_up(int link) { calls_.link_up(link); }

  void link_lost(int link) { calls_.link_lost(link); }

private:
  struct asker {
    group* from = nullptr;
    uuid saga;
    std::uint64_t token = 0;
  };

  static void tell(const asker& to, bool failed, std::string_view body, transport::frame_ref frame);
  static void tell(const asker& to, const error& why);
  void end(std::uint64_t index, bool failed, std::string_view body, transport::frame_ref frame);
  void end_with(std::uint64_t index, const error& why);

  transport::peer_loop& loop_;
  calls::pending_calls calls_;
  std::vector<asker> askers_; // The sagas that asked, by the token of the pending call.
  std::vector<std::uint64_t> free_;
  std::vector<calls::pending_calls::ended> expired_; // Reused.
};

} // namespace troupe
