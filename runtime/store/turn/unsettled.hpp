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

/// An effect that stands still, for people: its result is known and could not be settled, or its
/// owner is gone and nobody has a program for it.
struct unsettled_row {
  uuid key;
  /// The call that waits for it.
  uuid call;
  std::string name;
  std::uint32_t attempts = 0;
  /// When a settlement failed first.
  wall_time since{};
  /// Why it failed last.
  std::string error;
  bool is_left_alone = false;
};

/// The results of effects whose settlement failed: what the outside said is kept until it is in the
/// books.
///
/// Borrows the session; each function belongs to the turn of the moment and throws database_error.
class unsettled {
public:
  explicit unsettled(database& session) : session_{session} {}

  /// Keeps the result of the effect `key`, or notes that its settlement failed once more.
  void keep(const uuid& key, const unsettled_result& result, std::string_view error, wall_time now);

  /// How many settlements of the effect failed; 0 if none did.
  std::uint32_t attempts(const uuid& key);

  /// The result was settled.
  void remove(const uuid& key);

  /// The first `count_max` behind `after`, in the order of their keys, whoever owns them; those
  /// that were left alone are among them.
  std::vector<unsettled_row> list(const uuid& after, int count_max);

private:
  database& session_;
};

} // namespace troupe::store
