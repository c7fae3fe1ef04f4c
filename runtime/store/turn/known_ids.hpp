#pragma once

#include "runtime/ids.hpp"
#include "runtime/secret_hash.hpp"

#include <cstddef>

// The set's own code is not written for -Wconversion; it is a system header.
#include <tsl/robin_set.h>

namespace troupe::store {

/// A writer's memory of the ids in the inbox, so that it need not query it for a new id.
///
/// It knows every row above a floor, and none up to it. That is true only while no other process
/// writes the database: call `start_over` when the database's version has changed. Bounded: the
/// older half goes when there are `ids_max`, and the floor rises. A value, 0.5 MiB when full.
class known_ids {
public:
  static constexpr std::size_t ids_max = 16'384;

  /// Forgets all ids; every existing row has an id up to `newest`.
  void start_over(const uuid& newest);

  /// Notes an id that has a row now, or may have one.
  void add(const uuid& id);

  /// True if there is certainly no row with `id`. False says nothing.
  bool is_new(const uuid& id) const {
    return floor_ < id && !young_.ids.contains(id) && !old_.ids.contains(id);
  }

private:
  struct generation {
    tsl::robin_set<uuid, secret_hash> ids;
    uuid newest{};
  };

  uuid floor_{};
  generation young_;
  generation old_;
};

} // namespace troupe::store
