#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/broker/journal/event.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/events.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// The decisions of the bus and of its subscribers. `subscriber` in an action is the subscriber's
// index in the bus.

namespace troupe::broker {

/// Send the event to the worker.
struct deliver_event {
  std::uint32_t subscriber = 0;
  login_id to{};
  event_ref what;
};

/// Send ASSIGN to the worker.
struct send_assign {
  std::uint32_t subscriber = 0;
  login_id to{};
  std::uint64_t epoch = 0;
  std::vector<wire::progress> partitions;
  /// The partitions as the broker remembers them, for a capability without a database.
  std::optional<std::vector<wire::remembered_partition>> remembered{};
};

/// Tell the worker which events became dead letters (BURIED on the wire).
struct send_dead {
  std::uint32_t subscriber = 0;
  login_id to{};
  std::vector<std::uint64_t> positions;
};

/// The action to read the events at these positions, and to call `bus::fetched` with the existing
/// ones.
struct fetch_events {
  std::uint32_t subscriber = 0;
  std::vector<std::uint64_t> positions;
};

/// The action to read up to `count` events above `after` that match the subscriber's patterns, and
/// to call `bus::read`.
struct read_journal {
  std::uint32_t subscriber = 0;
  std::uint64_t after = 0;
  std::size_t count = 0;
};

/// Tell a publisher the position of its event.
struct answer_published {
  origin to{};
  uuid id;
  std::uint64_t position = 0;
  bool is_repeat = false;
};

/// Answer an operator's call: its change is on disk.
struct answer_written {
  origin to{};
  uuid id;
  std::string body;
};

/// Answer a publisher or operator with `errors[error]`.
struct refuse_published {
  origin to{};
  uuid id;
  std::uint32_t error = 0;
};

/// Send CONFIRMED to a worker: the number up to which its outbox is in the journal.
struct send_confirmed {
  login_id to{};
  wire::confirmed what;
};

/// Send RESEND to a worker: the missing numbers of its outbox.
struct send_resend {
  login_id to{};
  wire::resend what;
};

using event_action = std::variant<
    deliver_event,
    answer_published,
    send_assign,
    send_dead,
    fetch_events,
    read_journal,
    answer_written,
    refuse_published,
    send_confirmed,
    send_resend>;

/// A dead letter that the bus puts into its next write; `dead_letters_written` follows.
struct new_dead_letter {
  /// The letter, without times: a subscriber does not know the time of day.
  dead_letter letter;
  /// The time since the event was first delivered. It is given up now.
  milliseconds tried_for{0};
};

/// The decisions of the bus, or one of its subscribers, about one input.
struct event_decisions : decided<event_action> {
  /// The dead letters that a subscriber has decided on. The feeder empties the list after each call
  /// to a subscriber.
  std::vector<new_dead_letter> dead_letters;

  void clear() {
    decided::clear();
    dead_letters.clear();
  }
};

} // namespace troupe::broker
