#pragma once

#include "runtime/store/migrations.hpp"

#include <array>

namespace troupe::users {

inline constexpr std::array schema{store::migration{1, "users", R"sql(
CREATE TABLE users (
  user_id BLOB PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
) WITHOUT ROWID;
)sql"}};

} // namespace troupe::users
