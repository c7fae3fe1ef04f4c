#include "runtime/saga/coordinators.hpp"

#include "tests/actor/saga_owner.hpp"

#include <stdexcept>

namespace utf = boost::unit_test;

namespace troupe::test {

BOOST_FIXTURE_TEST_SUITE(
    runtime_saga_coordinators, coordinators_fixture, *utf::label("integration") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(a_saga_runs_its_steps_in_order_and_stores_its_answer_in_the_inbox) {
  owner one{path, time};
  one.start(id);
  BOOST_TEST(one.work(others));

  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
  BOOST_REQUIRE(one.answers.size() == 1U);
  const auto stored = store::inbox{*one.session}.find(id);
  BOOST_TEST((stored->state == store::inbox_state::ok));
  BOOST_TEST(stored->reply == one.answers[0].bytes);
  BOOST_TEST(one.sagas.running().size() == 0U);
}

BOOST_AUTO_TEST_CASE(the_row_of_a_saga_says_that_it_turned_back) {
  owner one{path, time};
  const auto written = [&] { return saga::journal_table{*one.session}.find(id)->now; };
  others.refuses = "charge";
  one.start(id);
  std::vector<saga::phase> seen{written()};
  while (!one.calls.empty()) {
    one.work(others, one.commits + 1);
    if (written() != seen.back()) {
      seen.push_back(written());
    }
  }

  BOOST_TEST(
      (seen == std::vector{saga::phase::forward, saga::phase::undoing, saga::phase::compensated}));
}

BOOST_AUTO_TEST_CASE(a_death_after_any_commit_is_taken_up_by_another_and_nothing_is_done_twice) {
  for (const std::string refused : {"", "charge"}) {
    for (int cut = 1; cut < 12; ++cut) {
      temporary_folder here;
      participants with;
      with.refuses = refused;
      auto first = std::make_unique<owner>(here.path + "/s.db", time);
      first->start(id);
      const bool ended = first->work(with, cut);
      const std::int64_t dead = first->writer;
      const std::size_t answered = first->answers.size();
      first.reset();

      owner heir{here.path + "/s.db", time};
      heir.take_over(dead);
      BOOST_TEST(heir.work(with));

      BOOST_TEST(
          with.done == (refused.empty() ? forward : undone), boost::test_tools::per_element());
      BOOST_TEST(answered + heir.answers.size() == 1U);
      BOOST_TEST(heir.number("SELECT COUNT(*) FROM inbox WHERE state = 1") == 0);
      BOOST_TEST(heir.number("SELECT phase FROM sagas") == (refused.empty() ? 2 : 3));
      BOOST_TEST(heir.number("SELECT epoch FROM sagas") == (answered == 0 ? 2 : 1));
      if (ended) {
        break;
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stale_owner_is_fenced_and_writes_nothing) {
  owner stale{path, time};
  stale.start(id);
  owner heir{path, time};
  heir.take_over(stale.writer);
  const std::int64_t rows = heir.number("SELECT COUNT(*) FROM saga_journal");

  BOOST_TEST(!stale.work(others));

  BOOST_TEST(heir.number("SELECT COUNT(*) FROM saga_journal") == rows);
  BOOST_TEST(heir.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_rolled_back_turn_is_read_again_and_the_saga_goes_on) {
  owner one{path, time};
  one.start(id);
  const auto call = one.calls.front();
  one.session->begin();
  saga::outgoing lost;
  one.sagas.answered(one.in(lost), id, call.token, false, "reserve done");
  one.session->rollback();
  one.sagas.rolled_back();
  BOOST_TEST(one.sagas.wants_resume(time.now()));
  BOOST_TEST(one.sagas.running().size() == 0U);

  one.resume();

  BOOST_TEST(!one.sagas.wants_resume(time.now()));
  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_saga_that_runs_again_after_a_failure_is_not_looked_for_any_more) {
  owner one{path, time};
  one.start(id);
  one.resume(); // As every first turn does.
  one.sagas.put_off(id, "a bug", time.wall(), time.now());
  BOOST_TEST(!one.sagas.wants_resume(time.now()));
  time.advance(1s);
  BOOST_TEST(one.sagas.wants_resume(time.now()));
  one.calls.clear();

  one.resume();
  BOOST_TEST(one.sagas.running().size() == 1U);
  BOOST_TEST(!one.sagas.wants_resume(time.now()));
  BOOST_TEST(one.sagas.standing_still().find(id)->failures == 1U); // Until it has moved.

  const auto call = one.calls.front();
  one.session->begin();
  saga::outgoing lost;
  one.sagas.answered(one.in(lost), id, call.token, false, "reserve done");
  one.session->rollback();
  one.sagas.rolled_back();
  BOOST_TEST(one.sagas.wants_resume(time.now()));
  one.resume();
  BOOST_TEST(!one.sagas.wants_resume(time.now()));
  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
  BOOST_TEST(one.sagas.standing_still().find(id) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_rolled_back_turn_has_only_its_own_sagas_read_again) {
  owner one{path, time};
  const uuid other = uuid_source{7}.next(time.wall());
  one.start(id);
  one.start(other);
  one.resume();
  const auto call = one.calls.front();
  for (int i = 0; i < 2; ++i) { // Also if it is undone again.
    one.session->begin();
    saga::outgoing lost;
    one.sagas.resume(one.in(lost));
    one.sagas.answered(one.in(lost), id, call.token, false, "reserve done");
    one.session->rollback();
    one.sagas.rolled_back();
  }
  BOOST_TEST(!one.sagas.is_behind());
  BOOST_TEST(one.sagas.wants_resume(time.now()));

  std::size_t count = 0;
  one.turn([&](saga::outgoing& out) { count = one.sagas.resume(one.in(out)); });

  BOOST_TEST(count == 1U);
  BOOST_TEST(one.sagas.running().size() == 2U);
}

// An actor is made again after a throw: the sagas that it ran must go on without a new process.
// What a receiver would refuse without an answer, or cut the connection for, must end the saga.
BOOST_AUTO_TEST_CASE(a_step_that_cannot_travel_fails_where_it_is_made) {
  owner one{path, time};
  one.turn([&](saga::outgoing& out) {
    out.body_bytes_max = 3; // The bodies of the steps are longer.
    const std::array rows{store::inbox_row{
        .id = id, .operation = "place", .digest = 1, .reply = {}, .by = {.node = "n"}}};
    store::inbox{*one.session}.insert(rows);
    const saga::plan& by = *one.sagas.plans().find("place");
    BOOST_REQUIRE(one.sagas.start(one.in(out), id, by, "input", 5s));
  });

  BOOST_TEST(one.calls.empty());
  BOOST_REQUIRE(one.answers.size() == 1U);
  BOOST_TEST(one.answers[0].failed);
  const auto why = wire::read_error(one.answers[0].bytes);
  BOOST_REQUIRE(why);
  BOOST_TEST(why->code == errc::invalid);
  BOOST_TEST(
      why->message
      == "the body of the call of step `reserve` has 13 bytes; 3 are allowed (`limits: {body: "
         "...}` "
         "of the topology)");
  BOOST_TEST(one.number("SELECT phase FROM sagas") == 3); // Compensated: there was nothing to undo.
}

BOOST_AUTO_TEST_CASE(a_new_instance_takes_up_what_the_last_one_ran) {
  owner one{path, time};
  one.start(id);
  one.calls.clear();
  one.make_anew(owner::make_plans());

  BOOST_TEST(one.sagas.wants_resume(time.now()));
  one.resume();

  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_accept_that_throws_fails_its_call_and_no_other) {
  auto definition = saga::test::order_saga();
  bool throws_number = false;
  definition.accept = [&](std::string_view) -> outcome<void> {
    if (throws_number) {
      throw 7;
    }
    throw std::runtime_error{"thrown by the author"};
  };
  owner one{path, time};
  std::vector<saga::plan> plans;
  plans.push_back(*saga::plan::make(std::move(definition)));
  one.make_anew(std::move(plans));

  for (const std::string_view what : {"thrown by the author", "`int`"}) {
    throws_number = what == "`int`";
    one.turn([&](saga::outgoing& out) {
      const auto started =
          one.sagas.start(one.in(out), id, *one.sagas.plans().find("place"), "input", 5s);
      BOOST_TEST(started.error().code == errc::crashed);
      BOOST_TEST(started.error().message.find(what) != std::string::npos);
    });
  }

  BOOST_TEST(one.number("SELECT COUNT(*) FROM sagas") == 0);
}

BOOST_AUTO_TEST_CASE(sagas_that_are_over_are_forgotten_with_their_journals_and_others_stay) {
  const std::chrono::hours day{24};
  uuid_source ids{5};
  owner one{path, time};
  const uuid over = ids.next(time.wall());
  const uuid parked = ids.next(time.wall());
  const uuid running = ids.next(time.wall());
  one.start(over);
  BOOST_TEST(one.work(others));
  others.refuses = "confirm";
  one.start(parked);
  BOOST_TEST(one.work(others));
  others.refuses.clear();
  one.start(running);
  time.advance(day);
  BOOST_TEST(one.work(others)); // It ended a day later than it began.
  const auto forget = [&] {
    std::optional<uuid> last = uuid{};
    while (last) { // One row at a time.
      one.turn([&](saga::outgoing&) {
        last = saga::journal_table{*one.session}.forget(*last, time.wall() - 90 * day, 1);
      });
    }
    return one.number("SELECT COUNT(*) FROM sagas");
  };

  time.advance(88 * day);
  BOOST_TEST(forget() == 3);
  time.advance(1 * day + 1h);
  BOOST_TEST(forget() == 2);
  time.advance(1 * day);
  BOOST_TEST(forget() == 1);
  BOOST_TEST(one.number("SELECT phase FROM sagas") == 4);
  BOOST_TEST(one.number("SELECT COUNT(DISTINCT saga) FROM saga_journal") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
