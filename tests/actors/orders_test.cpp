#include "actors/orders/messages.hpp"
#include "actors/orders/schema.hpp"
#include "runtime/actor/history.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/wire/json.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::shop::test {

using orders::cancel_order;
using orders::confirm_order;
using orders::create_order;
using orders::get_order;
using orders::order;
using orders::order_state;

struct orders_fixture : actor_fixture {
  orders_fixture() : actor_fixture{type_named("orders")} {}

  outcome<order_state> create(const uuid& which) {
    return call<order_state>("create", create_order{which, "ada", "EUR", {{"tea", 2}, {"mug", 1}}});
  }

  outcome<order_state> confirm(const uuid& which, std::int64_t cents = 2200) {
    return call<order_state>("confirm", confirm_order{which, cents, payment});
  }

  outcome<order_state> cancel(const uuid& which) {
    return call<order_state>("cancel", cancel_order{which});
  }

  /// "1 created, 2 confirmed".
  std::string story(const uuid& which) {
    const auto told = ask<history>("history", get_history{which, {}, {}});
    if (!told) {
      return std::string{told.error().detail("reason")};
    }
    std::string text;
    for (const past_event& each : told->events) {
      text += (text.empty() ? "" : ", ") + std::to_string(each.version) + " " + each.type;
    }
    return text;
  }

  /// All rows of both tables.
  std::string tables() {
    std::string text;
    const auto add = [&](const store::row& row) { text += std::string{row.text(0)} + "\n"; };
    database->query(
        "SELECT hex(order_id) || '|' || customer || '|' || currency || '|' || state || '|' || "
        "COALESCE(amount_cents, 'none') || '|' || COALESCE(hex(payment_id), 'none') || '|' || "
        "created_at FROM orders ORDER BY order_id",
        add);
    database->query(
        "SELECT hex(order_id) || '|' || sku || '|' || quantity FROM order_lines "
        "ORDER BY order_id, sku",
        add);
    return text;
  }

  /// The topics of the events that were published, with their keys.
  std::string published() {
    std::string text;
    database->query("SELECT topic, key FROM outbox ORDER BY seq", [&](const store::row& row) {
      text += std::string{row.text(0)} + (row.text(1) == to_string(id) ? "" : " of another") + "; ";
    });
    return text;
  }

  template <wire::message Event>
  Event last_published() {
    std::string body;
    database->query(
        "SELECT body FROM outbox ORDER BY seq DESC LIMIT 1", [&](const store::row& row) {
          body.assign(reinterpret_cast<const char*>(row.bytes(0).data()), row.bytes(0).size());
        });
    return wire::checked_decode<Event>(body).value();
  }

  uuid id = fresh_id();
  uuid payment = fresh_id();
};

BOOST_AUTO_TEST_SUITE(actors_orders, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(an_order_is_created_confirmed_and_shown, orders_fixture) {
  BOOST_REQUIRE(create(id));
  const auto created = ask<order>("get", get_order{id});
  BOOST_REQUIRE(confirm(id));
  const auto confirmed = ask<order>("get", get_order{id});

  BOOST_REQUIRE(created.has_value());
  BOOST_TEST(created->state == "created");
  BOOST_TEST(created->customer == "ada");
  BOOST_TEST(!created->amount_cents.has_value());
  BOOST_REQUIRE(created->items.size() == 2U);
  BOOST_TEST(created->items[0].sku == "mug");
  BOOST_TEST(created->items[1].quantity == 2);
  BOOST_REQUIRE(confirmed.has_value());
  BOOST_TEST(confirmed->state == "confirmed");
  BOOST_TEST(confirmed->amount_cents.value() == 2200);
  BOOST_TEST((confirmed->payment_id == payment));
}

BOOST_FIXTURE_TEST_CASE(repeats_change_nothing, orders_fixture) {
  BOOST_REQUIRE(create(id));
  BOOST_TEST(create(id).value().state == "created");
  BOOST_REQUIRE(confirm(id));
  BOOST_TEST(confirm(id).value().state == "confirmed");
  BOOST_TEST(create(id).value().state == "confirmed");

  BOOST_TEST(is_refused(confirm(id, 2300), "confirmed_otherwise"));
  BOOST_TEST(number("SELECT COUNT(*) FROM order_lines") == 2);
}

// A different order under a known id would otherwise pass for entered.
BOOST_FIXTURE_TEST_CASE(a_create_of_a_known_order_asks_for_the_same_order, orders_fixture) {
  const auto asked = [&](const std::string& customer,
                         const std::string& currency,
                         std::vector<orders::line> items) {
    return call<order_state>("create", create_order{id, customer, currency, std::move(items)});
  };
  BOOST_REQUIRE(create(id));

  for (const bool is_confirmed : {false, true}) {
    BOOST_TEST_CONTEXT(is_confirmed) {
      BOOST_REQUIRE(!is_confirmed || confirm(id));
      BOOST_TEST(is_refused(asked("ada", "EUR", {{"tea", 3}, {"mug", 1}}), "created_otherwise"));
      BOOST_TEST(is_refused(asked("ada", "EUR", {{"tea", 2}}), "created_otherwise"));
      BOOST_TEST(is_refused(asked("ada", "EUR", {{"tea", 2}, {"hat", 1}}), "created_otherwise"));
      BOOST_TEST(is_refused(asked("eve", "EUR", {{"tea", 2}, {"mug", 1}}), "created_otherwise"));
      BOOST_TEST(is_refused(asked("ada", "USD", {{"tea", 2}, {"mug", 1}}), "created_otherwise"));
      BOOST_TEST(asked("ada", "EUR", {{"mug", 1}, {"tea", 2}}).has_value());
    }
  }
  BOOST_TEST(story(id) == "1 created, 2 confirmed");
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_order_stays_cancelled, orders_fixture) {
  BOOST_REQUIRE(create(id));

  BOOST_TEST(cancel(id).value().state == "cancelled");
  BOOST_TEST(cancel(id).value().state == "cancelled");

  BOOST_TEST(is_refused(create(id), "cancelled"));
  BOOST_TEST(is_refused(confirm(id), "cancelled"));
}

// The undo may overtake the do.
BOOST_FIXTURE_TEST_CASE(a_create_after_its_cancel_is_refused, orders_fixture) {
  BOOST_REQUIRE(cancel(id));

  BOOST_TEST(is_refused(create(id), "cancelled"));
  BOOST_TEST(number("SELECT COUNT(*) FROM order_lines") == 0);
}

BOOST_FIXTURE_TEST_CASE(a_confirmed_order_is_not_cancelled, orders_fixture) {
  BOOST_REQUIRE(create(id));
  BOOST_REQUIRE(confirm(id));

  BOOST_TEST(is_refused(cancel(id), "confirmed"));
  BOOST_TEST(is_refused(confirm(fresh_id()), "unknown_order"));
  BOOST_TEST(is_refused(ask<order>("get", get_order{fresh_id()}), "unknown_order"));
}

BOOST_FIXTURE_TEST_CASE(an_order_s_life_is_told_by_its_events, orders_fixture) {
  const uuid given_up = fresh_id();
  const uuid never = fresh_id();
  BOOST_REQUIRE(create(id));
  BOOST_REQUIRE(create(id));
  BOOST_REQUIRE(confirm(id));
  BOOST_REQUIRE(confirm(id));
  BOOST_REQUIRE(!cancel(id));
  BOOST_REQUIRE(create(given_up));
  BOOST_REQUIRE(cancel(given_up));
  BOOST_REQUIRE(cancel(given_up));
  BOOST_REQUIRE(cancel(never));
  BOOST_REQUIRE(!create(never));

  BOOST_TEST(story(id) == "1 created, 2 confirmed");
  BOOST_TEST(story(given_up) == "1 created, 2 cancelled");
  BOOST_TEST(story(never) == "1 cancelled");
  BOOST_TEST(story(fresh_id()) == "no_history");
  const auto told = ask<history>("history", get_history{id, 1, 1});
  BOOST_REQUIRE(told.has_value());
  BOOST_TEST(
      wire::to_json(told->events.at(0).body.bytes).value()
      == R"({"customer":"ada","currency":"EUR","items":[{"sku":"tea","quantity":2},)"
         R"({"sku":"mug","quantity":1}]})");
}

BOOST_FIXTURE_TEST_CASE(what_an_order_was_is_known_for_each_version, orders_fixture) {
  BOOST_REQUIRE(create(id));
  BOOST_REQUIRE(confirm(id));

  const auto then = ask<past_state>("at", get_past_state{id, 1, {}});
  const auto now = ask<past_state>("at", get_past_state{id, {}, {}});

  BOOST_REQUIRE(then.has_value());
  BOOST_TEST(
      wire::to_json(then->state.bytes).value().find(R"("state":"created","customer":"ada")")
      != std::string::npos);
  BOOST_REQUIRE(now.has_value());
  BOOST_TEST(now->version == 2);
  BOOST_TEST(
      wire::to_json(now->state.bytes).value().find(R"("amount_cents":2200)") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(the_tables_are_rebuilt_from_the_events_alone, orders_fixture) {
  for (int i = 0; i < 30; ++i) {
    time.advance(std::chrono::microseconds{777'777});
    const uuid each = fresh_id();
    if (i % 5 != 0) {
      BOOST_REQUIRE(create(each));
    }
    if (i % 5 == 0 || i % 7 == 0) {
      BOOST_REQUIRE(cancel(each));
    } else if (i % 3 != 0) {
      BOOST_REQUIRE(confirm(each, 100 + i));
    }
  }
  const std::string before = tables();
  for (const char* damage :
       {"UPDATE orders SET state = 'created', amount_cents = 1",
        "DELETE FROM order_lines WHERE sku = 'tea'",
        "UPDATE order_lines SET quantity = quantity + 1",
        "INSERT INTO orders VALUES (x'ff', 'eve', 'EUR', 'created', 1, NULL, 1)",
        "DELETE FROM orders",
        "UPDATE orders SET created_at = 0"}) {
    database->execute(damage);
  }
  BOOST_REQUIRE(tables() != before);

  projection_rebuilt done;
  do {
    const auto slice = call<projection_rebuilt>("rebuild", rebuild_projection{done.next, 10});
    BOOST_REQUIRE(slice.has_value());
    done = {done.things + slice->things, done.events + slice->events, slice->next};
  } while (done.next);

  BOOST_TEST(tables() == before);
  BOOST_TEST(done.things == 30);
  BOOST_TEST(done.events == number("SELECT COUNT(*) FROM events"));
}

BOOST_FIXTURE_TEST_CASE(others_are_told_of_each_change_once, orders_fixture) {
  BOOST_REQUIRE(create(id));
  BOOST_TEST(last_published<orders::order_created>().items.size() == 2U);
  BOOST_REQUIRE(create(id));
  BOOST_REQUIRE(confirm(id));
  BOOST_REQUIRE(confirm(id));
  BOOST_REQUIRE(!confirm(id, 1));
  BOOST_REQUIRE(!cancel(id));

  BOOST_TEST(published() == "order.created; order.confirmed; ");
  const auto told = last_published<orders::order_confirmed>();
  BOOST_TEST((told.order_id == id));
  BOOST_TEST(told.customer == "ada");
  BOOST_TEST(told.currency == "EUR");
  BOOST_TEST(told.items.size() == 2U);
  BOOST_TEST(told.amount_cents == 2200);
  BOOST_TEST((told.payment_id == payment));
}

BOOST_FIXTURE_TEST_CASE(of_a_cancelled_order_others_hear_if_they_heard_of_it, orders_fixture) {
  BOOST_REQUIRE(create(id));
  BOOST_REQUIRE(cancel(id));
  BOOST_REQUIRE(cancel(id));
  BOOST_REQUIRE(cancel(fresh_id()));

  BOOST_TEST(published() == "order.created; order.cancelled; ");
  BOOST_TEST(last_published<orders::order_cancelled>().customer == "ada");
}

/// A database left by a program that kept no events.
struct old_orders_fixture : orders_fixture {
  old_orders_fixture() {
    for (const char* sql :
         {"DROP TABLE orders",
          "DROP TABLE order_lines",
          "DROP TABLE events",
          "DROP TABLE snapshots",
          "DELETE FROM schema_versions WHERE component IN ('orders', 'troupe.events')"}) {
      database->execute(sql);
    }
    actor_type old = type_named("orders");
    old.schema = old.schema.first(1);
    old.keeps_events = false;
    BOOST_REQUIRE(migrate(*database, time, old));
  }

  void add(const uuid& which, std::string_view state, bool has_customer = true) {
    database->execute(
        "INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7)",
        which,
        has_customer ? "ada" : "",
        has_customer ? "EUR" : "",
        state,
        state == "confirmed" ? std::optional{2200} : std::nullopt,
        state == "confirmed" ? std::optional{payment} : std::nullopt,
        1'750'000'000'123);
    if (has_customer) {
      database->execute("INSERT INTO order_lines VALUES ($1, 'mug', 1), ($1, 'tea', 2)", which);
    }
  }
};

BOOST_FIXTURE_TEST_CASE(orders_from_before_get_their_events, old_orders_fixture) {
  const uuid open = fresh_id();
  const uuid given_up = fresh_id();
  const uuid never = fresh_id();
  add(id, "confirmed");
  add(open, "created");
  add(given_up, "cancelled");
  add(never, "cancelled", false);
  for (int i = 0; i < 2'100; ++i) {
    add(fresh_id(), "confirmed");
  }
  const std::string before = tables();

  BOOST_REQUIRE(migrate(*database, time, type_named("orders")));

  BOOST_TEST(tables() == before);
  BOOST_TEST(story(id) == "1 created, 2 confirmed");
  BOOST_TEST(story(given_up) == "1 created, 2 cancelled");
  BOOST_TEST(story(never) == "1 cancelled");
  BOOST_TEST(number("SELECT COUNT(*) FROM events") == 2 + 1 + 2 + 1 + 2 * 2'100);
  BOOST_TEST(number("SELECT COUNT(*) FROM outbox") == 0);
  BOOST_REQUIRE(call<projection_rebuilt>("rebuild", rebuild_projection{}));
  BOOST_TEST(tables() == before);
  BOOST_TEST(confirm(id).value().state == "confirmed");
  BOOST_TEST(confirm(open).value().state == "confirmed");
  BOOST_TEST(story(open) == "1 created, 2 confirmed");
  BOOST_TEST(is_refused(create(never), "cancelled"));
}

BOOST_FIXTURE_TEST_CASE(malformed_orders_are_invalid, orders_fixture) {
  const create_order good{id, "ada", "EUR", {{"tea", 2}}};
  BOOST_TEST(orders::check(good).has_value());
  for (auto spoil : std::initializer_list<void (*)(create_order&)>{
           [](create_order& order) { order.customer.clear(); },
           [](create_order& order) { order.customer.assign(201, 'x'); },
           [](create_order& order) { order.currency = "Eur"; },
           [](create_order& order) { order.items.clear(); },
           [](create_order& order) {
             order.items.resize(33, {"tea", 1});
           },
           [](create_order& order) { order.items[0].sku.clear(); },
           [](create_order& order) { order.items[0].quantity = 0; },
           [](create_order& order) { order.items[0].quantity = -1; },
           [](create_order& order) { order.items[0].quantity = INT64_MAX; },
           [](create_order& order) {
             order.items.push_back({"tea", 1});
           }}) {
    create_order bad = good;
    spoil(bad);
    BOOST_TEST(is_invalid(call<order_state>("create", bad)));
  }
  BOOST_TEST(is_invalid(confirm(id, 0)));
  BOOST_TEST(is_invalid(confirm(id, -2200)));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test
