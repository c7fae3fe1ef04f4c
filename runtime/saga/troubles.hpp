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

/// The reason why a saga stands still in this process.
struct trouble {
  std::string reason;
  /// The saga's trace, as far as it was known; may be empty.
  std::string trace{};
  /// The number of times in a row that its events could not be processed. 0: it is left alone, as
  /// this program cannot continue it.
  std::uint32_t failures = 0;
  /// The saga's epoch when it was left alone. Under another one it has gone on elsewhere, and may
  /// stand where this program can continue it.
  std::int64_t epoch = 0;
  wall_time since{};
  /// The time at which it is taken up again; the end of time if it is left alone.
  instant again_at = instant::max();
};

/// The sagas of this process that stand still: those left alone, and those whose events fail, which
/// wait longer after each failure.
///
/// In memory only: another process, or the next life of this one, sees for itself.
class troubles {
public:
  /// The failures in a row, over a minute and a half, after which a saga is parked.
  static constexpr std::uint32_t failures_max = 10;
  /// The most that are taken up in one turn.
  static constexpr std::size_t due_max = 256;

  /// @param why with reason and epoch.
  /// @return false if that was known.
  bool leave_alone(const uuid& saga, trouble why);

  /// Its event, or its takeover, failed once more.
  /// @param why with reason and trace.
  void failed(const uuid& saga, trouble why, wall_time since, instant now);

  /// Notes that a saga runs again: it waits for nothing, and its failures are remembered until it
  /// is forgotten.
  void taken_up(const uuid& saga);

  void forget(const uuid& saga);
  void clear();

  /// The trouble of a saga; null if it has none.
  const trouble* find(const uuid& saga) const;

  /// Whether it may be taken up: it has no trouble, or waited long enough, or was left alone under
  /// another epoch than `epoch`.
  bool may_go_on(const uuid& saga, std::int64_t epoch, instant now) const;

  /// Those that are left alone.
  std::vector<uuid> left_alone() const;

  /// The sagas that have waited long enough, those that did so longest first, `due_max` at most.
  std::vector<uuid> due(instant now) const;

  /// The time at which `due` has something; the end of time if nothing waits.
  instant next_due() const { return waiting_.empty() ? instant::max() : waiting_.begin()->first; }

  const tsl::robin_map<uuid, trouble, secret_hash>& all() const { return of_; }

private:
  tsl::robin_map<uuid, trouble, secret_hash> of_;
  // The sagas that are to be taken up again, and when.
  std::set<std::pair<instant, uuid>> waiting_;
};

} // namespace troupe::saga
