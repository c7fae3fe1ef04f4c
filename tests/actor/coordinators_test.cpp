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
  BOOST_TEST(one.sagas.running() == 0U);
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
  one.sagas.answered(*one.session, id, call.token, false, "reserve done", time.wall(), lost);
  one.session->rollback();
  one.sagas.rolled_back();
  BOOST_TEST(one.sagas.wants_resume(time.now()));
  BOOST_TEST(one.sagas.running() == 0U);

  one.resume();

  BOOST_TEST(!one.sagas.wants_resume(time.now()));
  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

// An actor is made anew after a throw: the sagas that it ran must go on without a new process.
BOOST_AUTO_TEST_CASE(a_new_instance_takes_up_what_the_last_one_ran) {
  owner one{path, time};
  one.start(id);
  one.calls.clear();
  one.sagas = saga::coordinators{owner::make_plans()};

  BOOST_TEST(one.sagas.wants_resume(time.now()));
  one.resume();

  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_accept_that_throws_fails_its_call_and_no_other) {
  auto definition = saga::test::order_saga();
  definition.accept = [](std::string_view) -> outcome<void> {
    throw std::runtime_error{"thrown by the author"};
  };
  owner one{path, time};
  std::vector<saga::plan> plans;
  plans.push_back(*saga::plan::make(std::move(definition)));
  one.sagas = saga::coordinators{std::move(plans)};

  one.turn([&](saga::outgoing& out) {
    const auto started = one.sagas.start(
        *one.session, one.writer, id, *one.sagas.find("place"), "input", 5s, time.wall(), out);
    BOOST_TEST(started.error().code == errc::crashed);
  });

  BOOST_TEST(one.number("SELECT COUNT(*) FROM sagas") == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
