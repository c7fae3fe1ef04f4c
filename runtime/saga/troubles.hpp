#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/secret_hash.hpp"

#include <cstdint>
#include <string>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe::saga {

/// Why a saga stands still in this process.
struct trouble {
  std::string reason;
  /// How often in a row its events could not be processed. 0: it is left alone, as this program
  /// cannot continue it.
  std::uint32_t failures = 0;
  wall_time since{};
  /// When it is taken up again; the end of time if it is left alone.
  instant again_at = instant::max();
};

/// The sagas of this process that stand still: those left alone, and those whose events fail, which
/// wait longer after each failure.
///
/// In memory only: another process, or the next life of this one, sees for itself.
class troubles {
public:
  /// After so many failures in a row, over a minute and a half, a saga is parked.
  static constexpr std::uint32_t failures_max = 10;

  /// @return false if that was known.
  bool leave_alone(const uuid& saga, std::string reason, wall_time since);

  /// Its event, or its takeover, failed once more.
  void failed(const uuid& saga, std::string reason, wall_time since, instant now);

  void forget(const uuid& saga);
  void clear();

  /// Null if it has no trouble.
  const trouble* find(const uuid& saga) const;

  /// Whether it may be taken up: it has no trouble, or waited long enough.
  bool may_go_on(const uuid& saga, instant now) const;

  /// The sagas that have waited long enough.
  std::vector<uuid> due(instant now) const;

  /// When `due` has something; the end of time if nothing waits.
  instant next_due() const { return next_due_; }

  const tsl::robin_map<uuid, trouble, secret_hash>& all() const { return of_; }

private:
  void note_next_due();

  tsl::robin_map<uuid, trouble, secret_hash> of_;
  instant next_due_ = instant::max();
};

} // namespace troupe::saga
