#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/transport/peer_loop.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// A unit of work in a group's queues: a call, an event, or a message of the group to itself.
struct item {
  enum class kind : std::uint8_t {
    /// `token` is the digest of its request (`wire::digest_of_request`).
    call,
    /// The result of an effect; `id` is the effect's key.
    effect_done,
    /// The answer to a saga's call; `token` names the attempt.
    saga_answered,
    /// A timer of a saga is due; `token` names the timer.
    saga_timer,
    /// The roster of live workers: time to take work over, and to delete old rows.
    housekeeping,
    /// More old rows must be deleted.
    old_rows,
    /// A person forces or releases the breaker: stored, then answered like a call.
    breaker_order,
    /// A person lists waiting matters, or gives an order to one (`person_orders`): answered like a
    /// call.
    person_order,
    /// An event that the capability subscribes to; `token` is its position.
    event,
    /// ASSIGN and BURIED, in order with the events before and after them.
    assignment,
    dead_letters,
    /// The events in the backlog may be tried again.
    events_again,
    /// A timer of the store is due.
    timers_due,
    /// The broker with the journal accepted the login of `link`, or is lost.
    journal_joined,
    journal_left,
    /// The socket loop asks for the state of the group (`health_probe`).
    probe,
    /// It is time to try the database again, whose server could not be reached.
    database_again,
    /// CONFIRMED and RESEND: the broker has, or misses, events of the outbox.
    confirmed,
    resend,
  };

  static constexpr std::uint32_t no_slot = 0xffffffff;
  static constexpr std::uint16_t no_operation = 0xffff;

  kind what = kind::call;
  bool failed = false; // The body is an error's MessagePack map.
  /// Whether it was in a turn whose commit got no answer, and has not been looked up since: no
  /// answer may say that nothing happened.
  bool may_be_done = false;
  std::uint32_t attempt = 1;
  int link = 0;
  /// The number of a call's operation among those that the actor declares, once it was found.
  std::uint16_t operation_number = no_operation;
  /// The number of the worker's note that the call is in hand here; `no_slot` if no broker sent it.
  std::uint32_t slot = no_slot;
  uuid id{};
  instant deadline{};
  /// The time at which a call arrived.
  instant taken{};
  std::uint64_t token = 0;
  /// The saga that `saga_answered` and `saga_timer` are for.
  uuid saga{};
  /// The partition of an event. Of `events_again`: the number of its work queue.
  std::uint32_t partition = 0;
  /// The login at the journal's broker that brought the item.
  std::uint32_t login = 0;
  /// The time at which an event was journaled, in milliseconds since 1970.
  std::uint64_t time = 0;
  /// The capability that an event comes from.
  std::string_view source{};
  std::string_view operation{};
  std::string_view key{};
  /// The trace of a call or event (observe/trace_context.hpp); may be empty, or no trace at all.
  std::string_view trace{};
  std::string_view body{};
  /// Owns the bytes that the views look into.
  transport::frame_ref frame{};

  /// Lets the item own its body.
  void own_body(std::string&& bytes) {
    auto kept = std::make_shared<const std::string>(std::move(bytes));
    body = *kept;
    frame = std::move(kept);
  }
};

inline bool is_call(const item& each) {
  return each.what == item::kind::call;
}

/// Whether a person asks, by the node's "troupe" operations: answered like a call, but no call of
/// the capability.
inline bool is_order(const item& each) {
  return each.what == item::kind::breaker_order || each.what == item::kind::person_order;
}

/// Whether it is a periodic item of the group itself: the next one follows by itself.
inline bool is_of_house(const item& each) {
  return each.what == item::kind::housekeeping || each.what == item::kind::old_rows;
}

inline bool is_saga_event(const item& each) {
  return each.what == item::kind::saga_answered || each.what == item::kind::saga_timer;
}

/// The id of an item's message, the same for repeats. Nil for the group's own items, and for a
/// saga's events, which its coordinator requests again.
inline uuid cause_of(const item& each) {
  const bool has_one =
      is_call(each) || each.what == item::kind::event || each.what == item::kind::effect_done;
  return has_one ? each.id : uuid{};
}

} // namespace troupe
