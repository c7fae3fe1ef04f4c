#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::saga {

/// The kinds of journal rows. Their numbers are stored and never reused.
enum class record_kind : std::uint8_t {
  /// The first record of each saga. Data: see README, "Journal".
  started = 1,
  /// The step is about to begin. Data: for a step that waits, the time at which it ends; for a
  /// call, the digest of its request.
  intent = 2,
  /// The step was answered. Data: the reply's body.
  done = 3,
  /// The step failed, and the saga turns back. Data: the error, as on the wire.
  failed = 4,
  /// The step is about to be undone. Data: the digest of the undo's request.
  undo_intent = 5,
  undone = 6,
  /// All steps are done: the last record.
  completed = 7,
  /// Everything is undone: the last record.
  compensated = 8,
  /// A person is needed. Data: the reason, an error as on the wire.
  parked = 9,
  /// A person ordered another try, in round `round`.
  resumed = 10,
  /// A person gave an order, which the following records carry out. Data: a saga::order.
  ordered = 11,
  /// A person declared the open step done, or undone.
  skipped = 12,
  /// The step's condition is false: it is skipped.
  passed = 13,
  /// The saga of which this one was a step undoes that step, so that this one turns back although
  /// it was completed.
  recalled = 14,
  /// The saga waits for its turn, since as many of its operation run as may run at once.
  queued = 15,
};

inline constexpr record_kind last_record_kind = record_kind::queued;

/// "undo_intent"; "unknown" for a number not listed.
std::string_view name_of(record_kind kind);

/// A row of a saga's journal, as plain columns. The journal adds the saga's id and the owner's
/// epoch.
struct record {
  /// 1, 2, 3 ... without gaps.
  std::uint64_t seq = 0;
  record_kind kind = record_kind::started;
  std::uint32_t step = 0;
  /// The round of the step's command id; the saga's round for records that belong to no command.
  std::uint32_t round = 0;
  /// The try that was answered; 0 for other records.
  std::uint32_t attempt = 0;
  /// Borrowed: from the saga's state if a decision made it, from the caller in a replay.
  std::string_view data{};

  bool operator==(const record&) const = default;
};

} // namespace troupe::saga
