#pragma once

#include "runtime/store/migrations.hpp"

#include <array>

namespace troupe::notes {

inline constexpr std::array schema{store::migration{1, "notes", R"sql(
CREATE TABLE notes (
  note_id BLOB PRIMARY KEY,
  text TEXT NOT NULL
) WITHOUT ROWID;
)sql"}};

} // namespace troupe::notes
