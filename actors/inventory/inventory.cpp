#include "actors/inventory/inventory.hpp"

#include "actors/money.hpp"

#include <algorithm>

namespace troupe::inventory {

namespace {

constexpr std::size_t products_max = 1'000;
// The largest stock of one product, far within 64 bits.
constexpr std::int64_t shelf_max = 1'000'000'000'000;

error unknown_sku(const std::string& sku) {
  return rejected("unknown_sku", "There is no product " + sku + ".");
}

outcome<void> check(const product& item) {
  if (!shop::is_sku(item.sku)) {
    return failure{invalid("sku: 1 to 64 bytes are wanted")};
  }
  if (!shop::is_price(item.price_cents)) {
    return failure{invalid("price_cents of " + item.sku + ": 1 to 1000000000 are wanted")};
  }
  if (!shop::is_currency(item.currency)) {
    return failure{invalid("currency of " + item.sku + ": three capital letters are wanted")};
  }
  if (item.quantity < 0 || item.quantity > shop::quantity_max) {
    return failure{invalid("quantity of " + item.sku + ": 0 to 1000000 are wanted")};
  }
  return {};
}

/// The lines sorted by SKU. All turns then lock the rows of `stock` in the same order, so that
/// concurrent writers (PostgreSQL) cannot deadlock.
outcome<std::vector<const line*>> sorted_lines(const reserve_stock& request) {
  if (request.items.empty() || request.items.size() > shop::lines_max) {
    return failure{invalid("items: 1 to 32 are wanted")};
  }
  std::vector<const line*> lines;
  lines.reserve(request.items.size());
  for (const line& each : request.items) {
    if (!shop::is_sku(each.sku)) {
      return failure{invalid("sku: 1 to 64 bytes are wanted")};
    }
    if (!shop::is_quantity(each.quantity)) {
      return failure{invalid("quantity of " + each.sku + ": 1 to 1000000 are wanted")};
    }
    lines.push_back(&each);
  }
  std::ranges::sort(lines, {}, &line::sku);
  const auto twice = std::ranges::adjacent_find(lines, {}, &line::sku);
  if (twice != lines.end()) {
    return failure{invalid("items: " + (*twice)->sku + " comes twice")};
  }
  return lines;
}

/// Stock and price of one product.
struct shelf {
  bool exists = false;
  std::int64_t price_cents = 0;
  std::int64_t available = 0;
  std::string currency;
};

/// The stock of each line, in the order of `lines`. One query per line: for `IN (...)` SQLite
/// builds a temporary table each time, which costs as much as three of these queries.
std::vector<shelf> look_up(store::database& session, const std::vector<const line*>& lines) {
  std::vector<shelf> shelves(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    session.query(
        "SELECT price_cents, currency, available FROM stock WHERE sku = $1",
        [&](const store::row& row) {
          shelves[i] = {true, row.integer(0), row.integer(2), std::string{row.text(1)}};
        },
        lines[i]->sku);
  }
  return shelves;
}

error out_of_stock(const line& wanted, std::int64_t available) {
  return rejected(
      "out_of_stock",
      std::to_string(wanted.quantity) + " of " + wanted.sku + " were asked for and "
          + std::to_string(available) + " are left.");
}

/// The total price of the lines, or why they cannot be reserved.
outcome<std::int64_t> total_of(
    const std::vector<const line*>& lines,
    const std::vector<shelf>& shelves,
    const std::string& currency) {
  std::int64_t total = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const line& wanted = *lines[i];
    const shelf& there = shelves[i];
    std::optional<error> why;
    if (!there.exists) {
      why = unknown_sku(wanted.sku);
    } else if (there.currency != currency) {
      why = rejected(
          "other_currency",
          wanted.sku + " is sold in " + there.currency + ", not in " + currency + ".");
    } else if (there.available < wanted.quantity) {
      why = out_of_stock(wanted, there.available);
    }
    if (why) {
      why->details.emplace_back("sku", wanted.sku);
      return failure{std::move(*why)};
    }
    total += there.price_cents * wanted.quantity; // The sum stays within 64 bits: see money.hpp.
  }
  if (!shop::is_amount(total)) {
    return failure{rejected(
        "too_expensive",
        "An order of " + std::to_string(total) + " cents is more than this shop sells at once.")};
  }
  return total;
}

bool is_claimed(store::database& session, const uuid& order) {
  return session.integer_of("SELECT 1 FROM claims WHERE order_id = $1", order).has_value();
}

/// The answer if the order has a reservation already: that reservation, if it is for the same
/// lines.
outcome<stock_reserved> held_already(
    store::database& session, const reserve_stock& request, const std::vector<const line*>& lines) {
  stock_reserved held;
  std::size_t rows = 0;
  bool same_lines = true;
  session.query(
      "SELECT held.sku, held.quantity, held.price_cents, stock.currency "
      "FROM reservations AS held JOIN stock ON stock.sku = held.sku "
      "WHERE held.order_id = $1 AND held.state = 'held' ORDER BY held.sku",
      [&](const store::row& row) {
        same_lines = same_lines && rows < lines.size() && lines[rows]->sku == row.text(0)
                     && lines[rows]->quantity == row.integer(1);
        held.total_cents += row.integer(1) * row.integer(2);
        held.currency = row.text(3);
        ++rows;
      },
      request.order_id);
  if (rows == 0) {
    return failure{already_undone(request.order_id)};
  }
  if (held.currency != request.currency) {
    return failure{rejected(
        "other_currency",
        "Order " + to_string(request.order_id) + " has its goods in " + held.currency + ", not in "
            + request.currency + ".")};
  }
  if (!same_lines || rows != lines.size()) {
    return failure{rejected(
        "reserved_otherwise",
        "Order " + to_string(request.order_id) + " holds other goods than these.")};
  }
  return held;
}

constexpr std::int64_t listed_max = 10'000;

reservation_list list(const list_reservations& request, store::database& session) {
  reservation_list page;
  session.query(
      "SELECT order_id, COUNT(*), SUM(quantity * price_cents) FROM reservations WHERE order_id > "
      "$1 "
      "AND state = 'held' GROUP BY order_id ORDER BY order_id LIMIT $2",
      [&](const store::row& row) {
        page.reservations.push_back({row.id(0), row.integer(1), row.integer(2)});
      },
      request.after.value_or(uuid{}),
      std::clamp<std::int64_t>(request.count, 1, listed_max));
  return page;
}

} // namespace

inventory_actor::inventory_actor(const context& context)
    : options_{context.config<inventory_options>()},
      add_reservations_{"reservations (order_id, sku, quantity, price_cents)", 3, shop::lines_max} {
  publishes<stock_low>("stock.low");
  command("load", [](const load_stock& request, turn& turn) { return handle(request, turn); });
  query("stock", [](const get_stock& request, store::database& session) {
    return handle(request, session);
  });
  query("reservations", [](const list_reservations& request, store::database& session) {
    return list(request, session);
  });
  command("restock", [](const restock& request, turn& turn) { return handle(request, turn); });
  command("reserve", [this](const reserve_stock& request, turn& turn) {
    return handle(request, turn);
  });
  command("release", [this](const release_stock& request, turn& turn) {
    return handle(request, turn);
  });
}

outcome<stock_loaded> inventory_actor::handle(const load_stock& request, turn& turn) {
  if (request.items.empty() || request.items.size() > products_max) {
    return failure{invalid("items: 1 to 1000 are wanted")};
  }
  stock_loaded loaded;
  for (const product& item : request.items) {
    TROUPE_CHECK(check(item));
    loaded.added += turn.database().execute(
        "INSERT INTO stock (sku, price_cents, currency, initial, available) "
        "VALUES ($1, $2, $3, $4, $4) ON CONFLICT (sku) DO NOTHING",
        item.sku,
        item.price_cents,
        item.currency,
        item.quantity);
  }
  return loaded;
}

outcome<stock_level> inventory_actor::handle(const get_stock& request, store::database& session) {
  outcome<stock_level> found = failure{unknown_sku(request.sku)};
  session.query(
      "SELECT price_cents, currency, available FROM stock WHERE sku = $1",
      [&](const store::row& row) {
        found = stock_level{request.sku, row.integer(0), std::string{row.text(1)}, row.integer(2)};
      },
      request.sku);
  return found;
}

outcome<stock_level> inventory_actor::handle(const restock& request, turn& turn) {
  if (!shop::is_quantity(request.quantity)) {
    return failure{invalid("quantity: 1 to 1000000 are wanted")};
  }
  std::optional<stock_level> level;
  turn.database().query(
      "UPDATE stock SET available = available + $2, initial = initial + $2 "
      "WHERE sku = $1 AND initial <= $3 RETURNING price_cents, currency, available",
      [&](const store::row& row) {
        level = stock_level{request.sku, row.integer(0), std::string{row.text(1)}, row.integer(2)};
      },
      request.sku,
      request.quantity,
      shelf_max - request.quantity);
  if (level) {
    return *level;
  }
  const auto known = handle(get_stock{request.sku}, turn.database());
  return failure{
      known ? rejected("shelf_full", "There is no room for more of " + request.sku + ".")
            : known.error()};
}

outcome<stock_reserved> inventory_actor::handle(const reserve_stock& request, turn& turn) const {
  TROUPE_TRY(auto lines, sorted_lines(request));
  // Checking before the first write makes refusals cheap: an order refused after a write would undo
  // the whole turn and run it again. The UPDATE decides all the same.
  store::database& session = turn.database();
  const std::vector<shelf> shelves = look_up(session, lines);
  const auto total = total_of(lines, shelves, request.currency);
  if (!total) {
    return is_claimed(session, request.order_id) ? held_already(session, request, lines)
                                                 : failure{total.error()};
  }
  if (!claims_.is_first(request.order_id, turn)) {
    return held_already(session, request, lines);
  }
  std::vector<store::value> rows;
  rows.reserve(3 * lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const line& each = *lines[i];
    if (!take(each, turn)) {
      return failure{out_of_stock(each, 0)};
    }
    rows.insert(rows.end(), {std::string_view{each.sku}, each.quantity, shelves[i].price_cents});
  }
  add_reservations_.run(session, request.order_id, rows);
  return stock_reserved{*total, request.currency};
}

bool inventory_actor::take(const line& wanted, turn& turn) const {
  store::database& session = turn.database();
  const auto taken = session.execute(
      "UPDATE stock SET available = available - $1 WHERE sku = $2 AND available >= $1",
      wanted.quantity,
      wanted.sku);
  if (taken == 0) {
    return false;
  }
  // RETURNING is avoided, since SQLite builds a temporary table for it, too.
  const std::int64_t left =
      session.integer_of("SELECT available FROM stock WHERE sku = $1", wanted.sku).value_or(0);
  if (left < options_.low_at && left + wanted.quantity >= options_.low_at) {
    turn.publish("stock.low", stock_low{wanted.sku, left, options_.low_at}, wanted.sku);
  }
  return true;
}

outcome<stock_released> inventory_actor::handle(const release_stock& request, turn& turn) const {
  store::database& session = turn.database();
  if (claims_.is_first(request.order_id, turn)) {
    return stock_released{0};
  }
  std::vector<line> lines;
  session.query(
      "UPDATE reservations SET state = 'released' WHERE order_id = $1 AND state = 'held' "
      "RETURNING sku, quantity",
      [&](const store::row& row) {
        lines.push_back({std::string{row.text(0)}, row.integer(1)});
      },
      request.order_id);
  std::ranges::sort(lines, {}, &line::sku);
  for (const line& each : lines) {
    session.execute(
        "UPDATE stock SET available = available + $1 WHERE sku = $2", each.quantity, each.sku);
  }
  return stock_released{static_cast<std::int64_t>(lines.size())};
}

} // namespace troupe::inventory
