#pragma once

#include "runtime/store/turn/inbox.hpp"
#include "runtime/store/turn/known_ids.hpp"
#include "runtime/store/turn/retention.hpp"
#include "runtime/worker/write.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// The map's own code is not written for -Wconversion; it is a system header.
#include <tsl/robin_map.h>

namespace troupe {

/// The inbox in a writing turn: finds the answers of repeats and inserts the rows of new messages,
/// many in one statement.
///
/// If the session knows whether others have written, ids are remembered, so that one that is
/// certainly new costs no look-up. Otherwise all ids of a turn are looked up at its beginning, in
/// one statement.
///
/// Confined to the runner's thread; borrows the session.
class turn_inbox {
public:
  explicit turn_inbox(store::database& session) : session_{session} {}

  /// Called after the session's `begin`.
  void begin();

  /// Asks for the rows of these messages, if they may have some. Follows `begin`; the session's
  /// next await() follows.
  void look_up(std::span<const write> writes);

  std::optional<store::inbox_entry> find(const uuid& id);

  /// Inserts a row in this turn, at the latest with `insert_rows`; its texts are borrowed until
  /// then.
  void add(const store::inbox_row& row);
  void insert_rows();

  /// Whether an answer to a call with that id may have been deleted: without a row, the call may be
  /// a repeat.
  bool is_forgotten(const uuid& id) const { return id < forgotten_ && id.version() == 7; }

  /// Notes that the answers to calls with ids below `to` were deleted in this turn.
  void forgot(const uuid& to) { forgotten_ = std::max(forgotten_, to); }

  /// The lowest id whose row is kept whatever the settled time says: it was handled while that time
  /// is on trial. Nothing if there is none, or the trial is over.
  const std::optional<uuid>& kept_from() const { return kept_from_; }

  void end_trial() {
    is_on_trial_ = false;
    kept_from_.reset();
  }

  /// Called after the session's `commit`.
  void committed() {
    known_at_ = session_.version();
    if (added_ != uuid{}) {
      kept_ = added_;
    }
  }

  /// The message of a recently committed row; nil if there is none. A database without it has gone
  /// back, unless it `is_forgotten`.
  const uuid& kept() const { return kept_; }

  /// Whether rows were being inserted when a fault was thrown, which is not caused by the current
  /// message.
  bool is_inserting() const { return is_inserting_; }

private:
  void note(const store::forgotten& now);

  store::database& session_;
  std::vector<store::inbox_row> rows_;
  bool is_inserting_ = false;
  bool remembers_ = true;
  store::known_ids known_;
  // The rows looked up for this turn's messages, if they cannot have changed since.
  tsl::robin_map<uuid, std::optional<store::inbox_entry>, secret_hash> looked_up_;
  std::vector<uuid> asked_;
  uuid forgotten_{};
  bool is_on_trial_ = false;
  std::optional<uuid> kept_from_;
  // Whether `kept_from_` is lower than the database has it.
  bool is_lower_ = false;
  uuid added_{}; // Of a row of this turn.
  uuid kept_{};
  // The version of the database that all of these are true of; none while a turn is open.
  std::optional<std::uint64_t> known_at_;
};

} // namespace troupe
