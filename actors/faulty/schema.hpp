#pragma once

#include "runtime/store/migrations.hpp"

#include <array>

namespace troupe::faulty {

inline constexpr std::array schema{store::migration{1, "texts", R"sql(
CREATE TABLE texts (
  call_id BLOB PRIMARY KEY,
  text TEXT NOT NULL
) WITHOUT ROWID;
)sql"}};

} // namespace troupe::faulty
