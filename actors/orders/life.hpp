#pragma once

#include "actors/orders/messages.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The events of an order as they are stored forever: optional fields may be added, and no field
// changes its meaning. The events that are published are in messages.hpp and may differ.

namespace troupe::orders {

struct created {
  static constexpr std::string_view event_type = "created";
  std::string customer;
  std::string currency;
  std::vector<line> items;
};

TROUPE_MESSAGE(created, customer, currency, items)

struct confirmed {
  static constexpr std::string_view event_type = "confirmed";
  std::int64_t amount_cents = 0;
  uuid payment_id;
};

TROUPE_MESSAGE(confirmed, amount_cents, payment_id)

/// May also be the first event of an order. It is then a tombstone: the order cannot be created.
struct cancelled {
  static constexpr std::string_view event_type = "cancelled";
};

TROUPE_MESSAGE(cancelled)

/// The state of an order after its events.
struct standing {
  /// "" before anything happened; "created", "confirmed" or "cancelled".
  std::string state;
  std::string customer;
  std::string currency;
  std::vector<line> items;
  std::optional<std::int64_t> amount_cents;
  std::optional<uuid> payment_id;
};

TROUPE_MESSAGE(standing, state, customer, currency, items, amount_cents, payment_id)

struct order_life {
  using state = standing;
  using event = std::variant<created, confirmed, cancelled>;

  static standing apply(standing now, const created& event);
  static standing apply(standing now, const confirmed& event);
  static standing apply(standing now, const cancelled& event);

  /// No snapshots: an order has two events, three at most.
  static constexpr std::int64_t snapshot_every = 0;
  static constexpr std::int64_t snapshot_form = 1;
};

} // namespace troupe::orders
