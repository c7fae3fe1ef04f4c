#include "nodes/commands/saga_upgrade.hpp"

#include "tests/actor/saga_owner.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using saga::step_kind;

/// A topology whose capability `sagas` runs `order_saga`, and the databases of the release before.
struct upgrade_fixture : coordinators_fixture {
  upgrade_fixture() {
    topology::capability_plan& one = plan.capabilities.emplace_back();
    one.name = capability_name{"sagas"};
    one.actor = "sagas";
    one.store = "sqlite:/where/it/runs/sagas.db";
  }

  /// Has the release before, with these steps, begin a saga and end.
  void begin(const saga::definition& steps) {
    owner before{path, time, steps};
    before.start(id);
  }

  saga_upgrades look() {
    auto found = find_saga_upgrades(plan, folder.path, types);
    BOOST_REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
    return std::move(*found);
  }

  saga_upgrade only() {
    saga_upgrades all = look();
    BOOST_TEST(all.not_looked_at.empty());
    BOOST_REQUIRE(all.found.size() == 1U);
    BOOST_TEST(all.found[0].capability == "sagas");
    BOOST_TEST(all.found[0].operation == "place");
    BOOST_TEST(all.found[0].sagas == 1U);
    BOOST_TEST(all.found[0].file == path);
    return std::move(all.found[0]);
  }

  static saga::definition longer_saga() {
    saga::definition made = saga::test::order_saga();
    made.steps.push_back(saga::test::make_step("thank", step_kind::retriable));
    return made;
  }

  topology::plan plan;
  std::vector<actor_type> types{saga_type("sagas", {saga::test::order_saga()})};
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    nodes_commands_saga_upgrade, upgrade_fixture, *utf::label("integration") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(sagas_of_the_same_steps_are_left_out) {
  begin(saga::test::order_saga());

  BOOST_TEST(look().found.empty());
  BOOST_TEST(look().not_looked_at.empty());
}

BOOST_AUTO_TEST_CASE(sagas_whose_steps_this_program_still_has_go_on_by_their_table) {
  saga::definition shorter = saga::test::order_saga();
  shorter.steps.pop_back();
  begin(shorter);

  const saga_upgrade one = only();

  BOOST_TEST(one.has_steps);
  BOOST_TEST(one.gone.empty());
  BOOST_TEST(!one.stands_still());
  BOOST_TEST(has(text_of({one}), "they go on and end by the steps that they were started under"));
}

BOOST_AUTO_TEST_CASE(sagas_of_a_step_that_is_gone_stand_still_there) {
  begin(longer_saga());

  const saga_upgrade one = only();

  BOOST_TEST(one.has_steps);
  BOOST_REQUIRE(one.gone.size() == 1U);
  BOOST_TEST(has(one.gone[0], "thank"));
  BOOST_TEST(one.stands_still());
  BOOST_TEST(has(text_of({one}), "stand still where they need " + one.gone[0]));
}

BOOST_AUTO_TEST_CASE(sagas_without_a_table_of_their_steps_cannot_be_continued) {
  begin(longer_saga());
  owner{path, time}.session->execute("DELETE FROM saga_tables");

  const saga_upgrade one = only();

  BOOST_TEST(!one.has_steps);
  BOOST_TEST(one.stands_still());
  BOOST_TEST(has(text_of({one}), "this program cannot continue them"));
}

BOOST_AUTO_TEST_CASE(sagas_of_an_operation_that_is_gone_cannot_be_continued) {
  begin(saga::test::order_saga());
  types[0].sagas[0].operation = "order";

  BOOST_TEST(!only().has_steps);
}

BOOST_AUTO_TEST_CASE(databases_of_sagas_that_are_elsewhere_are_said_not_to_be_looked_at) {
  BOOST_TEST(
      look().not_looked_at == std::vector<std::string>{path + " is not here"},
      boost::test_tools::per_element());

  plan.capabilities[0].store = "postgresql://h/shop";
  BOOST_TEST(
      look().not_looked_at == std::vector<std::string>{"sagas is on a server"},
      boost::test_tools::per_element());

  plan.capabilities[0].actor = "notes"; // Runs none.
  BOOST_TEST(look().not_looked_at.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
