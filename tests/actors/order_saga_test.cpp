#include "actors/order_saga/order_saga.hpp"

#include "actors/inventory/messages.hpp"
#include "actors/order_saga/messages.hpp"
#include "actors/orders/messages.hpp"
#include "actors/payments/messages.hpp"
#include "runtime/saga/plan.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <algorithm>

namespace utf = boost::unit_test;

namespace troupe::shop::test {

using order_saga::place_order;

/// A saga at some point of its life.
struct saga_fixture {
  saga::facts known() {
    input = wire::encoded(wish);
    return {.saga = id, .input = input, .results = results, .of = &definition};
  }

  template <wire::message T>
  T body_of(std::size_t step, bool undo = false) {
    const auto& maker =
        undo ? definition.steps.at(step).undo_request : definition.steps.at(step).request;
    const auto body = maker(known());
    BOOST_REQUIRE_MESSAGE(body, (body ? "" : body.error().message));
    const auto decoded = wire::checked_decode<T>(*body);
    BOOST_REQUIRE_MESSAGE(decoded, (decoded ? "" : decoded.error().message));
    return *decoded;
  }

  saga::definition definition = order_saga::place();
  uuid_source ids{1};
  uuid id = ids.next({});
  uuid payment = ids.next({});
  place_order wish{"ada", {{"tea", 2}, {"mug", 1}}, "EUR", "tok_1"};
  std::string input;
  std::vector<std::string> results{
      wire::encoded(orders::order_state{id, "created"}),
      wire::encoded(inventory::stock_reserved{2200, "EUR"}),
      wire::encoded(payments::order_charged{id, payment, 2200, "EUR"}),
      wire::encoded(orders::order_state{id, "confirmed"})};
};

BOOST_AUTO_TEST_SUITE(actors_order_saga, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(the_definition_has_no_faults, saga_fixture) {
  const auto plan = saga::plan::make(definition);

  BOOST_TEST(plan.has_value());
}

BOOST_FIXTURE_TEST_CASE(each_step_is_served_by_its_participant, saga_fixture) {
  for (const saga::step& step : definition.steps) {
    const auto serves = type_named(step.capability).description;
    for (const std::string& operation : {step.operation, step.undo}) {
      BOOST_TEST(
          (operation.empty() || serves.find(operation) != nullptr),
          step.capability + "." + operation);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(it_says_what_it_takes_and_answers, saga_fixture) {
  const auto described = type_named("order_saga").description;

  BOOST_REQUIRE(described.operations.size() == 2U);
  BOOST_TEST((described.operations[0].kind == wire::operation_kind::saga));
  BOOST_TEST(described.operations[0].request.value_or("") == "place_order");
  BOOST_TEST(described.operations[0].reply.value_or("") == "order_placed");
  BOOST_TEST(wire::find_schema(described.types, "item") != nullptr);
}

BOOST_FIXTURE_TEST_CASE(participants_understand_the_requests, saga_fixture) {
  const auto create = body_of<orders::create_order>(0);
  const auto reserve = body_of<inventory::reserve_stock>(1);
  const auto charge = body_of<payments::charge_order>(2);
  const auto confirm = body_of<orders::confirm_order>(3);

  BOOST_TEST((create.order_id == id));
  BOOST_TEST(create.customer == "ada");
  BOOST_TEST(create.items.at(1).sku == "mug");
  BOOST_TEST((reserve.order_id == id));
  BOOST_TEST(reserve.items.at(0).quantity == 2);
  BOOST_TEST((charge.order_id == id));
  BOOST_TEST(charge.amount_cents == 2200);
  BOOST_TEST(charge.card == "tok_1");
  BOOST_TEST((confirm.order_id == id));
  BOOST_TEST((confirm.payment_id == payment));
  BOOST_TEST(confirm.amount_cents == 2200);
}

// A step whose answer never came is undone as well.
BOOST_FIXTURE_TEST_CASE(undos_need_no_answer_of_their_step, saga_fixture) {
  results.assign(4, {});

  BOOST_TEST((body_of<orders::cancel_order>(0, true).order_id == id));
  BOOST_TEST((body_of<inventory::release_stock>(1, true).order_id == id));
  BOOST_TEST((body_of<payments::refund_order>(2, true).order_id == id));
}

BOOST_FIXTURE_TEST_CASE(messages_of_one_order_have_one_key, saga_fixture) {
  for (const std::size_t step : {0U, 2U, 3U}) {
    BOOST_TEST(definition.steps.at(step).key(known()) == to_string(id));
  }
}

BOOST_FIXTURE_TEST_CASE(the_answer_names_order_total_and_payment, saga_fixture) {
  const auto body = definition.answer(known());

  BOOST_REQUIRE(body.has_value());
  const auto placed = wire::checked_decode<order_saga::order_placed>(*body);
  BOOST_REQUIRE(placed.has_value());
  BOOST_TEST((placed->order_id == id));
  BOOST_TEST(placed->total_cents == 2200);
  BOOST_TEST((placed->payment_id == payment));
}

BOOST_FIXTURE_TEST_CASE(a_malformed_wish_starts_nothing, saga_fixture) {
  BOOST_TEST(definition.accept(wire::encoded(wish)).has_value());
  BOOST_TEST(!definition.accept("").has_value());
  BOOST_TEST(!definition.accept(wire::encoded(orders::get_order{id})).has_value());
  for (auto spoil : std::initializer_list<void (*)(place_order&)>{
           [](place_order& order) { order.items.clear(); },
           [](place_order& order) { order.items[0].quantity = -1; },
           [](place_order& order) { order.items[1].sku = "tea"; },
           [](place_order& order) { order.card.clear(); },
           [](place_order& order) { order.card.assign(129, 'x'); },
           [](place_order& order) { order.currency = "euro"; }}) {
    place_order bad = wish;
    spoil(bad);
    BOOST_TEST(!definition.accept(wire::encoded(bad)).has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test
