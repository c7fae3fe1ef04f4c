#pragma once

#include "runtime/store/migrations.hpp"

#include <array>

namespace troupe::inventory {

/// `stock.initial` counts all pieces ever put on the shelf, so that `initial` always equals
/// `available` plus the sum of held reservations.
///
/// `claims` has a row for each order, written by `reserve` or `release`, whichever comes first. A
/// claim without reservations is the tombstone of a release that came before its reserve.
inline constexpr std::array schema{store::migration{1, "stock and reservations", R"sql(
CREATE TABLE stock (
  sku TEXT PRIMARY KEY,
  price_cents BIGINT NOT NULL,
  currency TEXT NOT NULL,
  initial BIGINT NOT NULL,
  available BIGINT NOT NULL CHECK (available >= 0)
) WITHOUT ROWID;
CREATE TABLE claims (
  order_id BLOB PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE reservations (
  order_id BLOB NOT NULL,
  sku TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  price_cents BIGINT NOT NULL,
  state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released')),
  PRIMARY KEY (order_id, sku)
) WITHOUT ROWID;
)sql"}};

} // namespace troupe::inventory
