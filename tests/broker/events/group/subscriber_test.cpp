#include "tests/broker/events/group/subscriber_fixture.hpp"

namespace troupe::broker {

BOOST_AUTO_TEST_SUITE(
    runtime_broker_events_group_subscriber, *utf::label("unit") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(it_wants_the_topics_it_subscribes_to, subscriber_fixture) {
  BOOST_TEST(tested->wants("order.created"));
  BOOST_TEST(tested->wants("stock.low"));
  BOOST_TEST(!tested->wants("stock.high"));
}

BOOST_FIXTURE_TEST_CASE(
    nothing_is_delivered_before_the_database_has_the_epoch, subscriber_fixture) {
  answers_assign = false;
  offer(at(1));
  join(s1, "n1");

  BOOST_TEST(delivered.empty());
  BOOST_REQUIRE(assigns.size() == 1U);
  BOOST_TEST(assigns[0].epoch == 8U);
  BOOST_TEST(assigns[0].partitions.size() == 64U);

  answer(assigns[0]);

  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(an_answer_to_an_earlier_assignment_changes_nothing, subscriber_fixture) {
  answers_assign = false;
  offer(at(1));
  join(s1, "n1");
  leave(s1, true);
  join(s1, "n1");
  BOOST_REQUIRE(assigns.size() == 2U);

  answer(assigns[0]);
  BOOST_TEST(delivered.empty());

  answer(assigns[1]);
  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(only_the_worker_that_has_a_partition_speaks_for_it, subscriber_fixture) {
  join(s1, "n1");
  join(s2, "n2");
  offer(at(1));
  const login_id owner = delivered.at(0).first;
  const login_id other = owner == s1 ? s2 : s1;

  handle(other, 1);
  BOOST_TEST(tested->look().handled == 0U);

  handle(owner, 1);
  BOOST_TEST(tested->look().handled == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_worker_gets_no_more_than_its_credit, subscriber_fixture) {
  join(s1, "n1", 2);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    offer(at(i));
  }
  BOOST_TEST(take_delivered() == (positions{1, 2}));

  handle(s1, 1);
  BOOST_TEST(take_delivered() == (positions{3}));
  handle(s1, 3);
  BOOST_TEST(take_delivered() == (positions{4, 5}));
}

BOOST_FIXTURE_TEST_CASE(partitions_take_turns, subscriber_fixture) {
  join(s1, "n1", 0);
  for (std::uint64_t i = 1; i <= 6; ++i) {
    offer(at(i, i <= 4 ? 3 : 9));
  }
  give_credit(s1, 4);

  BOOST_TEST(take_delivered() == (positions{1, 5, 2, 6}));
}

BOOST_FIXTURE_TEST_CASE(what_was_offered_before_changes_nothing, subscriber_fixture) {
  join(s1, "n1");
  offer(at(5));
  offer(at(5));
  handle(s1, 5);
  offer(at(5));

  BOOST_TEST(take_delivered() == positions{5});
  BOOST_TEST(tested->look().handled == 1U);
}

BOOST_FIXTURE_TEST_CASE(partitions_are_spread_evenly_with_few_moves, subscriber_fixture) {
  join(s1, "n1");
  join(s2, "n2");
  join(s3, "n3");

  BOOST_REQUIRE(assigns.size() == 3U);
  BOOST_TEST(assigns[1].partitions.size() == 32U);
  BOOST_TEST(assigns[2].partitions.size() == 21U);
  BOOST_TEST((assigns[1].epoch < assigns[2].epoch));

  assigns.clear();
  leave(s2, false);
  std::size_t moved = 0;
  for (const send_assign& each : assigns) {
    moved += each.partitions.size();
  }
  BOOST_TEST(moved <= 22U);
  for (const subscriber::worker_status& each : tested->look().workers) {
    BOOST_TEST(each.partitions == 32U);
  }
}

BOOST_FIXTURE_TEST_CASE(
    a_partition_moves_when_its_worker_has_nothing_of_it_in_hand, subscriber_fixture) {
  join(s1, "n1", 2);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    offer(at(i));
  }
  join(s2, "n2");
  BOOST_TEST(take_delivered() == (positions{1, 2}));
  assigns.clear();

  give_credit(s1, 0); // It drains.
  const auto has_first = [](const send_assign& each) {
    return std::ranges::any_of(
        each.partitions, [](const auto& part) { return part.partition == 0; });
  };
  BOOST_TEST(std::ranges::none_of(assigns, has_first));
  handle(s1, 1);
  BOOST_TEST(std::ranges::none_of(assigns, has_first));
  handle(s1, 2);

  BOOST_TEST(std::ranges::any_of(assigns, has_first));
  BOOST_TEST((delivered == std::vector<std::pair<login_id, std::uint64_t>>{{s2, 3}}));
}

BOOST_FIXTURE_TEST_CASE(
    partitions_stay_where_they_are_if_nobody_else_can_take_them, subscriber_fixture) {
  join(s1, "n1", 0);
  join(s2, "n2", 3);
  give_credit(s2, 0);
  assigns.clear();
  offer(at(1));
  BOOST_TEST(delivered.empty());

  give_credit(s2, 3);
  BOOST_TEST(take_delivered() == positions{1});
  BOOST_TEST(assigns.empty());
}

BOOST_FIXTURE_TEST_CASE(what_a_dead_worker_had_is_next_in_line_again, subscriber_fixture) {
  join(s1, "n1", 2);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    offer(at(i));
  }
  leave(s1, true);
  delivered.clear();

  join(s2, "n2");

  BOOST_TEST(take_delivered() == (positions{1, 2, 3}));
  handle(s1, 3); // Too late: that login_id is over.
  BOOST_TEST(tested->look().handled == 0U);
}

// The database knows better: the worker died after its commit.
BOOST_FIXTURE_TEST_CASE(what_the_database_has_handled_is_not_delivered_again, subscriber_fixture) {
  join(s1, "n1");
  for (std::uint64_t i = 1; i <= 4; ++i) {
    offer(at(i, 0, "k" + std::to_string(i)));
  }
  leave(s1, true);
  delivered.clear();
  answers_assign = false;
  assigns.clear();
  join(s2, "n2");

  answer(assigns.at(0), 0, 3, {failed(2, 1)});

  BOOST_TEST(take_delivered() == positions{4});
  BOOST_TEST(tested->cursors()[0] == 1U);
  advance(130ms);
  BOOST_TEST(take_delivered() == positions{2});
  handle(s2, 4, {}, {2});
  BOOST_TEST(tested->cursors()[0] == 4U);
}

BOOST_FIXTURE_TEST_CASE(a_database_ahead_of_the_journal_stops_in_words, subscriber_fixture) {
  begin({.capability = {}, .patterns = {}, .window = {}, .backoff = {}, .journal_last = 100});
  answers_assign = false;
  join(s1, "n1");
  answer(assigns[0], 0, 100);
  BOOST_TEST(tested->look().trouble == "");

  answer(assigns[0], 1, 101);
  offer(at(101, 1));

  BOOST_TEST(delivered.empty());
  BOOST_TEST(
      tested->look().trouble.find("the journal is older than the database of `orders`")
      != std::string::npos);

  // Its worker comes again, with the right database.
  leave(s1, false);
  join(s1, "n1");
  answer(assigns.back());
  BOOST_TEST(tested->look().trouble == "");
  BOOST_TEST(take_delivered() == positions{101});
}

BOOST_FIXTURE_TEST_CASE(a_database_of_another_journal_gets_nothing, subscriber_fixture) {
  answers_assign = false;
  join(s1, "n1");
  offer(at(1));

  assigned(s1, {"orders", assigns[0].epoch, {}, "it keeps the positions of another journal"});

  BOOST_TEST(tested->look().trouble == "it keeps the positions of another journal");
  answer(assigns[0]);
  BOOST_TEST(delivered.empty());
}

// The journal is a copy that has grown past what the database has handled of its original.
BOOST_FIXTURE_TEST_CASE(
    a_database_that_handled_what_this_journal_never_wrote_gets_nothing, subscriber_fixture) {
  const uuid first{{std::byte{1}}};
  const uuid lost{{std::byte{2}}};
  const uuid third{{std::byte{3}}};
  begin(
      {.capability = {},
       .patterns = {},
       .window = {},
       .backoff = {},
       .journal_last = 100,
       .lives = std::make_shared<lineage>(std::vector<journal_life>{{first, 1}, {third, 21}})});
  answers_assign = false;
  const auto say = [&](std::uint64_t highest, const uuid& life) {
    leave(s1, false);
    join(s1, "n1");
    wire::assigned state{"orders", assigns.back().epoch, {{0, highest, {}}}, "", highest, life, {}};
    assigned(s1, state);
    return tested->look().trouble;
  };

  BOOST_TEST(say(30, lost).find("`troupe restore FILE`") != std::string::npos);
  offer(at(101));
  BOOST_TEST(delivered.empty());
  BOOST_TEST(say(30, lost) != ""); // Whoever asks, and however often.
  BOOST_TEST(say(25, first) != "");
  BOOST_TEST(delivered.empty());
  BOOST_TEST(say(20, first) == "");
  BOOST_TEST(take_delivered() == positions{101});
  BOOST_TEST(say(30, third) == "");
  BOOST_TEST(say(30, uuid{}) == ""); // Nobody knows.
}

// The journal is a copy that lacks nothing, but was opened less often than its original.
BOOST_FIXTURE_TEST_CASE(
    a_database_with_higher_epochs_is_given_its_partitions_again, subscriber_fixture) {
  answers_assign = false;
  offer(at(1, 5));
  join(s1, "n1");
  const std::uint64_t higher = assigns[0].epoch + (std::uint64_t{3} << 32U);

  assigned(s1, {"orders", assigns[0].epoch, {{0, 0, {}}}, "", 0, uuid{}, higher});

  BOOST_REQUIRE(assigns.size() == 2U);
  BOOST_TEST(assigns[1].epoch == higher + 1);
  BOOST_TEST(assigns[1].partitions.size() == 63U);
  answer(assigns[1]);
  BOOST_TEST(take_delivered() == positions{1});
  // An answer that comes late is about nobody's partitions.
  assigned(s1, {"orders", assigns[0].epoch, {}, "", 0, uuid{}, higher});
  BOOST_TEST(assigns.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(an_older_database_is_offered_again_what_it_lost, subscriber_fixture) {
  join(s1, "n1");
  for (std::uint64_t i = 1; i <= 6; ++i) {
    offer(at(i, i % 2 == 0 ? 2 : 1));
  }
  handle(s1, 5, {}, {}, 1);
  handle(s1, 6, {}, {}, 2);
  leave(s1, false);
  delivered.clear();
  answers_assign = false;
  join(s2, "n2");
  answer(assigns.back(), 1, 3);
  answer(assigns.back(), 2, 6);

  BOOST_TEST(tested->scanned() == 3U);
  BOOST_TEST(tested->cursors()[1] == 3U);
  BOOST_TEST(tested->cursors()[2] == 6U);
  BOOST_TEST(tested->cursors()[0] == 6U); // The others do not go back.
  for (std::uint64_t i = 4; i <= 6; ++i) {
    offer(at(i, i % 2 == 0 ? 2 : 1));
  }

  BOOST_TEST(take_delivered() == positions{5});
  BOOST_TEST((events == std::vector<std::string>{"database_went_back"}));
}

BOOST_FIXTURE_TEST_CASE(
    a_failed_event_waits_longer_each_time_and_its_key_with_it, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  offer(at(2));
  offer(at(3, 0, "other"));
  handle(s1, 3, {failed(1, 1), {.position = 2, .cause = {}, .error = {}}});
  delivered.clear();

  advance(74ms);
  BOOST_TEST(delivered.empty());
  advance(52ms);
  BOOST_TEST(take_delivered() == positions{1});

  handle(s1, 0, {failed(1, 2)});
  advance(149ms);
  BOOST_TEST(delivered.empty());
  advance(102ms);
  BOOST_TEST(take_delivered() == positions{1});
  BOOST_TEST(tested->look().retrying == 2U);

  handle(s1, 0, {}, {1});
  BOOST_TEST(take_delivered() == positions{2}); // It only waited for the first.
}

// The database knows of an earlier one of its key: that says nothing about this one.
BOOST_FIXTURE_TEST_CASE(an_event_that_was_not_run_does_not_wait_longer_for_it, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  handle(s1, 1, {failed(1, 5)});
  advance(2s);
  delivered.clear();

  handle(s1, 0, {failed(1, 5)});

  advance(99ms);
  BOOST_TEST(delivered.empty());
  advance(1ms);
  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(the_back_off_has_a_bound, subscriber_fixture) {
  begin({.capability = {}, .patterns = {}, .window = {}, .backoff = {100ms, 1'000ms}});
  join(s1, "n1");
  offer(at(1));
  handle(s1, 1, {failed(1, 4'000'000'000U)});
  delivered.clear();

  advance(1'251ms);
  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(
    an_event_given_up_is_a_dead_letter_before_its_key_goes_on, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  offer(at(2));
  now += 5s;
  handle(s1, 2, {failed(1, 1, true, "rejected"), {.position = 2, .cause = {}, .error = {}}});
  delivered.clear();

  BOOST_REQUIRE(dead_letters.size() == 1U);
  const dead_letter& letter = dead_letters[0].letter;
  BOOST_TEST(letter.capability == "orders");
  BOOST_TEST(letter.what->position == 1U);
  BOOST_TEST(letter.cause == "rejected");
  BOOST_TEST(letter.error == "it is down");
  BOOST_TEST(letter.attempts == 1U);
  BOOST_TEST(letter.node == "n1");
  BOOST_TEST(letter.replica == 2U);
  BOOST_TEST((dead_letters[0].tried_for == 5s));
  BOOST_TEST((letter.id != uuid{}));
  BOOST_TEST(tested->cursors()[0] == 0U);
  advance(1min);
  BOOST_TEST(delivered.empty());

  write_dead_letters();

  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{1});
  BOOST_TEST(take_delivered() == positions{2});
  BOOST_TEST(tested->cursors()[0] == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_letter_under_way_counts_for_an_older_database_too, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  handle(s1, 1, {failed(1, 1, true, "rejected")});
  leave(s1, false);
  delivered.clear();
  answers_assign = false;
  join(s2, "n2");
  answer(assigns.back(), 0, 0);

  offer(at(1));
  BOOST_TEST(delivered.empty());
  write_dead_letters();

  BOOST_TEST(delivered.empty());
  BOOST_TEST(dead_letters.size() == 1U);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{1});
}

BOOST_FIXTURE_TEST_CASE(dead_letters_of_an_earlier_life_are_not_delivered, subscriber_fixture) {
  begin(
      {.capability = {}, .patterns = {}, .window = {}, .backoff = {}, .journal_last = 30},
      10,
      {20});
  join(s1, "n1");
  for (const std::uint64_t each : {15U, 20U, 25U}) {
    offer(at(each));
  }
  BOOST_TEST(take_delivered() == positions{15});
  BOOST_TEST(told.empty());

  handle(s1, 15);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{20});
  BOOST_TEST(take_delivered() == positions{25});
}

BOOST_FIXTURE_TEST_CASE(what_waits_in_the_database_is_fetched, subscriber_fixture) {
  begin({.capability = {}, .patterns = {}, .is_new = true, .journal_last = 30}, 20);
  answers_assign = false;
  join(s1, "n1");
  answer(assigns[0], 0, 20, {failed(11, 1), failed(12, 1), failed(13, 2, true)});
  BOOST_TEST(asked_for == (positions{11, 12, 13}));
  BOOST_TEST(tested->cursors()[0] == 10U);

  fetched({at(11)}, {});
  advance(130ms);
  BOOST_TEST(delivered.empty()); // One of those that are not here could be earlier.
  fetched({at(13)}, {12});

  BOOST_TEST(take_delivered() == positions{11});
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{12});
  BOOST_REQUIRE(dead_letters.size() == 1U);
  BOOST_TEST(dead_letters[0].letter.what->position == 13U);
}

// A person retried or dropped it before the worker heard of it, and the broker was started again.
BOOST_FIXTURE_TEST_CASE(a_letter_that_was_decided_upon_is_not_made_again, subscriber_fixture) {
  begin({.capability = {}, .patterns = {}, .journal_last = 70}, 60);
  answers_assign = false;
  join(s1, "n1");

  answer(assigns[0], 0, 60, {failed(50, 3, true)});

  BOOST_TEST(asked_for.empty());
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{50});
  BOOST_TEST((events == std::vector<std::string>{"dead_letter_decided"}));
  answer(assigns[0], 1, 70, {failed(65, 3, true)}); // The journal has not passed it.
  BOOST_TEST(asked_for == positions{65});
}

// The copy may fail with an event that was handled, or failed and was decided upon, before.
BOOST_FIXTURE_TEST_CASE(an_older_database_makes_its_dead_letters_anew, subscriber_fixture) {
  subscriber_options options{.capability = {}, .patterns = {}, .journal_last = 60};
  options.reached.fill(60);
  begin(options, 60);
  answers_assign = false;
  join(s1, "n1");

  answer(assigns[0], 0, 55, {failed(50, 3, true)});

  BOOST_TEST(asked_for == positions{50});
  BOOST_TEST(told.empty());
}

// What its workers said is all there is: with a process their memory of the partition is gone.
BOOST_FIXTURE_TEST_CASE(
    without_a_database_the_next_process_is_told_what_is_handled_and_what_waits,
    subscriber_fixture) {
  begin({.capability = {}, .patterns = {}, .has_store = false});
  join(s1, "n1");
  BOOST_REQUIRE(assigns.back().remembered.has_value());
  for (std::uint64_t i = 1; i <= 6; ++i) {
    offer(at(i, 1, i == 2 ? "late" : "k"));
  }
  handle(s1, 5, {failed(2, 2)}, {}, 1);
  leave(s1, true);
  answers_assign = false;

  join(s2, "n2");

  BOOST_REQUIRE(assigns.back().remembered.has_value());
  const auto& known = *assigns.back().remembered;
  BOOST_REQUIRE(known.size() == wire::partition_count);
  BOOST_TEST(known[1].handled == 5U);
  BOOST_REQUIRE(known[1].waiting.size() == 1U);
  BOOST_TEST(known[1].waiting[0].what.position == 2U);
  BOOST_TEST(known[1].waiting[0].what.attempts == 2U);
  BOOST_TEST(known[1].waiting[0].key == "late");
  BOOST_TEST(known[0].handled == 0U);
  delivered.clear();
  answer(assigns.back(), 1, 5, {failed(2, 2)});
  BOOST_TEST(take_delivered() == positions{6});
  BOOST_TEST(tested->scanned() == 6U); // Nothing is offered again.
  BOOST_TEST(events.empty());
}

// After a start of the broker it does not know which of them wait.
BOOST_FIXTURE_TEST_CASE(
    without_a_database_what_nobody_remembers_is_handled_again, subscriber_fixture) {
  subscriber_options options{
      .capability = {}, .patterns = {}, .has_store = false, .journal_last = 60};
  options.reached.fill(60);
  begin(options, 9);

  join(s1, "n1");

  BOOST_REQUIRE(assigns.back().remembered.has_value());
  BOOST_TEST(assigns.back().remembered->at(1).handled == 9U);
  BOOST_TEST(tested->scanned() == 9U);
  BOOST_TEST(tested->look().trouble == "");
  BOOST_TEST(events.empty()); // It is nobody's copy.
}

BOOST_FIXTURE_TEST_CASE(without_a_database_a_message_has_as_much_as_it_takes, subscriber_fixture) {
  begin({.capability = {}, .patterns = {}, .has_store = false, .window = {20'000, 64U << 20U}});
  join(s1, "n1", 20'000);
  std::vector<wire::postponed> waiting;
  for (std::uint64_t i = 1; i <= 12'800; ++i) {
    offer(at(i, static_cast<std::uint32_t>(i % 64), std::string(100, 'k')));
    waiting.push_back(failed(i, 1));
  }
  for (std::uint32_t i = 0; i < 64; ++i) {
    handle(s1, 12'800, waiting, {}, i);
  }
  leave(s1, false);

  join(s2, "n2");

  const auto& known = *assigns.back().remembered;
  BOOST_TEST(known.size() > 4U);
  BOOST_TEST(known.size() < 64U);
  wire::assign whole;
  whole.remembered = known;
  BOOST_TEST(wire::encoded(whole).size() < wire::control_bytes_max);
  BOOST_TEST(wire::encoded(whole).size() > wire::control_bytes_max / 4);
}

// The window has room for the largest event and a little more.
BOOST_FIXTURE_TEST_CASE(a_large_event_that_is_postponed_does_not_stop_others, subscriber_fixture) {
  constexpr std::size_t largest = 100'000;
  begin({.capability = {}, .patterns = {}, .window = {.bytes = largest + 65'536}, .backoff = {}});
  join(s1, "n1");
  auto large = std::make_shared<event>(*at(1));
  large->body.assign(largest, 'x');
  offer(large);
  handle(s1, 1, {failed(1, 1)});
  for (std::uint64_t position = 2; position < 100; ++position) {
    BOOST_REQUIRE(tested->held().wants_more());
    offer(at(position, 0, "another"));
    handle(s1, position);
  }

  BOOST_TEST(take_delivered().size() == 99U);
}

BOOST_FIXTURE_TEST_CASE(the_window_is_bounded, subscriber_fixture) {
  begin({.capability = {}, .patterns = {}, .window = {.events = 2}, .backoff = {}});
  offer(at(1));
  BOOST_TEST(tested->held().has_room());
  offer(at(2));
  BOOST_TEST(!tested->held().has_room());

  begin({.capability = {}, .patterns = {}, .window = {.bytes = 1}, .backoff = {}});
  BOOST_TEST(tested->held().has_room()); // One is always taken.
  offer(at(1));
  BOOST_TEST(!tested->held().has_room());
  join(s1, "n1");
  handle(s1, 1);
  BOOST_TEST(tested->held().has_room());
}

BOOST_FIXTURE_TEST_CASE(cursors_pass_what_is_not_for_it, subscriber_fixture) {
  join(s1, "n1");
  offer(at(5, 1));
  tested->passed(9);

  BOOST_TEST(tested->cursors()[0] == 9U);
  BOOST_TEST(tested->cursors()[1] == 4U);
  handle(s1, 5, {}, {}, 1);
  BOOST_TEST(tested->cursors()[1] == 9U);
  BOOST_TEST(tested->reached()[1] == 5U);
  const subscriber::status seen = tested->look();
  BOOST_TEST(seen.delivered == 1U);
  BOOST_TEST(seen.oldest_time == 0);
}

BOOST_FIXTURE_TEST_CASE(it_says_how_it_is, subscriber_fixture) {
  join(s1, "n1", 1);
  offer(at(1));
  offer(at(2));

  const subscriber::status seen = tested->look();
  BOOST_TEST(seen.in_flight == 1U);
  BOOST_TEST(seen.waiting == 1U);
  BOOST_TEST(seen.oldest_time == 1'001);
  BOOST_REQUIRE(seen.workers.size() == 1U);
  BOOST_TEST(seen.workers[0].node == "n1");
  BOOST_TEST(seen.workers[0].partitions == 64U);
  BOOST_TEST(seen.workers[0].in_flight == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
