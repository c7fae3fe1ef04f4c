#include "nodes/commands/restore/histories.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

uuid id_of(std::uint8_t name) {
  return {{std::byte{name}}};
}

database_history outbox(std::uint64_t oldest, std::uint64_t newest, std::uint64_t confirmed) {
  database_history made;
  made.capability = "orders";
  made.instance = id_of(99);
  made.oldest = oldest;
  made.newest = newest;
  made.mark = {confirmed, id_of(static_cast<std::uint8_t>(confirmed)), 0};
  return made;
}

broker::source_row taken(std::uint64_t number) {
  return {"orders", id_of(99), number, id_of(static_cast<std::uint8_t>(number))};
}

} // namespace

BOOST_AUTO_TEST_SUITE(nodes_restore_histories, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(an_outbox_that_fits_stays_as_it_is) {
  const auto plan = reunite_outbox(outbox(4, 6, 5), taken(5));

  BOOST_TEST((plan.fit == outbox_fit::fits));
  BOOST_TEST(plan.then.taken == 5U);
  BOOST_TEST((reunite_outbox(outbox(1, 0, 0), {}).fit == outbox_fit::fits));
}

// Five events when it was copied, twelve of its own since; the original had fifteen.
BOOST_AUTO_TEST_CASE(an_older_database_gives_all_that_the_journal_has_not_confirmed_to_it) {
  auto database = outbox(5, 17, 5);
  database.id_at_taken = id_of(200);

  const auto plan = reunite_outbox(database, taken(15));

  BOOST_TEST((plan.fit == outbox_fit::database_is_older));
  BOOST_TEST(plan.then.taken == 5U);
  BOOST_TEST((plan.then.taken_id == id_of(5)));
  BOOST_TEST(plan.remembered == 11U); // 5 to 15, whoever sends them again.
  BOOST_TEST(plan.lost == 0U);
}

BOOST_AUTO_TEST_CASE(an_older_journal_gets_what_the_outbox_still_has) {
  const auto plan = reunite_outbox(outbox(15, 17, 15), taken(5));

  BOOST_TEST((plan.fit == outbox_fit::journal_is_older));
  BOOST_TEST(plan.then.taken == 14U);
  BOOST_TEST((plan.then.taken_id == uuid{}));
  BOOST_TEST(plan.lost == 9U);
  BOOST_TEST(reunite_outbox(outbox(15, 15, 15), {}).lost == 14U); // A new journal.
}

// Both were brought back, from different times, and what was confirmed is of a third history.
BOOST_AUTO_TEST_CASE(an_outbox_with_another_event_at_the_very_number_gives_all_it_has) {
  auto database = outbox(3, 8, 6);
  database.mark.id = id_of(66);
  database.id_at_taken = id_of(66);

  const auto plan = reunite_outbox(database, taken(6));

  BOOST_TEST((plan.fit == outbox_fit::database_is_older));
  BOOST_TEST(plan.then.taken == 2U);
  BOOST_TEST(plan.remembered == 4U);
}

BOOST_AUTO_TEST_CASE(a_database_goes_back_to_the_last_position_both_sides_know) {
  database_history database;
  database.journal = id_of(1);
  database.lives = lineage{{{id_of(11), 1}, {id_of(12), 21}}};
  database.highest = 30;
  database.handled[3] = 30;
  database.postponed = {18, 25};
  const lineage copy{{{id_of(11), 1}, {id_of(13), 15}}};

  const auto plan = reunite_events(database, {id_of(1), copy, 100});
  BOOST_TEST((plan.found == events_reunion::finding::journal_is_older));
  BOOST_TEST(plan.shared == 14U);
  BOOST_TEST(plan.lost.size() == 2U);

  const auto fits = reunite_events(database, {id_of(1), database.lives, 30});
  BOOST_TEST((fits.found == events_reunion::finding::fits));
  BOOST_TEST(reunite_events(database, {id_of(1), database.lives, 22}).shared == 22U);
  const auto other = reunite_events(database, {id_of(2), copy, 100});
  BOOST_TEST((other.found == events_reunion::finding::other_journal));
  BOOST_TEST(other.shared == 0U);
  BOOST_TEST((reunite_events({}, {id_of(2), copy, 100}).found == events_reunion::finding::fits));
}

// What the journal still has is offered again from where the database is.
BOOST_AUTO_TEST_CASE(a_copy_older_than_what_retention_left_goes_on_where_it_is) {
  database_history database;
  database.journal = id_of(1);
  database.lives = lineage{{{id_of(11), 1}}};
  database.highest = 6;
  database.handled[3] = 5;
  database.handled[4] = 6;
  database.knows[3] = true;
  database.knows[4] = true;
  broker::cursor_row cursor{"mail"};
  cursor.handled.fill(9);
  cursor.reached[2] = 8; // Of a partition that it has never seen.
  cursor.reached[3] = 8;
  cursor.reached[4] = 6;
  journal_history journal{id_of(1), database.lives, 9, cursor, 7};

  const auto plan = reunite_events(database, journal);
  BOOST_TEST((plan.found == events_reunion::finding::events_deleted));
  BOOST_TEST(plan.then.reached[3] == 5U);
  BOOST_TEST(plan.then.handled[3] == 5U);
  BOOST_TEST(plan.then.handled[4] == 9U);
  BOOST_TEST(plan.then.reached[2] == 8U);

  journal.cursor = plan.then;
  BOOST_TEST((reunite_events(database, journal).found == events_reunion::finding::fits));
  journal.cursor = cursor;
  journal.deleted_to = 6;
  BOOST_TEST((reunite_events(database, journal).found == events_reunion::finding::fits));
}

BOOST_AUTO_TEST_CASE(what_waits_for_another_try_is_not_handled) {
  database_history database;
  database.handled[3] = 30;
  database.postponed = {25};

  BOOST_TEST(has_handled(database, 3, 30));
  BOOST_TEST(!has_handled(database, 3, 31));
  BOOST_TEST(!has_handled(database, 3, 25));
  BOOST_TEST(!has_handled(database, 4, 3));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
