#include "runtime/saga/collisions.hpp"
#include "runtime/saga/plan.hpp"
#include "tests/saga/driver.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

namespace {

bool has(const std::vector<fault>& faults, std::string_view words) {
  return std::ranges::any_of(faults, [&](const fault& each) {
    return each.what.find(words) != std::string::npos && !each.remedy.empty();
  });
}

facts known_of(
    const definition& of, const std::string& input, const std::vector<std::string>& results) {
  return {.saga = some_saga(), .input = input, .results = results, .of = &of};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_saga_definition, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_good_definition_has_no_faults) {
  BOOST_TEST(validate(order_saga()).empty());
  BOOST_TEST(validate(order_saga("refund")).empty());
}

BOOST_AUTO_TEST_CASE(all_faults_come_at_once) {
  definition bad = order_saga();
  bad.operation.clear();
  bad.steps[0].undo.clear();
  bad.steps[1].name = "reserve";
  bad.steps[2].deadline = 6s;
  bad.steps[2].request = nullptr;
  bad.steps[3].undo = "unconfirm";
  bad.steps[3].retries = -1;
  bad.steps[3].backoff = 3s;

  const auto faults = validate(bad);

  BOOST_TEST(has(faults, "the saga has no operation"));
  BOOST_TEST(has(faults, "`reserve` is compensatable but has no undo"));
  BOOST_TEST(has(faults, "`reserve` comes twice"));
  BOOST_TEST(has(faults, "`charge` has a longer deadline than the whole saga"));
  BOOST_TEST(has(faults, "`charge` has no request"));
  BOOST_TEST(has(faults, "`confirm` is retriable but has an undo"));
  BOOST_TEST(has(faults, "`confirm` has -1 retries"));
  BOOST_TEST(has(faults, "`confirm` has a back-off of 3000 ms"));
}

BOOST_AUTO_TEST_CASE(a_saga_has_at_least_one_step_and_a_bounded_number) {
  definition none = order_saga();
  none.steps.clear();
  definition many = order_saga();
  many.steps.assign(steps_max + 1, make_step("again", step_kind::retriable));

  BOOST_TEST(has(validate(none), "no steps"));
  BOOST_TEST(has(validate(many), "33 steps"));
}

BOOST_AUTO_TEST_CASE(steps_are_compensatable_then_one_pivot_then_retriable) {
  definition two_pivots = order_saga();
  two_pivots.steps[3].kind = step_kind::pivot;
  definition late_compensatable = order_saga();
  std::swap(late_compensatable.steps[1], late_compensatable.steps[2]);
  definition retriable_first = order_saga();
  std::swap(retriable_first.steps[2], retriable_first.steps[3]);

  BOOST_TEST(has(validate(two_pivots), "`confirm` is a second pivot"));
  BOOST_TEST(has(validate(late_compensatable), "`credit` stands after step `charge`"));
  BOOST_TEST(has(validate(retriable_first), "`charge` stands after step `confirm`"));
}

// The first would hear everything, and the second would wait until its time is up.
BOOST_AUTO_TEST_CASE(two_steps_that_wait_for_the_same_are_refused_by_their_names) {
  const auto waits = [](std::string name, std::string operation, std::string topic) {
    step made = saga::waits<place_order>(
        std::move(name), std::move(operation), 500ms, [](const place_order&) { return heard{}; });
    made.topic = std::move(topic);
    return made;
  };
  const auto saga_with = [](std::string operation, std::vector<step> steps) {
    definition made = order_saga();
    made.operation = std::move(operation);
    made.steps.insert(made.steps.begin(), steps.begin(), steps.end());
    return made;
  };
  const definition same_call =
      saga_with("place", {waits("first", "approve", ""), waits("second", "approve", "")});
  const definition same_topic =
      saga_with("place", {waits("first", "a", "order.paid"), waits("second", "b", "order.*")});
  const definition itself = saga_with("place", {waits("first", "place", "")});
  const std::vector apart{
      saga_with("place", {waits("first", "approve", "order.paid")}),
      saga_with("book", {waits("other", "agree", "order.sent")})};
  const std::vector together{
      saga_with("place", {waits("first", "approve", "order.paid")}),
      saga_with("book", {waits("other", "approve", "order.paid")})};

  BOOST_TEST(
      has(validate(same_call),
          "`approve` means two things: step `first` of `place` waits for it, and step `second` of "
          "`place` waits for it"));
  BOOST_TEST(
      has(validate(same_topic),
          "events of the topic `order.*` are for two steps: step `first` of `place` waits for it, "
          "and step `second` of `place`"));
  BOOST_TEST(has(validate(itself), "a call of it starts the saga `place`, and step `first`"));
  BOOST_TEST(collisions_among(apart).empty());
  BOOST_TEST(collisions_among(together).size() == 2U);
  BOOST_TEST(has(collisions_among(together), "step `first` of `place`"));
  BOOST_TEST(has(collisions_among(together), "step `other` of `book`"));
}

BOOST_AUTO_TEST_CASE(a_step_waits_for_events_of_a_topic_that_can_be) {
  definition bad = order_saga();
  bad.steps.insert(
      bad.steps.begin(),
      saga::waits<place_order>("first", "", 500ms, [](const place_order&) { return heard{}; }));
  bad.steps[0].topic = "Order Paid";

  BOOST_TEST(has(validate(bad), "`first` waits for events of `Order Paid`, which is no topic"));
}

BOOST_AUTO_TEST_CASE(one_try_of_each_step_up_to_the_pivot_fits_into_the_deadline) {
  definition tight = order_saga();
  tight.deadline = 1500ms;
  definition too_tight = order_saga();
  too_tight.deadline = 1499ms;

  BOOST_TEST(validate(tight).empty());
  BOOST_TEST(has(validate(too_tight), "may take 1500ms"));
}

BOOST_AUTO_TEST_CASE(a_topology_may_tune_deadlines_and_retries) {
  const tuning by{
      .deadline = 8s,
      .person_after = {},
      .steps = {
          {"charge", {.deadline = 3s, .retries = 7}},
          {"confirm", {.deadline = 1s, .retries = {}}}}};

  const auto tuned = plan::make(order_saga(), by);

  BOOST_REQUIRE(tuned);
  BOOST_TEST((tuned->what().deadline == 8s));
  BOOST_TEST((tuned->at(2).deadline == 3s));
  BOOST_TEST(tuned->at(2).retries == 7);
  BOOST_TEST((tuned->at(3).deadline == 1s));
  BOOST_TEST(tuned->at(3).retries == 2);
}

BOOST_AUTO_TEST_CASE(a_topology_sets_how_many_run_and_wait) {
  tuning by;
  by.at_once = 20;
  by.queue = 1'000;

  const auto tuned = plan::make(order_saga(), by);
  by.queue = 0;
  const auto refused = plan::make(order_saga(), by);

  BOOST_REQUIRE(tuned);
  BOOST_TEST(tuned->what().at_once == 20);
  BOOST_TEST(tuned->what().queue == 1'000);
  BOOST_REQUIRE(!refused);
  BOOST_TEST(has(refused.error(), "a queue of 0"));
}

BOOST_AUTO_TEST_CASE(tuning_that_fits_no_step_or_no_rule_is_refused) {
  const tuning by{
      .deadline = {},
      .person_after = {},
      .steps = {{"chrage", {}}, {"credit", {.deadline = 9s, .retries = {}}}}};

  const auto refused = plan::make(order_saga(), by);

  BOOST_REQUIRE(!refused);
  BOOST_TEST(has(refused.error(), "no step `chrage`, did you mean `charge`?"));
  BOOST_TEST(has(refused.error(), "`credit` has a longer deadline"));
}

BOOST_AUTO_TEST_CASE(the_fingerprint_covers_the_steps_but_not_their_deadlines) {
  definition slower = order_saga();
  slower.steps[0].deadline = 600ms;
  definition other = order_saga();
  other.steps[0].undo = "unreserve";
  const std::uint64_t original = plan::make(order_saga())->fingerprint();

  BOOST_TEST(plan::make(slower)->fingerprint() == original);
  BOOST_TEST(plan::make(other)->fingerprint() != original);
}

BOOST_AUTO_TEST_CASE(command_ids_differ_by_saga_step_verb_and_round_and_by_nothing_else) {
  const plan by = *plan::make(order_saga());
  const uuid saga = some_saga();
  const uuid id = by.command_id(saga, 1, false, 0);

  BOOST_TEST((id == by.command_id(saga, 1, false, 0)));
  BOOST_TEST((id == derived_id(saga, "credit:do:0")));
  BOOST_TEST((id != by.command_id(saga, 0, false, 0)));
  BOOST_TEST((id != by.command_id(saga, 1, true, 0)));
  BOOST_TEST((id != by.command_id(saga, 1, false, 1)));
  BOOST_TEST((id != by.command_id(id, 1, false, 0)));
}

BOOST_AUTO_TEST_CASE(replies_of_earlier_steps_are_parameters_of_a_projection) {
  const auto request = project<place_order>(
      [](const place_order& input, const facts&, const reserved& first, const reserved& second) {
        return place_order{input.sku + first.reservation + second.reservation, input.quantity};
      },
      result<reserved>{"reserve"},
      result<reserved>{"credit"});
  const definition saga = order_saga();
  const std::string input = wire::encoded(place_order{"tea-", 2});
  std::vector<std::string> results{
      wire::encoded(reserved{"r1"}), wire::encoded(reserved{"r2"}), "", ""};

  const auto made = request(known_of(saga, input, results));
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(wire::checked_decode<place_order>(*made)->sku == "tea-r1r2");
  BOOST_TEST((request.body == &wire::message_shape_of<place_order>()));

  results[1].clear();
  BOOST_TEST(!request(known_of(saga, input, results)));
}

BOOST_AUTO_TEST_CASE(a_step_is_made_of_the_operations_that_it_calls) {
  constexpr wire::operation<place_order, reserved> reserve{"stock", "reserve"};
  constexpr wire::operation<reserved, reserved> release{"stock", "release"};
  const step made = undone_by<place_order>(
      calls<place_order>("hold", reserve, [](const place_order& wish) { return wish; }),
      release,
      [](const place_order&, const facts&) { return reserved{"r1"}; });

  BOOST_TEST(made.name == "hold");
  BOOST_TEST(made.capability == "stock");
  BOOST_TEST(made.operation == "reserve");
  BOOST_TEST(made.undo == "release");
  BOOST_TEST((made.reply == &wire::message_shape_of<reserved>()));
  BOOST_TEST((made.undo_request.body == &wire::message_shape_of<reserved>()));
  BOOST_TEST((made.request.input == &wire::message_shape_of<place_order>()));
}

BOOST_AUTO_TEST_CASE(a_typed_request_is_projected_from_the_input_and_the_results) {
  const auto request = project<place_order>([](const place_order& input, const facts& known) {
    return result_of<reserved>(known, "reserve").map([&](const reserved& result) {
      return reserved{result.reservation + "/" + input.sku};
    });
  });
  const definition of = order_saga();
  const std::string input = wire::encoded(place_order{.sku = "tea", .quantity = 2});
  const std::vector<std::string> results{wire::encoded(reserved{"r1"}), "", "", ""};
  const std::vector<std::string> nothing(4);

  const auto body = request(known_of(of, input, results));

  BOOST_REQUIRE(body);
  BOOST_TEST(wire::checked_decode<reserved>(*body)->reservation == "r1/tea");
  BOOST_TEST((request(known_of(of, input, nothing)).error().code == errc::internal));
  BOOST_TEST((request(known_of(of, "rubbish", results)).error().code == errc::invalid));
}

// Its participant would refuse it for good, and the saga would turn back for that.
BOOST_AUTO_TEST_CASE(a_request_that_nobody_could_read_is_not_made) {
  const auto request = project<place_order>([](const place_order& input) {
    return reserved{input.sku.substr(0, 4)}; // Within a character.
  });
  const definition of = order_saga();
  const std::string input = wire::encoded(place_order{"caf\u00e9", 2});
  const std::vector<std::string> nothing(4);

  const auto made = request(known_of(of, input, nothing));

  BOOST_REQUIRE(!made);
  BOOST_TEST(made.error().detail("reason") == "unreadable");
  BOOST_TEST(made.error().detail("field") == "reservation");
}

BOOST_AUTO_TEST_CASE(results_are_found_by_name_or_index) {
  const definition of = order_saga();
  const std::vector<std::string> results{"", wire::encoded(reserved{"r2"}), "", ""};
  const facts known = known_of(of, "", results);

  BOOST_TEST(result_of<reserved>(known, "credit")->reservation == "r2");
  BOOST_TEST(result_of<reserved>(known, std::size_t{1})->reservation == "r2");
  BOOST_TEST(!result_of<reserved>(known, "reserve"));
  BOOST_TEST(!result_of<reserved>(known, "nonsense"));
  BOOST_TEST(!result_of<reserved>(known, std::size_t{9}));
}

BOOST_AUTO_TEST_CASE(a_result_is_read_as_what_its_step_declares) {
  definition of = order_saga();
  of.steps[1].reply = &wire::message_shape_of<reserved>();
  const std::vector<std::string> results{"", wire::encoded(reserved{"r2"}), "", ""};
  const facts known = known_of(of, "", results);

  const auto wrong = result_of<place_order>(known, "credit");

  BOOST_TEST(result_of<reserved>(known, "credit").has_value());
  BOOST_REQUIRE(!wrong);
  BOOST_TEST(
      wrong.error().message
      == "step `credit` declares the reply `reserved`, and it is read as `place_order`");
}

BOOST_AUTO_TEST_CASE(typed_keys_and_acceptance_come_from_the_input) {
  const auto key = key_from<place_order>([](const place_order& input) { return input.sku; });
  const auto accept = decodable<place_order>();
  const definition of = order_saga();
  const std::vector<std::string> nothing(4);
  const std::string input = wire::encoded(place_order{.sku = "tea", .quantity = 2});

  BOOST_TEST(key(known_of(of, input, nothing)) == "tea");
  BOOST_TEST(key(known_of(of, "rubbish", nothing)).empty());
  BOOST_TEST(accept(input).has_value());
  BOOST_TEST((accept("rubbish").error().code == errc::invalid));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
