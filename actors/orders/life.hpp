#pragma once

#include "actors/orders/messages.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What can happen to an order, as it is stored for good: fields may be added, as optional ones, and
// never change their meaning. What is told to others is in messages.hpp, and may differ.

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

/// Also of an order that was never created, which then never will be: a tombstone.
struct cancelled {
  static constexpr std::string_view event_type = "cancelled";
};

TROUPE_MESSAGE(cancelled)

/// What an order has come to.
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

  /// An order has two events, three at most.
  static constexpr std::int64_t snapshot_every = 0;
  static constexpr std::int64_t snapshot_form = 1;
};

} // namespace troupe::orders
