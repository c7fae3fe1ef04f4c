#include "runtime/broker/events/event_service.hpp"

#include "runtime/store/sqlite/session.hpp"
#include "runtime/store/sqlite/setup.hpp"
#include "tests/broker/events/service_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

/// A session of a shell, which knows no turnstile.
struct shell {
  store::sqlite_session session;

  explicit shell(const journal_options& journal) : session{journal.path, own(journal)} {
    store::set_up(session);
  }

  static store::sqlite_options own(const journal_options& journal) {
    store::sqlite_options made = journal.sqlite;
    made.capability = "troupe.journal";
    return made;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_event_service, *utf::label("integration") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(a_scheduled_event_is_published_when_the_disk_takes_it, service_fixture) {
  start();
  wire::schedule_event later;
  later.topic = "order.due";
  later.after = 1'000;
  const uuid id = call("schedule", later);
  run_until([&] { return answers.contains(id); });
  shell other{options};
  other.session.begin();
  time.advance(1s);
  run_until([&] { return has_report("journal_write_failed"); });

  other.session.rollback();

  const auto came = events_of(read("order.due", 60'000));
  BOOST_REQUIRE(came.size() == 1U);
  BOOST_TEST((came[0].id == id));
  BOOST_TEST(has_report("journal_written_again"));
}

BOOST_FIXTURE_TEST_CASE(
    what_is_scheduled_for_later_holds_up_nothing_that_is_due_before, service_fixture) {
  start();
  wire::schedule_event soon;
  soon.topic = "order.soon";
  soon.after = 1'000;
  wire::schedule_event late;
  late.topic = "order.late";
  late.after = 3'600'000;
  call("schedule", soon);
  const uuid last_asked = call("schedule", late);
  run_until([&] { return answers.contains(last_asked); });

  time.advance(1s);

  BOOST_TEST(events_of(read("order.soon", 60'000)).size() == 1U);
  BOOST_TEST(events_of(read("order.late")).empty());
}

BOOST_FIXTURE_TEST_CASE(what_the_journal_had_no_time_to_fetch_is_fetched_later, service_fixture) {
  std::vector<subscription_options> later;
  options.questions_max = 1;
  std::swap(what.subscriptions, later);
  start();
  for (int i = 0; i < 3; ++i) {
    publish("order.created");
  }
  std::swap(what.subscriptions, later);
  what.subscriptions[0].start = 3;
  service.reset();
  start();
  wire::hello hello;
  hello.node = "n1";
  hello.serves.push_back({.capability = "mail", .credit = 1, .events = 10});
  service->joined(n1, hello, time.now());
  BOOST_REQUIRE(assigned.size() == 1U);
  wire::assigned state{"mail", assigned[0].epoch, {}, {}};
  const std::uint32_t partition = wire::partition_of("k", {});
  state.partitions.push_back({partition, 3, {{1, 1, false, "transient", "it is down", 0}}});
  // It has its hands full with this.
  read("*");

  say(wire::kind::assigned, state);
  run_until([&] { return !delivered.empty(); });

  BOOST_TEST(delivered == std::vector<std::uint64_t>{1});
}

BOOST_FIXTURE_TEST_CASE(what_a_capability_has_not_handled_is_kept, service_fixture) {
  rules = {{.pattern = "*", .keep = 1min}};
  start();
  publish("user.created"); // Nobody needs it.
  publish("order.created");
  publish("user.created"); // The last one stays.
  time.advance(1h);

  run_until([&] { return has_report("events_deleted"); });

  const uuid all = read("*");
  const auto left = events_of(all);
  BOOST_REQUIRE(left.size() == 2U);
  BOOST_TEST(left[0].topic == "order.created");
  BOOST_TEST(wire::checked_decode<wire::events_read>(answers[all])->deleted_to.value_or(0) == 1U);
  const uuid spared = read("order.*");
  BOOST_REQUIRE(events_of(spared).size() == 1U);
  BOOST_TEST(!wire::checked_decode<wire::events_read>(answers[spared])->deleted_to.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_sweep_that_fails_is_reported_and_tried_again, service_fixture) {
  rules = {{.pattern = "*", .keep = 1min}};
  start();
  publish("user.created"); // Nobody needs it.
  publish("user.created"); // The last one stays.
  shell other{options};
  other.session.begin();
  time.advance(1h);
  run_until([&] { return has_report("sweep_failed"); });

  other.session.rollback();
  time.advance(1h);
  run_until([&] { return has_report("events_deleted"); });
}

BOOST_FIXTURE_TEST_CASE(a_wall_clock_that_jumps_by_days_deletes_no_events, service_fixture) {
  rules = {{.pattern = "*", .keep = 24h}};
  clock.wrong_by = -240h;
  start();
  publish("user.created"); // Under a clock that was put back, and is put right then.
  clock.wrong_by = 0h;
  publish("user.created");
  clock.wrong_by = 720h;
  publish("user.created");

  const instant end = time.now() + 11s; // Two sweeps.
  run_until([&] {
    time.advance(10ms);
    return time.now() > end;
  });

  BOOST_TEST(!has_report("events_deleted"));
}

BOOST_FIXTURE_TEST_CASE(a_start_under_a_clock_that_jumped_deletes_no_events, service_fixture) {
  rules = {{.pattern = "*", .keep = 24h}};
  start();
  publish("user.created");
  publish("user.created");
  service.reset();
  clock.wrong_by = 720h;
  start();

  const instant end = time.now() + 11s; // Two sweeps.
  run_until([&] {
    time.advance(10ms);
    return time.now() > end;
  });

  BOOST_TEST(!has_report("events_deleted"));
  BOOST_TEST(events_of(read("*")).size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_reader_is_told_who_wrote_its_place, service_fixture) {
  start();
  publish("user.created");
  const uuid asked = read("*");
  BOOST_REQUIRE(events_of(asked).size() == 1U);

  const auto first = *wire::checked_decode<wire::events_read>(answers[asked]);
  BOOST_TEST((first.life.value_or(uuid{}) != uuid{}));
  BOOST_TEST((first.after_life == uuid{})); // Nobody wrote position 0.
}

BOOST_FIXTURE_TEST_CASE(
    a_letter_retried_under_a_clock_put_back_is_not_old_at_once, service_fixture) {
  open();
  journal_batch batch;
  (void)give_up(batch);
  must_write(batch);
  journal.reset();
  rules = {{.pattern = "*", .keep = 24h}};
  start();
  clock.wrong_by = -240h;
  wire::retry_dead_letter all;
  all.all = true;
  const uuid id = call("retry_dead_letter", all);
  run_until([&] { return answers.contains(id); });
  clock.wrong_by = 0h;
  publish("user.created"); // The newest is never deleted.

  const instant end = time.now() + 11s; // Two sweeps.
  run_until([&] {
    time.advance(10ms);
    return time.now() > end;
  });

  BOOST_TEST(!has_report("events_deleted"));
}

BOOST_FIXTURE_TEST_CASE(all_dead_letters_are_tried_again_page_by_page, service_fixture) {
  constexpr std::size_t letters = 501; // A page has 500.
  open();
  journal_batch batch;
  for (std::size_t i = 0; i < letters; ++i) {
    (void)give_up(batch);
  }
  must_write(batch);
  journal.reset();
  start();
  wire::retry_dead_letter all;
  all.all = true;

  const uuid id = call("retry_dead_letter", all);
  run_until([&] { return answers.contains(id); });

  BOOST_TEST(wire::checked_decode<wire::letters_retried>(answers[id])->retried == letters);
  const uuid left = call("dead_letters", wire::get_dead_letters{});
  run_until([&] { return answers.contains(left); });
  BOOST_TEST(wire::checked_decode<wire::letters_found>(answers[left])->letters.empty());
}

// The capability was renamed, taken out, or does not subscribe to the topic any more.
BOOST_FIXTURE_TEST_CASE(a_dead_letter_that_nobody_would_get_stays, service_fixture) {
  open();
  journal_batch batch;
  for (const auto& [capability, topic] :
       {std::pair{"post", "order.created"}, {"mail", "user.created"}, {"mail", "order.created"}}) {
    (void)give_up(batch, topic, capability);
  }
  const uuid gone = batch.dead_letters[0].id;
  const uuid turned_away = batch.dead_letters[1].id;
  must_write(batch);
  journal.reset();
  start();
  wire::retry_dead_letter one;
  one.id = gone;
  const uuid first = call("retry_dead_letter", one);
  one.id = turned_away;
  one.to = "nobody";
  const uuid second = call("retry_dead_letter", one);
  wire::retry_dead_letter all;
  all.all = true;
  const uuid third = call("retry_dead_letter", all);
  run_until([&] { return answers.contains(third); });

  BOOST_TEST(has_report("subscriber_gone"));
  BOOST_TEST(refusals.at(first).detail("reason") == "no_subscriber");
  BOOST_TEST(refusals.at(second).detail("reason") == "no_subscriber");
  const auto retried = wire::checked_decode<wire::letters_retried>(answers[third]);
  BOOST_TEST(retried->retried == 1U);
  BOOST_REQUIRE(retried->kept.has_value());
  BOOST_TEST(retried->kept->size() == 2U);

  one.id = gone;
  one.to = "mail";
  const uuid answered = call("retry_dead_letter", one);
  run_until([&] { return answers.contains(answered); });

  const uuid left = call("dead_letters", wire::get_dead_letters{});
  run_until([&] { return answers.contains(left); });
  const auto letters = wire::checked_decode<wire::letters_found>(answers[left]);
  BOOST_REQUIRE(letters->letters.size() == 1U);
  BOOST_TEST((letters->letters[0].id == turned_away));
}

BOOST_FIXTURE_TEST_CASE(a_read_has_so_many_patterns_and_no_more, service_fixture) {
  start();
  wire::read_events asked;
  asked.wait_ms = 60'000;
  for (int i = 0; i < 256; ++i) {
    asked.patterns.push_back("order.t" + std::to_string(i));
  }
  const uuid taken = call("read", asked);
  asked.patterns.emplace_back("order.more");

  const uuid refused = call("read", asked);

  BOOST_TEST(!refusals.contains(taken));
  BOOST_REQUIRE(refusals.contains(refused));
  BOOST_TEST((refusals[refused].code == errc::invalid));
  BOOST_TEST(refusals[refused].message.find("256") != std::string::npos);
  asked.patterns.resize(10'000, "order.more"); // Not even decoded.
  const uuid large = call("read", asked);
  BOOST_REQUIRE(refusals.contains(large));
  BOOST_TEST(refusals[large].message.find("32768") != std::string::npos);
  publish("order.t255");
  BOOST_TEST(events_of(taken).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(waiting_reads_are_shared_by_those_who_wait, service_fixture) {
  constexpr origin bob{8};
  start();
  wire::read_events asked;
  asked.wait_ms = 60'000;
  for (int i = 0; i < 256; ++i) {
    asked.patterns.push_back("order.t" + std::to_string(i));
  }
  std::vector<uuid> taken;
  uuid newest = call("read", asked);
  for (; !refusals.contains(newest); newest = call("read", asked)) {
    taken.push_back(newest);
    BOOST_REQUIRE(taken.size() < 1'000U);
  }
  BOOST_TEST((refusals[newest].code == errc::overloaded));
  const uuid of_bob = call("read", asked, bob);
  BOOST_TEST(!refusals.contains(of_bob));

  // Those of a connection that has ended wait no longer.
  service->connection_ended(connection_of(alice));
  BOOST_TEST(answers.size() == taken.size());
  BOOST_TEST(!answers.contains(of_bob));
  const uuid again = call("read", asked);
  BOOST_TEST(!refusals.contains(again));
}

BOOST_FIXTURE_TEST_CASE(
    scheduled_events_count_among_those_that_wait_for_the_disk, service_fixture) {
  what.incoming.pending_bytes_max = 100'000;
  start();
  wire::schedule_event later;
  later.topic = "order.due";
  later.after = 60'000;
  later.body.bytes.assign(60'000, 'x');
  const uuid first = call("schedule", later);
  const uuid second = call("schedule", later);

  BOOST_REQUIRE(refusals.contains(second));
  BOOST_TEST((refusals[second].code == errc::overloaded));
  run_until([&] { return answers.contains(first); });
  const uuid again = call("schedule", later);
  run_until([&] { return answers.contains(again); });
}

// Each of them is a write of its own, so that others' events need not wait for all.
BOOST_FIXTURE_TEST_CASE(many_large_events_that_are_due_at_once_come_page_by_page, service_fixture) {
  start();
  wire::schedule_event later;
  later.topic = "order.due";
  later.after = 1'000;
  later.body.bytes.assign(1'000'000, 'x');
  std::vector<uuid> asked;
  for (int i = 0; i < 10; ++i) {
    asked.push_back(call("schedule", later));
  }
  run_until([&] { return answers.size() == asked.size(); });
  time.advance(1s);

  wire::read_events all;
  all.patterns = {"order.*"};
  all.after = 0;
  all.wait_ms = 60'000;
  for (std::size_t came = 0; came < asked.size();) {
    const uuid page = call("read", all);
    run_until([&] { return answers.contains(page); });
    const auto got = wire::checked_decode<wire::events_read>(answers[page]);
    came += got->events.size();
    all.after = got->next;
  }
}

BOOST_FIXTURE_TEST_CASE(scheduled_events_are_listed_as_they_come, service_fixture) {
  options.scan_max = 2; // A page looks at no more.
  start();
  for (const std::int64_t after : {3'000, 1'000, 2'000}) {
    schedule("order.due", after);
  }
  const uuid other = schedule("user.due", 500);

  wire::get_scheduled asked;
  asked.topic = "order.*";
  std::vector<wire::waiting_event> all;
  int pages = 0;
  do {
    const auto page = answer_of<wire::scheduled_found>(call("scheduled", asked));
    all.insert(all.end(), page.events.begin(), page.events.end());
    asked.after = page.next;
    asked.from = page.next_from;
    BOOST_REQUIRE(++pages < 10);
  } while (asked.after);

  BOOST_TEST(pages > 1);
  BOOST_REQUIRE(all.size() == 3U);
  BOOST_TEST(all[0].due_at < all[1].due_at);
  BOOST_TEST(all[1].due_at < all[2].due_at);
  BOOST_TEST(all[0].body_bytes == 1U);
  wire::get_scheduled soon;
  soon.before = all[0].due_at;
  const auto first = answer_of<wire::scheduled_found>(call("scheduled", soon));
  BOOST_REQUIRE(first.events.size() == 1U);
  BOOST_TEST((first.events[0].id == other));
  wire::get_scheduled wrong;
  wrong.topic = "no topic";
  const uuid refused = call("scheduled", wrong);
  BOOST_TEST((refusals.at(refused).code == errc::invalid));
}

BOOST_FIXTURE_TEST_CASE(a_scheduled_event_is_shown_with_its_body, service_fixture) {
  start();
  const uuid id = schedule("order.due", 1'000);

  const auto shown =
      answer_of<wire::waiting_event>(call("scheduled_event", wire::get_scheduled_event{id}));

  BOOST_TEST((shown.id == id));
  BOOST_TEST(shown.topic == "order.due");
  BOOST_TEST(shown.body->bytes == "x");
  const auto counted = answer_of<wire::topics_state>(call("topics", wire::get_topics{}));
  BOOST_REQUIRE(counted.topics.size() == 1U);
  BOOST_TEST(counted.topics[0].scheduled.value_or(0) == 1U);
  BOOST_TEST(counted.topics[0].next_due.value_or(0) == shown.due_at);
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_event_is_not_published, service_fixture) {
  start();
  const uuid id = schedule("order.due", 1'000);
  const uuid order = call("cancel_scheduled", wire::cancel_scheduled{id, "ann@host", "sold out"});
  const auto done = answer_of<wire::scheduled_cancelled>(order);
  BOOST_TEST(done.topic == "order.due");
  schedule("order.due", 1'000);
  time.advance(1s);

  const auto came = events_of(read("order.due", 60'000));

  BOOST_REQUIRE(came.size() == 1U);
  BOOST_TEST((came[0].id != id));
  const uuid again = call("cancel_scheduled", wire::cancel_scheduled{id, "bob", "me too"});
  run_until([&] { return refusals.contains(again); });
  BOOST_TEST(refusals[again].detail("reason") == "cancelled");
  BOOST_TEST(refusals[again].message.find("by ann@host") != std::string::npos);
  BOOST_TEST(refusals[again].message.find("sold out") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(an_order_to_cancel_that_comes_again_is_answered_again, service_fixture) {
  start();
  const uuid id = schedule("order.due", 1'000);
  const wire::cancel_scheduled ordered{id, "ann", "sold out"};
  wire::header_view order;
  order.id = ids.next(time.wall());
  order.op = "cancel_scheduled";
  const auto give = [&] {
    answers.erase(order.id);
    service->call(alice, order, wire::encoded(ordered), connection_of(alice), time.now());
    run_until([&] { return answers.contains(order.id); });
  };

  give();
  give();

  BOOST_TEST(refusals.empty());
}

BOOST_FIXTURE_TEST_CASE(what_is_published_or_unknown_cannot_be_cancelled, service_fixture) {
  start();
  const uuid id = schedule("order.due", 1'000);
  time.advance(1s);
  BOOST_REQUIRE(events_of(read("order.due", 60'000)).size() == 1U);

  const uuid late = call("cancel_scheduled", wire::cancel_scheduled{id, "ann", "sold out"});
  const uuid lost =
      call("cancel_scheduled", wire::cancel_scheduled{ids.next(time.wall()), "ann", "sold out"});
  const uuid silent = call("cancel_scheduled", wire::cancel_scheduled{id, "ann", ""});

  run_until([&] { return refusals.size() == 3U; });
  BOOST_TEST(refusals[late].detail("reason") == "published");
  BOOST_TEST(refusals[lost].detail("reason") == "not_scheduled");
  BOOST_TEST((refusals[silent].code == errc::invalid));
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_event_is_not_scheduled_again, service_fixture) {
  start();
  const uuid id = schedule("order.due", 1'000);
  answer_of<wire::scheduled_cancelled>(
      call("cancel_scheduled", wire::cancel_scheduled{id, "ann", "sold out"}));
  answers.clear();

  // Its publisher has not heard that it was scheduled, and asks again.
  wire::header_view header;
  header.id = id;
  header.op = "schedule";
  wire::schedule_event later;
  later.topic = "order.due";
  later.after = 1'000;
  later.body.bytes = "x";
  service->call(alice, header, wire::encoded(later), connection_of(alice), time.now());
  run_until([&] { return refusals.contains(id); });

  BOOST_TEST(refusals[id].detail("reason") == "cancelled");
}

// Orders and due events take turns: each event is published or cancelled, never both, whatever
// comes first.
BOOST_FIXTURE_TEST_CASE(an_event_that_is_due_is_published_or_cancelled, service_fixture) {
  start();
  std::vector<uuid> all;
  for (std::int64_t i = 0; i < 40; ++i) {
    all.push_back(schedule("order.due", 50 + i));
  }
  time.advance(40ms);
  std::vector<uuid> orders;
  for (const uuid& each : all) {
    orders.push_back(call("cancel_scheduled", wire::cancel_scheduled{each, "ann", "why"}));
    time.advance(1ms);
    service->due(time.now());
    service->tick(time.now());
  }
  run_until([&] {
    return std::ranges::all_of(orders, [&](const uuid& each) {
      return answers.contains(each) || refusals.contains(each);
    });
  });
  time.advance(1s);
  schedule("order.last", 1);
  time.advance(1s);
  BOOST_REQUIRE(events_of(read("order.last", 60'000)).size() == 1U);

  const auto came = events_of(read("order.due"));

  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto published =
        std::ranges::count_if(came, [&](const auto& each) { return each.id == all[i]; });
    BOOST_TEST(published == (answers.contains(orders[i]) ? 0 : 1));
  }
}

BOOST_FIXTURE_TEST_CASE(dead_letters_are_chosen_by_what_they_are, service_fixture) {
  open();
  journal_batch batch;
  const auto fail = [&](const std::string& topic, const std::string& cause, std::int64_t at) {
    dead_letter& letter = give_up(batch, topic);
    letter.cause = cause;
    letter.last_at = at;
  };
  fail("order.created", "rejected", 100);
  fail("order.created", "transient", 200);
  fail("order.paid", "transient", 300);
  must_write(batch);
  journal.reset();
  start();
  const auto fitting = [&](const wire::letter_filter& which) {
    wire::get_dead_letters asked;
    asked.which = which;
    return answer_of<wire::letters_found>(call("dead_letters", asked)).letters.size();
  };

  BOOST_TEST(fitting({}) == 3U);
  BOOST_TEST(fitting({.topic = "order.created"}) == 2U);
  BOOST_TEST(fitting({.topic = "order.*", .cause = "transient"}) == 2U);
  BOOST_TEST(fitting({.since = 200}) == 2U);
  BOOST_TEST(fitting({.before = 200}) == 1U);
  BOOST_TEST(fitting({.capability = "users"}) == 0U);

  wire::change_dead_letters change{.which = {.cause = "transient"}, .dry_run = true};
  BOOST_TEST(answer_of<wire::letters_retried>(call("retry_dead_letters", change)).retried == 2U);
  BOOST_TEST(answer_of<wire::letters_dropped>(call("drop_dead_letters", change)).dropped == 2U);
  BOOST_TEST(fitting({}) == 3U);
  change.dry_run = false;
  BOOST_TEST(answer_of<wire::letters_dropped>(call("drop_dead_letters", change)).dropped == 2U);
  BOOST_TEST(fitting({}) == 1U);
  change.which = {.topic = "order.*"};
  BOOST_TEST(answer_of<wire::letters_retried>(call("retry_dead_letters", change)).retried == 1U);
  BOOST_TEST(fitting({}) == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_question_has_so_many_bytes, service_fixture) {
  start();
  wire::read_events asked;
  asked.patterns = {std::string(33'000, 'x')};
  asked.after = 0;

  const uuid id = call("read", asked);

  BOOST_REQUIRE(refusals.contains(id));
  BOOST_TEST((refusals[id].code == errc::invalid));
  BOOST_TEST(refusals[id].message.find("32768 are the limit") != std::string::npos);
}

// The reader waits at 16 answers, and the loop takes no more of them than 2 ms are enough for.
BOOST_FIXTURE_TEST_CASE(answers_that_are_not_taken_wait_and_none_is_lost, service_fixture) {
  start();
  std::vector<uuid> asked;
  for (std::uint64_t i = 0; i < 100; ++i) {
    asked.push_back(call("topics", wire::get_topics{}, origin{i + 1}));
  }
  run_until([&] { return !answers.empty(); });
  clock.each_look = 1ms;
  std::size_t most = 0;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (answers.size() < asked.size()) {
    BOOST_REQUIRE(std::chrono::steady_clock::now() < deadline);
    const std::size_t before = answers.size();
    service->due(time.now());
    most = std::max(most, answers.size() - before);
  }

  BOOST_TEST(most <= 3U);
  for (const uuid& each : asked) {
    BOOST_TEST(answers.contains(each));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
