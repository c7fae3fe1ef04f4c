#include "runtime/saga/step_table.hpp"

#include "tests/saga/driver.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

namespace {

/// `order_saga` in which credit is gone and charge calls another operation.
definition newer_saga() {
  definition made = order_saga();
  made.steps.erase(made.steps.begin() + 1);
  made.steps[1].operation = "charge_card";
  return made;
}

plan pinned_under(definition now) {
  const auto current = plan::make(std::move(now));
  return plan::pinned(table_of(order_saga()), *current);
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_saga_step_table, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(a_table_comes_back_from_its_bytes_and_from_no_others) {
  const step_table table = table_of(order_saga());
  const std::string bytes = wire::encoded(table);
  const std::uint64_t fingerprint = plan::make(order_saga())->fingerprint();

  const auto read = read_table(bytes, fingerprint);

  BOOST_REQUIRE(read);
  BOOST_TEST(wire::encoded(*read) == bytes);
  BOOST_TEST(fingerprint_of(*read) == fingerprint);
  BOOST_TEST(!read_table(bytes, fingerprint + 1));
  BOOST_TEST(!read_table("nonsense", fingerprint));
}

BOOST_AUTO_TEST_CASE(an_earlier_definition_has_its_steps_and_the_functions_there_still_are) {
  const plan by = pinned_under(newer_saga());

  BOOST_TEST(by.is_pinned());
  BOOST_TEST(by.fingerprint() == plan::make(order_saga())->fingerprint());
  BOOST_REQUIRE(by.step_count() == 4U);
  BOOST_TEST((by.makes(0, false) && by.makes(0, true)));
  BOOST_TEST((!by.makes(1, false) && !by.makes(1, true))); // Credit is gone.
  BOOST_TEST(!by.makes(2, false));                         // Charge is another operation.
  BOOST_TEST(by.makes(3, false));
}

BOOST_AUTO_TEST_CASE(what_is_gone_of_an_earlier_definition_is_named) {
  const auto waits = [](std::string name) {
    return saga::waits<place_order>(
        std::move(name), "approve", 500ms, [](const place_order&) { return heard{}; });
  };
  definition before = order_saga();
  before.steps[0].when = [](const facts&) -> outcome<bool> { return true; };
  before.steps[1].when = before.steps[0].when;
  before.steps.insert(before.steps.begin() + 2, waits("approval"));
  definition now = before;
  now.steps.erase(now.steps.begin() + 2); // Nobody waits for an approval,
  now.steps[1].when = nullptr;            // credit is always given,
  now.steps[2].operation = "charge_card"; // and charge calls another operation.
  const plan current = *plan::make(now);

  const plan by = plan::pinned(table_of(before), current);

  const std::vector<std::string> gone{
      "the condition of credit", "the answer to approval", "charge"};
  BOOST_TEST(by.gone() == gone, boost::test_tools::per_element());
  BOOST_TEST(plan::pinned(table_of(before), *plan::make(before)).gone().empty());
  BOOST_TEST(current.gone().empty());
}

BOOST_AUTO_TEST_CASE(a_saga_runs_to_its_end_under_the_steps_it_began_with) {
  driver saga;
  saga.start().ok();
  definition changed = order_saga(); // A further step, and another order.
  changed.steps.insert(
      changed.steps.begin(), make_step("audit", step_kind::compensatable, "erase"));
  std::swap(changed.steps[1], changed.steps[2]);
  const plan by = pinned_under(changed);

  auto current = replay(by, saga.current.saga, saga.prefix(saga.rows.size()));
  BOOST_REQUIRE(current);
  std::vector<action> actions;
  std::vector<std::string> asked;
  decide(by, *current, taken_over{}, {saga.now, saga.now}, actions);
  while (!current->is_over()) {
    call made{};
    for (const action& each : actions) {
      made = std::holds_alternative<call>(each) ? std::get<call>(each) : made;
    }
    asked.push_back(body_of(by, *current, made).value());
    decide(by, *current, answered{made.as, "ok"}, {saga.now, saga.now}, actions);
  }

  BOOST_TEST((asked == std::vector<std::string>{"credit in", "charge in", "confirm in"}));
  BOOST_TEST((current->now == phase::completed));
}

BOOST_AUTO_TEST_CASE(a_call_whose_function_is_gone_says_so) {
  const plan by = pinned_under(newer_saga());
  driver saga;
  saga.start().ok();
  const auto current = replay(by, saga.current.saga, saga.prefix(saga.rows.size()));
  BOOST_REQUIRE(current);

  const auto body = body_of(by, *current, call{.as = {.step = 1}, .id = {}});

  BOOST_REQUIRE(!body);
  BOOST_TEST((body.error().code == errc::conflict));
  BOOST_TEST(
      body.error().message.find("no call of step `credit` (shop.credit) any more")
      != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
