#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/secret_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <tsl/robin_map.h>
#include <utility>
#include <vector>

namespace troupe::saga {

/// Why a saga has stopped in this process.
struct trouble {
  std::string reason;
  /// The saga's trace, if it was known; may be empty.
  std::string trace{};
  /// The number of times in a row that its events could not be processed. 0: it is left alone, as
  /// this program cannot continue it.
  std::uint32_t failures = 0;
  /// The saga's epoch when it was left alone. Under another epoch it has gone on elsewhere, and may
  /// have come to a state that this program can continue.
  std::int64_t epoch = 0;
  wall_time since{};
  /// The time at which it is tried again; the end of time if it is left alone.
  instant again_at = instant::max();
};

/// The sagas of this process that have stopped: those left alone, and those whose events fail,
/// which wait longer after each failure.
///
/// In memory only: another process, or this one after a restart, finds out for itself.
class troubles {
public:
  /// The failures in a row, over a minute and a half, after which a saga is parked.
  static constexpr std::uint32_t failures_max = 10;
  /// The most that are tried again in one turn.
  static constexpr std::size_t due_max = 256;

  /// @param why with reason and epoch.
  /// @return false if that was known.
  bool leave_alone(const uuid& saga, trouble why);

  /// Its event, or its takeover, failed once more.
  /// @param why with reason and trace.
  void failed(const uuid& saga, trouble why, wall_time since, instant now);

  /// Notes that a saga runs again: it no longer waits, but its failures are remembered until it is
  /// forgotten.
  void taken_up(const uuid& saga);

  void forget(const uuid& saga);
  void clear();

  /// The trouble of a saga; null if it has none.
  const trouble* find(const uuid& saga) const;

  /// Whether it may be loaded: it has no trouble, has waited long enough, or was left alone under
  /// another epoch than `epoch`.
  bool may_go_on(const uuid& saga, std::int64_t epoch, instant now) const;

  /// Those that are left alone.
  std::vector<uuid> left_alone() const;

  /// The sagas that have waited long enough, longest first, at most `due_max`.
  std::vector<uuid> due(instant now) const;

  /// The time at which `due` has the next one; the end of time if none waits.
  instant next_due() const { return waiting_.empty() ? instant::max() : waiting_.begin()->first; }

  const tsl::robin_map<uuid, trouble, secret_hash>& all() const { return of_; }

private:
  tsl::robin_map<uuid, trouble, secret_hash> of_;
  // The sagas that are to be tried again, and when.
  std::set<std::pair<instant, uuid>> waiting_;
};

} // namespace troupe::saga
