#include "actors/inventory/messages.hpp"
#include "actors/money.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::shop::test {

using inventory::get_stock;
using inventory::line;
using inventory::load_stock;
using inventory::release_stock;
using inventory::reserve_stock;
using inventory::restock;
using inventory::stock_level;
using inventory::stock_loaded;
using inventory::stock_released;
using inventory::stock_reserved;

struct inventory_fixture : actor_fixture {
  explicit inventory_fixture(config_tree settings = {})
      : actor_fixture{type_named("inventory"), std::move(settings)} {
    const auto loaded = call<stock_loaded>(
        "load",
        load_stock{{{"tea", 500, "EUR", 10}, {"mug", 1200, "EUR", 3}, {"hat", 900, "USD", 5}}});
    BOOST_REQUIRE(loaded.has_value());
    BOOST_REQUIRE(loaded->added == 3);
  }

  outcome<stock_reserved> reserve(const uuid& order, std::vector<line> items) {
    return call<stock_reserved>("reserve", reserve_stock{order, "EUR", std::move(items)});
  }

  std::int64_t release(const uuid& order) {
    const auto released = call<stock_released>("release", release_stock{order});
    BOOST_REQUIRE(released.has_value());
    return released->lines;
  }

  std::int64_t available(const std::string& sku) {
    const auto level = ask<stock_level>("stock", get_stock{sku});
    BOOST_REQUIRE(level.has_value());
    return level->available;
  }

  /// "mug 2; " for each stock.low.
  std::string low() {
    std::string text;
    database->query(
        "SELECT key, body FROM outbox WHERE topic = 'stock.low' ORDER BY seq",
        [&](const store::row& row) {
          const auto told = wire::checked_decode<inventory::stock_low>(
              {reinterpret_cast<const char*>(row.bytes(1).data()), row.bytes(1).size()});
          BOOST_REQUIRE(told.has_value());
          BOOST_TEST(told->sku == row.text(0));
          text += told->sku + " " + std::to_string(told->available) + "; ";
        });
    return text;
  }

  /// Holds after every test: initial = available + held, for each SKU.
  ~inventory_fixture() {
    BOOST_TEST(
        number("SELECT COUNT(*) FROM (SELECT s.sku FROM stock s LEFT JOIN reservations r "
               "ON r.sku = s.sku AND r.state = 'held' GROUP BY s.sku, s.initial, s.available "
               "HAVING s.initial <> s.available + COALESCE(SUM(r.quantity), 0))")
        == 0);
  }
};

BOOST_AUTO_TEST_SUITE(actors_inventory, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(loading_again_changes_nothing, inventory_fixture) {
  BOOST_REQUIRE(reserve(fresh_id(), {{"tea", 4}}));

  const auto again = call<stock_loaded>("load", load_stock{{{"tea", 1, "EUR", 99}}});

  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(again->added == 0);
  BOOST_TEST(available("tea") == 6);
}

BOOST_FIXTURE_TEST_CASE(a_reservation_is_priced_and_leaves_the_shelf, inventory_fixture) {
  const auto reserved = reserve(fresh_id(), {{"tea", 2}, {"mug", 3}});

  BOOST_REQUIRE(reserved.has_value());
  BOOST_TEST(reserved->total_cents == 2 * 500 + 3 * 1200);
  BOOST_TEST(reserved->currency == "EUR");
  BOOST_TEST(available("tea") == 8);
  BOOST_TEST(available("mug") == 0);
}

BOOST_FIXTURE_TEST_CASE(all_lines_are_reserved_or_none, inventory_fixture) {
  const auto short_of = reserve(fresh_id(), {{"tea", 2}, {"mug", 4}});
  const auto unknown = reserve(fresh_id(), {{"tea", 2}, {"sofa", 1}});

  BOOST_TEST(is_refused(short_of, "out_of_stock"));
  BOOST_TEST(short_of.error().message.find("mug") != std::string::npos);
  BOOST_TEST(short_of.error().detail("sku") == "mug");
  BOOST_TEST(is_refused(unknown, "unknown_sku"));
  BOOST_TEST(unknown.error().message.find("sofa") != std::string::npos);
  BOOST_TEST(available("tea") == 10);
  BOOST_TEST(number("SELECT COUNT(*) FROM claims") == 0);
}

// A refusal after a write has the whole turn run again, which would be slow in a sale.
BOOST_FIXTURE_TEST_CASE(a_refusal_has_written_nothing, inventory_fixture) {
  const auto before = number("SELECT total_changes()");

  BOOST_TEST(!reserve(fresh_id(), {{"tea", 2}, {"mug", 4}}));
  BOOST_TEST(!reserve(fresh_id(), {{"tea", 2}, {"sofa", 4}}));

  BOOST_TEST(number("SELECT total_changes()") == before);
}

BOOST_FIXTURE_TEST_CASE(an_order_is_in_one_currency, inventory_fixture) {
  BOOST_TEST(is_refused(reserve(fresh_id(), {{"tea", 1}, {"hat", 1}}), "other_currency"));
}

BOOST_FIXTURE_TEST_CASE(a_second_reserve_gets_the_answer_of_the_first, inventory_fixture) {
  const uuid order = fresh_id();
  BOOST_REQUIRE(reserve(order, {{"tea", 6}}));

  const auto again = reserve(order, {{"tea", 6}}); // More pieces than are left.

  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(again->total_cents == 3000);
  BOOST_TEST(available("tea") == 4);
}

BOOST_FIXTURE_TEST_CASE(a_second_reserve_of_something_else_is_refused, inventory_fixture) {
  const uuid order = fresh_id();
  BOOST_REQUIRE(reserve(order, {{"tea", 2}, {"mug", 1}}));
  const auto in_dollars = [&](std::vector<line> items) {
    return call<stock_reserved>("reserve", reserve_stock{order, "USD", std::move(items)});
  };

  BOOST_TEST(is_refused(in_dollars({{"tea", 2}, {"mug", 1}}), "other_currency"));
  BOOST_TEST(is_refused(in_dollars({{"hat", 1}}), "other_currency"));
  BOOST_TEST(is_refused(reserve(order, {{"tea", 3}, {"mug", 1}}), "reserved_otherwise"));
  BOOST_TEST(is_refused(reserve(order, {{"tea", 2}}), "reserved_otherwise"));
  BOOST_TEST(
      is_refused(reserve(order, {{"mug", 1}, {"sofa", 1}, {"tea", 2}}), "reserved_otherwise"));

  const auto again = reserve(order, {{"mug", 1}, {"tea", 2}});
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(again->total_cents == 2200);
  BOOST_TEST(again->currency == "EUR");
  BOOST_TEST(available("tea") == 8);
  BOOST_TEST(available("hat") == 5);
}

BOOST_FIXTURE_TEST_CASE(a_release_puts_back_once, inventory_fixture) {
  const uuid order = fresh_id();
  BOOST_REQUIRE(reserve(order, {{"tea", 6}, {"mug", 1}}));

  BOOST_TEST(release(order) == 2);
  BOOST_TEST(release(order) == 0);

  BOOST_TEST(available("tea") == 10);
  BOOST_TEST(available("mug") == 3);
  BOOST_TEST(is_refused(reserve(order, {{"tea", 6}, {"mug", 1}}), "cancelled"));
}

// The undo may overtake the do, which then must not leave goods held forever.
BOOST_FIXTURE_TEST_CASE(a_reserve_after_its_release_is_refused, inventory_fixture) {
  const uuid order = fresh_id();
  BOOST_TEST(release(order) == 0);

  const auto late = reserve(order, {{"tea", 1}});

  BOOST_TEST(is_refused(late, "cancelled"));
  BOOST_TEST(available("tea") == 10);
}

BOOST_FIXTURE_TEST_CASE(restocking_adds_and_has_an_end, inventory_fixture) {
  const auto more = call<stock_level>("restock", restock{"tea", 5});
  database->execute(
      "UPDATE stock SET initial = 999999999999, available = 999999999999 WHERE sku = 'hat'");

  BOOST_REQUIRE(more.has_value());
  BOOST_TEST(more->available == 15);
  BOOST_TEST(is_refused(call<stock_level>("restock", restock{"hat", 2}), "shelf_full"));
  BOOST_TEST(is_refused(call<stock_level>("restock", restock{"sofa", 2}), "unknown_sku"));
  BOOST_TEST(is_invalid(call<stock_level>("restock", restock{"tea", -5})));
}

BOOST_FIXTURE_TEST_CASE(numbers_out_of_range_are_invalid, inventory_fixture) {
  for (const std::int64_t pieces :
       {std::int64_t{0}, std::int64_t{-1}, quantity_max + 1, INT64_MAX, INT64_MIN}) {
    BOOST_TEST(is_invalid(reserve(fresh_id(), {{"tea", pieces}})), pieces);
  }
  BOOST_TEST(is_invalid(reserve(fresh_id(), {})));
  BOOST_TEST(is_invalid(reserve(fresh_id(), {{"tea", 1}, {"mug", 1}, {"tea", 2}})));
  BOOST_TEST(is_invalid(reserve(fresh_id(), std::vector<line>(lines_max + 1, {"tea", 1}))));
  for (const std::int64_t cents :
       {std::int64_t{0}, std::int64_t{-1}, price_cents_max + 1, INT64_MAX}) {
    BOOST_TEST(
        is_invalid(call<stock_loaded>("load", load_stock{{{"new", cents, "EUR", 1}}})), cents);
  }
  BOOST_TEST(is_invalid(call<stock_loaded>("load", load_stock{{{"new", 1, "eur", 1}}})));
  BOOST_TEST(is_invalid(call<stock_loaded>("load", load_stock{{{"new", 1, "EUR", -1}}})));
}

BOOST_FIXTURE_TEST_CASE(a_total_beyond_what_can_be_charged_is_refused, inventory_fixture) {
  BOOST_REQUIRE(
      call<stock_loaded>("load", load_stock{{{"ship", price_cents_max, "EUR", quantity_max}}}));

  BOOST_TEST(is_refused(reserve(fresh_id(), {{"ship", quantity_max}}), "too_expensive"));
  BOOST_TEST(reserve(fresh_id(), {{"ship", 1'000}}).has_value());
}

// Ten pieces are not yet low.
BOOST_FIXTURE_TEST_CASE(a_shelf_that_runs_low_is_told_of_when_it_does, inventory_fixture) {
  BOOST_REQUIRE(call<stock_level>("restock", restock{"tea", 10}));
  const uuid first = fresh_id();
  BOOST_REQUIRE(reserve(first, {{"tea", 10}}));
  BOOST_TEST(low().empty());

  BOOST_REQUIRE(reserve(fresh_id(), {{"tea", 1}}));
  BOOST_REQUIRE(reserve(fresh_id(), {{"tea", 1}}));
  BOOST_REQUIRE(!reserve(fresh_id(), {{"tea", 99}}));
  BOOST_TEST(low() == "tea 9; ");

  release(first);
  BOOST_REQUIRE(reserve(fresh_id(), {{"tea", 18}, {"mug", 1}}));
  BOOST_TEST(low() == "tea 9; tea 0; ");
}

BOOST_AUTO_TEST_CASE(how_few_is_low_can_be_set) {
  inventory_fixture two{map_of({{"low_at", {}, scalar_of("2")}})};
  inventory_fixture never{map_of({{"low_at", {}, scalar_of("0")}})};
  for (inventory_fixture* shop : {&two, &never}) {
    BOOST_REQUIRE(shop->reserve(shop->fresh_id(), {{"tea", 8}}));
    BOOST_REQUIRE(shop->reserve(shop->fresh_id(), {{"tea", 1}, {"mug", 1}}));
    BOOST_REQUIRE(shop->reserve(shop->fresh_id(), {{"tea", 1}, {"mug", 2}}));
  }

  BOOST_TEST(two.low() == "tea 1; mug 0; ");
  BOOST_TEST(never.low().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test
