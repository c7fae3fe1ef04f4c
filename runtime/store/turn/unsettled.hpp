#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/turn/writers.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::store {

/// An effect that makes no progress, as shown to operators: its result is known and could not be
/// settled, or its owner is gone and no running program has its code.
struct unsettled_row {
  uuid key;
  /// The call that waits for it.
  uuid call;
  std::string name;
  std::uint32_t attempts = 0;
  /// The time of the first failed settlement.
  wall_time since{};
  /// The reason of the last failure.
  std::string error;
  bool is_left_alone = false;
};

/// The results of effects whose settlement failed, kept until they are settled.
///
/// Borrows the session; each function runs in the current turn and throws database_error.
class unsettled {
public:
  explicit unsettled(database& session) : session_{session} {}

  /// Keeps the result of the effect `key`, or notes that its settlement failed once more.
  void keep(const uuid& key, const unsettled_result& result, std::string_view error, wall_time now);

  /// The number of the effect's failed settlements; 0 if none failed.
  std::uint32_t attempts(const uuid& key);

  /// The result was settled.
  void remove(const uuid& key);

  /// The first `count_max` after `after`, in the order of their keys, of all owners, including
  /// those left alone.
  std::vector<unsettled_row> list(const uuid& after, int count_max);

private:
  database& session_;
};

} // namespace troupe::store
