#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::inventory {

struct product {
  std::string sku;
  std::int64_t price_cents = 0;
  std::string currency;
  std::int64_t quantity = 0;
};

TROUPE_MESSAGE(product, sku, price_cents, currency, quantity)

/// `load`: adds products. Existing products stay unchanged, so the same list can be loaded at every
/// start. 1 to 1,000 items.
struct load_stock {
  std::vector<product> items;
};

TROUPE_MESSAGE(load_stock, items)

struct stock_loaded {
  std::int64_t added = 0;
};

TROUPE_MESSAGE(stock_loaded, added)

/// `stock`. Refused: `unknown_sku`.
struct get_stock {
  std::string sku;
};

TROUPE_MESSAGE(get_stock, sku)

/// `restock`: adds `quantity` pieces. Refused: `unknown_sku`, `shelf_full`.
struct restock {
  std::string sku;
  std::int64_t quantity = 0;
};

TROUPE_MESSAGE(restock, sku, quantity)

/// The answer to `stock` and `restock`.
struct stock_level {
  std::string sku;
  std::int64_t price_cents = 0;
  std::string currency;
  std::int64_t available = 0;
};

TROUPE_MESSAGE(stock_level, sku, price_cents, currency, available)

struct line {
  std::string sku;
  std::int64_t quantity = 0;
};

TROUPE_MESSAGE(line, sku, quantity)

/// `reserve`: holds all lines or none. A repeat for the same order gets the first
/// answer. Refused: `unknown_sku`, `other_currency`, `out_of_stock`, `too_expensive`;
/// `reserved_otherwise` if the order holds other goods; `cancelled` if it was released before.
struct reserve_stock {
  uuid order_id;
  std::string currency;
  std::vector<line> items;
};

TROUPE_MESSAGE(reserve_stock, order_id, currency, items)

/// The price of the reserved goods, since the inventory sets prices.
struct stock_reserved {
  std::int64_t total_cents = 0;
  std::string currency;
};

TROUPE_MESSAGE(stock_reserved, total_cents, currency)

/// Published on `stock.low` with the SKU as key, when a reservation takes the available pieces
/// below `low_at`; again only after they were above it.
struct stock_low {
  std::string sku;
  std::int64_t available = 0;
  std::int64_t low_at = 0;
};

TROUPE_MESSAGE(stock_low, sku, available, low_at)

/// `release`: undoes the reservation of an order. Before `reserve` it leaves a tombstone, for which
/// `reserve` is refused.
struct release_stock {
  uuid order_id;
};

TROUPE_MESSAGE(release_stock, order_id)

struct stock_released {
  std::int64_t lines = 0;
};

TROUPE_MESSAGE(stock_released, lines)

/// `reservations`: the goods that orders hold, in the order of their ids, for reconciliation. 1 to
/// 10,000 at once.
struct list_reservations {
  /// The order after which the answer begins.
  std::optional<uuid> after{};
  std::int64_t count = 1'000;
};

TROUPE_MESSAGE(list_reservations, after, count)

struct listed_reservation {
  uuid order_id;
  std::int64_t lines = 0;
  std::int64_t total_cents = 0;
};

TROUPE_MESSAGE(listed_reservation, order_id, lines, total_cents)

/// The reservations; empty after the last order.
struct reservation_list {
  std::vector<listed_reservation> reservations;
};

TROUPE_MESSAGE(reservation_list, reservations)

} // namespace troupe::inventory
