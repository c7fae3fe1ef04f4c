#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/transport/peer_loop.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// What waits in a group's queues: a call from a broker, or something the group told itself.
struct item {
  enum class kind : std::uint8_t {
    call,
    /// An effect has its result; `id` is its key.
    effect_done,
    /// A saga's call was answered; `token` names the try.
    saga_answered,
    /// A saga's timer is due; `token` is the timer's.
    saga_timer,
    /// Look after the store: who is alive, what can be taken over or forgotten.
    housekeeping,
    /// A person takes the breaker over or gives it back: to be kept, then answered as a call is.
    breaker_order,
    /// An event that the capability subscribes to; `token` is its position.
    event,
    /// ASSIGN and BURIED, in order with the events before and after them.
    assignment,
    buried,
    /// What was held back may be tried again.
    events_again,
    /// A timer is due.
    timers_due,
    /// The broker with the journal took the login of `link`, or is gone.
    journal_joined,
    journal_left,
    /// CONFIRMED and RESEND, about the outbox.
    confirmed,
    resend,
  };

  static constexpr std::uint32_t no_slot = 0xffffffff;

  kind what = kind::call;
  bool failed = false; // The body is an error's MessagePack map.
  std::uint8_t attempt = 1;
  int link = 0;
  /// The worker's note that the call is in hand here; none for what did not come from a broker.
  std::uint32_t slot = no_slot;
  uuid id{};
  instant deadline{};
  std::uint64_t token = 0;
  /// Of the saga that `saga_answered` and `saga_timer` are for.
  uuid saga{};
  /// Of an event. Of `events_again`: the number of the work_queue that it is for.
  std::uint32_t partition = 0;
  /// Of what comes from the journal's broker: which login brought it.
  std::uint32_t login = 0;
  /// Of an event: when it was journaled, in milliseconds since 1970.
  std::uint64_t time = 0;
  /// Of an event: the capability it comes from.
  std::string_view source{};
  std::string_view operation{};
  std::string_view key{};
  std::string_view body{};
  /// Keeps what the views look into.
  transport::frame_ref frame{};

  /// Lets the item own its body.
  void own_body(std::string&& bytes) {
    auto kept = std::make_shared<const std::string>(std::move(bytes));
    body = *kept;
    frame = std::move(kept);
  }
};

} // namespace troupe
