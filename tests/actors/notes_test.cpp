#include "actors/echo/messages.hpp"
#include "actors/notes/messages.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::shop::test {

BOOST_AUTO_TEST_SUITE(actors_echo_and_notes, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(echo_needs_no_store) {
  actor_fixture echo{type_named("echo")};

  const auto heard = echo.ask<echo::said>("echo", echo::said{"hello"});

  BOOST_REQUIRE(heard.has_value());
  BOOST_TEST(heard->payload == "hello");
}

BOOST_AUTO_TEST_CASE(a_note_is_kept_under_the_id_of_its_call) {
  actor_fixture notes{type_named("notes")};
  const uuid id = notes.fresh_id();

  const auto added = notes.call_as<notes::note_added>(id, "add", notes::add_note{"milk"});
  const auto count = notes.ask<notes::note_count>("count", notes::count_notes{});

  BOOST_REQUIRE(added.has_value());
  BOOST_TEST((added->note_id == id));
  BOOST_REQUIRE(count.has_value());
  BOOST_TEST(count->count == 1);
}

BOOST_AUTO_TEST_CASE(a_note_that_comes_as_an_event_is_kept_and_told_of_if_so_configured) {
  actor_fixture silent{type_named("notes")};
  actor_fixture telling{type_named("notes"), map_of({{"tell", {}, scalar_of("true")}})};
  const auto count_after = [](actor_fixture& notes) {
    const auto kept = notes.tell(notes.fresh_id(), "note.added", notes::add_note{"milk"});
    BOOST_REQUIRE(kept.has_value());
    return notes.ask<notes::note_count>("count", notes::count_notes{})->count;
  };
  const auto told = [](actor_fixture& notes) {
    return notes.database->integer_of("SELECT COUNT(*) FROM outbox WHERE topic = 'noted'");
  };

  BOOST_TEST(count_after(silent) == 1);
  BOOST_TEST(count_after(telling) == 1);

  BOOST_TEST(told(silent).value_or(-1) == 0);
  BOOST_TEST(told(telling).value_or(-1) == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test
