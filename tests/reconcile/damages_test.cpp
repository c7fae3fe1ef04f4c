#include "tests/reconcile/books.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::reconcile::test {

namespace {

constexpr std::int64_t now = 1'800'000'000'000;
constexpr std::int64_t old = now - 3'600'000;

constexpr auto rules = R"(
invariants:
  order_has_reservation:
    left: {capability: orders, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [confirmed]}
    right: {capability: inventory, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [held]}
    match: left
  reservation_has_order:
    left: {capability: orders, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [created, confirmed]}
    right: {capability: inventory, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [held]}
    match: right
    unique: [right]
  reservation_is_worth_the_order:
    left: {capability: orders, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [confirmed]}
    right: {capability: inventory, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [held]}
    match: none
    equal: [left.amount = right.amount, left.currency = right.currency]
  order_is_paid:
    left: {capability: orders, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [confirmed]}
    right: {capability: payments, query: list, rows: rows, key: order, changed: changed_at}
    match: left
  captured_is_the_total:
    left: {capability: orders, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [confirmed]}
    right: {capability: payments, query: list, rows: rows, key: order, changed: changed_at}
    match: none
    unique: [left]
    equal: [left.amount = right.amount - right.back, left.currency = right.currency]
  money_has_an_order:
    left: {capability: orders, query: list, rows: rows, key: order, changed: changed_at}
    right: {capability: payments, query: list, rows: rows, key: order, changed: changed_at}
    match: right
  cancelled_keeps_nothing:
    left: {capability: orders, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [cancelled]}
    right: {capability: payments, query: list, rows: rows, key: order, changed: changed_at}
    match: none
    equal: [right.amount - right.back = 0]
  saga_has_ended:
    left: {capability: order_saga, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [forward, undoing, parked]}
    right: {capability: nobody, query: list, rows: rows, key: order}
    match: left
    settle: 10m
  completed_saga_has_confirmed_order:
    left: {capability: order_saga, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [completed]}
    right: {capability: orders, query: list, rows: rows, key: order, changed: changed_at, where: state, is: [confirmed]}
    match: left
)";

/// A good shop: of each ten orders one was cancelled, and one paid back in part.
books good_shop() {
  books shop;
  shop.tables["nobody"];
  for (std::int64_t i = 1; i <= 100; ++i) {
    const bool is_cancelled = i % 10 == 0;
    const std::int64_t back = i % 10 == 5 ? 1 : 0;
    const std::int64_t paid = is_cancelled ? 0 : 500 + back;
    shop.tables["orders"].push_back(
        {i, is_cancelled ? "cancelled" : "confirmed", "EUR", is_cancelled ? 0 : 500, 0, old});
    shop.tables["inventory"].push_back({i, is_cancelled ? "released" : "held", "EUR", 500, 0, old});
    shop.tables["payments"].push_back({i, "charged", "EUR", paid, back, old});
    shop.tables["order_saga"].push_back(
        {i, is_cancelled ? "compensated" : "completed", "EUR", 0, 0, old});
  }
  return shop;
}

/// "NAME TYPE KEY; " of each finding.
std::string findings(books shop) {
  std::vector<fault> faults;
  std::string all;
  for (const invariant& each : read(rules, faults)) {
    pass_report told;
    const auto done = reconcile::reconcile(each, now, "", shop.fetch(), told);
    BOOST_TEST_REQUIRE(done.has_value(), (done ? "" : done.error().message));
    for (const finding& found : told.findings) {
      all += each.name + " " + std::string{wire::word_of(found.type)} + " " + key_text(found.key)
             + "; ";
    }
  }
  BOOST_TEST_REQUIRE(faults.empty(), (faults.empty() ? "" : faults.front().what));
  return all;
}

/// The shop after one row of it was changed; `at` is the order's number.
template <class Change>
books damaged(const char* table, std::int64_t at, Change change) {
  books shop = good_shop();
  auto& rows = shop.tables[table];
  const auto found = std::ranges::find(rows, at, &entry::order);
  change(rows, found);
  return shop;
}

using rows_of = std::vector<entry>;
using place = rows_of::iterator;

const auto lost = [](rows_of& rows, place at) { rows.erase(at); };
const auto doubled = [](rows_of& rows, place at) { rows.push_back(*at); };

auto of_state(std::string state) {
  return [state = std::move(state)](rows_of&, place at) { at->state = state; };
}

auto of_amount(std::int64_t more) {
  return [more](rows_of&, place at) { at->amount += more; };
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_reconcile_damages, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(a_good_shop_has_no_findings) {
  BOOST_TEST(findings(good_shop()) == "");
}

BOOST_AUTO_TEST_CASE(each_damage_is_found_by_exactly_the_right_invariant) {
  const auto currency = [](rows_of&, place at) { at->currency = "USD"; };
  const auto refunded = [](rows_of&, place at) { at->back = at->amount; };
  const auto kept = [](rows_of&, place at) { at->back -= 1; };
  const auto foreign = [](rows_of& rows, place) {
    rows.push_back({999, "held", "EUR", 500, 0, old});
  };
  const auto stray = [](rows_of& rows, place) {
    rows.push_back({999, "charged", "EUR", 500, 0, old});
  };
  const auto stuck = [](rows_of& rows, place) {
    rows.push_back({999, "undoing", "EUR", 0, 0, old});
  };
  const auto halted = [](rows_of& rows, place) {
    rows.push_back({998, "forward", "EUR", 0, 0, old});
  };
  const auto waits = [](rows_of& rows, place) {
    rows.push_back({997, "parked", "EUR", 0, 0, old});
  };

  // 1 to 5: reservations.
  BOOST_TEST(findings(damaged("inventory", 1, lost)) == "order_has_reservation missing_right 1; ");
  BOOST_TEST(
      findings(damaged("inventory", 2, of_state("released")))
      == "order_has_reservation missing_right 2; ");
  BOOST_TEST(
      findings(damaged("inventory", 10, of_state("held")))
      == "reservation_has_order missing_left 10; ");
  BOOST_TEST(
      findings(damaged("inventory", 3, foreign)) == "reservation_has_order missing_left 999; ");
  BOOST_TEST(
      findings(damaged("inventory", 4, of_amount(-1)))
      == "reservation_is_worth_the_order differs 4; ");
  BOOST_TEST(
      findings(damaged("inventory", 100, of_state("held")))
      == "reservation_has_order missing_left 100; ");
  BOOST_TEST(
      findings(damaged("inventory", 6, currency)) == "reservation_is_worth_the_order differs 6; ");
  // 8 to 15: payments.
  BOOST_TEST(findings(damaged("payments", 7, lost)) == "order_is_paid missing_right 7; ");
  BOOST_TEST(findings(damaged("payments", 8, doubled)) == "captured_is_the_total differs 8; ");
  BOOST_TEST(findings(damaged("payments", 9, of_amount(1))) == "captured_is_the_total differs 9; ");
  BOOST_TEST(
      findings(damaged("payments", 11, of_amount(-500))) == "captured_is_the_total differs 11; ");
  BOOST_TEST(findings(damaged("payments", 15, kept)) == "captured_is_the_total differs 15; ");
  BOOST_TEST(findings(damaged("payments", 12, refunded)) == "captured_is_the_total differs 12; ");
  BOOST_TEST(findings(damaged("payments", 13, currency)) == "captured_is_the_total differs 13; ");
  BOOST_TEST(findings(damaged("payments", 14, stray)) == "money_has_an_order missing_left 999; ");
  BOOST_TEST(
      findings(damaged("payments", 20, of_amount(500))) == "cancelled_keeps_nothing differs 20; ");
  // 17 to 20: sagas.
  BOOST_TEST(findings(damaged("order_saga", 16, stuck)) == "saga_has_ended missing_right 999; ");
  BOOST_TEST(findings(damaged("order_saga", 16, halted)) == "saga_has_ended missing_right 998; ");
  BOOST_TEST(findings(damaged("order_saga", 16, waits)) == "saga_has_ended missing_right 997; ");
  BOOST_TEST(
      findings(damaged("order_saga", 30, of_state("completed")))
      == "completed_saga_has_confirmed_order missing_right 30; ");
}

BOOST_AUTO_TEST_CASE(work_in_flight_is_no_inconsistency) {
  books shop = good_shop();
  // Confirmed a moment ago: its reservation was listed before.
  shop.tables["orders"].push_back({777, "confirmed", "EUR", 500, 0, now - 1'000});
  shop.tables["payments"].push_back({777, "charged", "EUR", 400, 0, now - 2'000});
  shop.tables["order_saga"].push_back({777, "forward", "EUR", 0, 0, now - 9'000});

  BOOST_TEST(findings(shop) == "");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::reconcile::test
