#pragma once

#include "runtime/store/migrations.hpp"

#include <array>

namespace troupe::witness {

/// In order of `place`, what was seen; nothing keeps an event from being here twice but the
/// runtime.
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
