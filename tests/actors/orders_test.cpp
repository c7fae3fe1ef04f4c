#include "actors/orders/messages.hpp"
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

  uuid id = fresh_id();
  uuid payment = fresh_id();
};

BOOST_AUTO_TEST_SUITE(actors_orders, *utf::label("unit") * utf::timeout(5))

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

BOOST_FIXTURE_TEST_CASE(a_cancelled_order_stays_cancelled, orders_fixture) {
  BOOST_REQUIRE(create(id));

  BOOST_TEST(cancel(id).value().state == "cancelled");
  BOOST_TEST(cancel(id).value().state == "cancelled");

  BOOST_TEST(is_refused(create(id), "cancelled"));
  BOOST_TEST(is_refused(confirm(id), "cancelled"));
}

// R33: the undo may overtake the do.
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
