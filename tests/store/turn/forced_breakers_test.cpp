#include "runtime/store/turn/forced_breakers.hpp"

#include "runtime/store/turn/tables.hpp"
#include "tests/store/store_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct forced_breakers_fixture : store_fixture {
  manual_clock time;
  std::unique_ptr<database> session = open();
  forced_breakers known{*session};

  forced_breakers_fixture() { BOOST_REQUIRE(migrate(*session, time, turn_components())); }

  void say(std::string_view node, std::string mode) const {
    transaction turn{*session};
    forced_breakers{*session}.set(
        node,
        {std::move(mode),
         "ann",
         "moving disks",
         {.bytes = {std::byte{7}}},
         wall_time{milliseconds{1'700'000'000'123}}});
    turn.commit();
  }

  std::string mode_on(std::string_view node) {
    const auto said = known.on(node);
    return said ? said->mode : "nothing";
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_store_forced_breakers,
    forced_breakers_fixture,
    *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(what_was_said_is_found_when_the_database_is_opened_again) {
  BOOST_TEST(mode_on("n1") == "nothing");
  say("", "open");

  session.reset();
  session = open();
  const auto said = forced_breakers{*session}.on("n1");

  BOOST_REQUIRE(said.has_value());
  BOOST_TEST(said->mode == "open");
  BOOST_TEST(said->who == "ann");
  BOOST_TEST(said->why == "moving disks");
  BOOST_TEST((said->request == uuid{.bytes = {std::byte{7}}}));
  BOOST_TEST((said->since == wall_time{milliseconds{1'700'000'000'123}}));
}

BOOST_AUTO_TEST_CASE(what_was_said_of_one_node_holds_there_until_something_is_said_of_all) {
  say("", "open");

  say("n1", "auto");
  BOOST_TEST(mode_on("n1") == "auto");
  BOOST_TEST(mode_on("n2") == "open");

  say("", "disabled");
  BOOST_TEST(mode_on("n1") == "disabled");
  BOOST_TEST(mode_on("n2") == "disabled");
}

BOOST_AUTO_TEST_CASE(another_mode_than_there_are_is_not_kept) {
  BOOST_TEST((fault_of_call([&] { say("", "forced_open"); }) == database_fault::constraint));
  BOOST_TEST(mode_on("n1") == "nothing");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
