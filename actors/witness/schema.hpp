#pragma once

#include "runtime/store/migrations.hpp"

#include <array>

namespace troupe::witness {

/// The events seen, in the order of `place`. No constraint keeps an event from being here twice:
/// that is the runtime's promise, which tests check here.
inline constexpr std::array schema{store::migration{1, "sights", R"sql(
CREATE TABLE sights (
  place INTEGER PRIMARY KEY,
  event_id BLOB NOT NULL,
  position BIGINT NOT NULL,
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  n BIGINT NOT NULL,
  node TEXT NOT NULL,
  attempt INTEGER NOT NULL
);
CREATE TABLE effects_seen (
  place INTEGER PRIMARY KEY,
  effect_key BLOB NOT NULL
);
)sql"}};

} // namespace troupe::witness
