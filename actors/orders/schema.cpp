#include "actors/orders/schema.hpp"

#include "actors/orders/life.hpp"
#include "runtime/actor/aggregate.hpp"

namespace troupe::orders {

namespace {

struct known_order {
  uuid id;
  std::string state;
  wall_time at{};
  created as_created{};
  confirmed as_confirmed{};
};

/// Orders per page, in the order of their ids, since the whole table may not fit into memory.
constexpr int page_orders = 1'000;

std::vector<known_order> read_page(store::database& session, const uuid& after) {
  std::vector<known_order> page;
  session.query(
      "SELECT order_id, state, created_at, customer, currency, amount_cents, payment_id "
      "FROM orders WHERE order_id > $1 ORDER BY order_id LIMIT $2",
      [&](const store::row& row) {
        known_order& each = page.emplace_back();
        each.id = row.id(0);
        each.state = row.text(1);
        each.at = wall_time{milliseconds{row.integer(2)}};
        each.as_created.customer = row.text(3);
        each.as_created.currency = row.text(4);
        if (!row.is_null(5)) {
          each.as_confirmed = {row.integer(5), row.id(6)};
        }
      },
      after,
      page_orders);
  return page;
}

void read_lines(store::database& session, known_order& of) {
  session.query(
      "SELECT sku, quantity FROM order_lines WHERE order_id = $1 ORDER BY sku",
      [&](const store::row& row) {
        of.as_created.items.push_back({std::string{row.text(0)}, row.integer(1)});
      },
      of.id);
}

void write_events(store::database& session, const known_order& of) {
  aggregate<order_life> order{of.id};
  const auto record = [&](const auto& event) {
    if (const auto done = order.record(session, event, of.id, of.at); !done) {
      throw store::database_error{store::database_fault::constraint, done.error().message};
    }
  };
  if (!of.as_created.customer.empty()) { // A tombstone has no customer.
    record(of.as_created);
  }
  if (of.state == "confirmed") {
    record(of.as_confirmed);
  } else if (of.state == "cancelled") {
    record(cancelled{});
  }
}

} // namespace

void write_events_of_orders(store::database& session) {
  uuid after;
  for (auto page = read_page(session, after); !page.empty(); page = read_page(session, after)) {
    for (known_order& each : page) {
      read_lines(session, each);
      write_events(session, each);
    }
    after = page.back().id;
  }
}

} // namespace troupe::orders
