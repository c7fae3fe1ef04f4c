#include "runtime/actor/saga_actor.hpp"
#include "runtime/wire/node_calls.hpp"
#include "tests/actor/saga_owner.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

std::string hex_of(const uuid& id) {
  std::string text = to_string(id);
  std::erase(text, '-');
  return text;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_saga_standing_sagas,
    coordinators_fixture,
    *utf::label("integration") * utf::timeout(240))

// A program with one step more is started while a saga of a release runs that kept no step tables,
// and rolled back.
BOOST_AUTO_TEST_CASE(a_saga_whose_steps_were_not_kept_is_left_alone_and_the_other_goes_on) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 2);
  first->session->script("DELETE FROM saga_tables");
  const std::int64_t old = first->writer;
  first.reset();
  saga::definition longer = saga::test::order_saga();
  longer.steps.push_back(saga::test::make_step("thank", saga::step_kind::retriable));
  owner newer{path, time, longer};
  const std::int64_t rows = newer.number("SELECT COUNT(*) FROM saga_journal");

  newer.take_over(old);

  BOOST_TEST(newer.sagas.running().size() == 0U);
  BOOST_TEST(newer.calls.empty());
  BOOST_TEST(newer.number("SELECT phase FROM sagas") == 0);
  BOOST_TEST(newer.number("SELECT COUNT(*) FROM saga_journal") == rows);
  BOOST_REQUIRE(newer.parked.size() == 1U);
  BOOST_TEST(newer.parked[0].is_left_alone);
  BOOST_TEST(newer.parked[0].reason.find("other steps") != std::string::npos);
  newer.take_left_alone();
  BOOST_TEST(newer.parked.size() == 1U); // Told once.

  owner again{path, time};
  again.take_left_alone();
  BOOST_TEST(again.work(others));

  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
  BOOST_TEST(again.number("SELECT phase FROM sagas") == 2);
  BOOST_TEST(newer.sagas.standing_now(time.wall()).left_alone == 1U);
  newer.take_left_alone();
  BOOST_TEST(newer.sagas.standing_now(time.wall()).left_alone == 0U); // It is over.
}

// The steps are the same, but their messages are others: undoing the saga would be no help.
BOOST_AUTO_TEST_CASE(a_saga_whose_command_cannot_be_made_any_more_is_left_alone) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 2);
  const std::int64_t old = first->writer;
  first.reset();
  saga::definition other = saga::test::order_saga();
  other.steps[1].request = [](const saga::facts&) -> outcome<std::string> {
    return failure{invalid("field `sku`: missing")};
  };
  owner newer{path, time, other};

  newer.take_over(old);

  BOOST_TEST(newer.sagas.running().size() == 0U);
  BOOST_TEST(newer.calls.empty());
  BOOST_REQUIRE(newer.parked.size() == 1U);
  BOOST_TEST(newer.parked[0].is_left_alone);
  const auto told = newer.resume_by_person(id);
  BOOST_REQUIRE(!told);
  BOOST_TEST((told.error().code == errc::conflict));
  BOOST_TEST(told.error().message.find("cannot make the command in hand") != std::string::npos);
  owner again{path, time};
  again.take_left_alone();
  BOOST_TEST(again.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

// The release that can make the command comes back, carries it out, and goes for good.
BOOST_AUTO_TEST_CASE(a_saga_that_was_left_alone_is_looked_at_again_once_it_has_gone_on) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 2); // `credit` is asked.
  const std::int64_t old = first->writer;
  first.reset();
  saga::definition other = saga::test::order_saga();
  other.steps[1].request = [](const saga::facts&) -> outcome<std::string> {
    return failure{invalid("field `sku`: missing")};
  };
  owner newer{path, time, other};
  newer.take_over(old);
  BOOST_REQUIRE(newer.sagas.standing_now(time.wall()).left_alone == 1U);
  auto back = std::make_unique<owner>(path, time);
  back->take_left_alone();
  BOOST_TEST(!back->work(others, 2)); // `charge` is asked.
  const std::int64_t gone = back->writer;
  back.reset();

  newer.take_over(gone);

  BOOST_TEST(newer.sagas.running().size() == 1U);
  BOOST_TEST(newer.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_left_alone_is_looked_at_under_another_epoch_whoever_owns_it) {
  saga::troubles troubles;
  troubles.leave_alone(id, {.reason = "other steps", .epoch = 1});

  BOOST_TEST(!troubles.may_go_on(id, 1, time.now()));
  BOOST_TEST(troubles.may_go_on(id, 2, time.now()));
  BOOST_TEST(!troubles.leave_alone(id, {.reason = "other steps", .epoch = 1}));
  BOOST_TEST(troubles.leave_alone(id, {.reason = "other steps", .epoch = 2})); // Told again.
}

// While the owner lives, nobody else takes its sagas up.
BOOST_AUTO_TEST_CASE(a_saga_whose_owner_is_not_fenced_is_not_left_alone) {
  owner one{path, time};
  one.start(id);
  owner other{path, time};

  other.take_left_alone();

  BOOST_TEST(other.sagas.running().size() == 0U);
  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_saga_whose_journal_is_damaged_is_left_alone_and_the_others_go_on) {
  const uuid damaged = uuid_source{7}.next(time.wall());
  auto first = std::make_unique<owner>(path, time);
  first->start(damaged);
  first->start(id);
  first->session->begin();
  first->session->execute("DELETE FROM saga_journal WHERE saga = $1 AND seq = 2", damaged);
  first->session->commit();
  const std::int64_t dead = first->writer;
  first.reset();
  owner heir{path, time};

  heir.take_over(dead);

  BOOST_TEST(heir.sagas.running().size() == 1U);
  BOOST_REQUIRE(heir.sagas.standing_still().find(damaged) != nullptr);
  BOOST_TEST(
      heir.sagas.standing_still().find(damaged)->reason.find("inside a decision")
      != std::string::npos);
  BOOST_TEST((heir.resume_by_person(damaged).error().code == errc::conflict));
  BOOST_TEST(heir.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

// One saga whose takeover throws must not undo the turn in which others are taken over.
BOOST_AUTO_TEST_CASE(a_saga_that_cannot_be_taken_up_waits_and_is_then_parked_with_the_reason) {
  const uuid bad = uuid_source{7}.next(time.wall());
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->start(bad);
  const std::int64_t dead = first->writer;
  first.reset();
  owner heir{path, time};
  if (store::is_on_postgres()) {
    return; // Its triggers are functions, which scripts cannot make.
  }
  heir.session->begin();
  heir.session->script(
      "CREATE TRIGGER broken BEFORE UPDATE OF writer ON sagas WHEN old.id = x'" + hex_of(bad)
      + "' AND (SELECT COUNT(*) FROM trouble) > 0 BEGIN"
        " SELECT RAISE(ABORT, 'a bug'); END; CREATE TABLE trouble (n INTEGER);"
        "INSERT INTO trouble VALUES (1);");
  heir.session->commit();

  heir.take_over(dead);
  BOOST_TEST(heir.sagas.running().size() == 1U);
  BOOST_TEST(heir.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
  BOOST_REQUIRE(heir.sagas.standing_still().find(bad) != nullptr);
  BOOST_TEST(heir.sagas.standing_still().find(bad)->failures == 1U);

  BOOST_TEST(heir.number("SELECT phase FROM sagas WHERE phase <> 2") == 0);
  BOOST_TEST(heir.number("SELECT writer FROM sagas WHERE phase <> 2") == dead);
  heir.session->begin();
  heir.session->execute("DELETE FROM trouble");
  heir.session->commit();
  heir.take_left_alone();
  BOOST_TEST(heir.sagas.running().size() == 0U); // It still waits.
  time.advance(200ms);
  heir.take_left_alone();
  BOOST_TEST(heir.sagas.running().size() == 1U);
}

struct broken_saga : coordinators_fixture {
  broken_saga() {
    type.name = "sagas";
    type.sagas = {saga::test::order_saga()};
    type.make = [](const context&) { return std::make_unique<saga_actor>(owner::make_plans()); };
    p = std::make_unique<process>(time, "n1", type, things_options(folder));
    p->start();
    placed = p->send("place", "input");
    p->run();
    for (int i = 0; i < 3; ++i) {
      answer();
    }
    BOOST_REQUIRE(p->calls.size() == 4U); // The last step is asked, which has no deadline.
    script(
        store::is_on_postgres()
            ? "ALTER TABLE saga_journal ADD CONSTRAINT broken CHECK (kind <> 3) NOT VALID"
            : "CREATE TRIGGER broken BEFORE INSERT ON saga_journal WHEN NEW.kind = 3 BEGIN"
              " SELECT RAISE(ABORT, 'a bug of today'); END;");
  }

  void mend() {
    script(
        store::is_on_postgres() ? "ALTER TABLE saga_journal DROP CONSTRAINT broken"
                                : "DROP TRIGGER broken;");
  }

  void script(const std::string& sql) {
    p->store->database->begin();
    p->store->database->script(sql);
    p->store->database->commit();
  }

  /// Answers the saga's last call.
  void answer() {
    item ok{.what = item::kind::saga_answered};
    ok.saga = placed;
    ok.token = p->calls.back().token;
    ok.own_body("done");
    p->send(std::move(ok));
    p->run();
  }

  /// Waits until the saga asks again, and answers. False if it does not.
  bool answers_after(milliseconds wait) {
    const std::size_t asked = p->calls.size();
    time.advance(wait);
    p->keep_house({p->incarnation});
    p->run();
    if (p->calls.size() == asked) {
      return false;
    }
    answer();
    return true;
  }

  actor_type type;
  std::unique_ptr<process> p;
  uuid placed;
};

BOOST_FIXTURE_TEST_CASE(a_saga_whose_answer_cannot_be_written_down_asks_again_later, broken_saga) {
  answer();
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST(p->number("SELECT phase FROM sagas") == 0);
    BOOST_TEST(answers_after(60s));
  }
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty()); // Its instance is not to blame.

  mend();
  BOOST_TEST(answers_after(60s));

  BOOST_TEST(p->number("SELECT phase FROM sagas") == 2);
}

BOOST_FIXTURE_TEST_CASE(a_saga_that_fails_time_and_again_is_parked_for_a_person, broken_saga) {
  answer();
  while (answers_after(60s)) {
  }
  BOOST_REQUIRE(p->number("SELECT phase FROM sagas") == 4);
  BOOST_TEST(p->number("SELECT kind FROM saga_journal ORDER BY seq DESC LIMIT 1") == 9);
  mend();
  const std::size_t asked = p->calls.size();
  const uuid command = p->calls.back().id;

  item order{.what = item::kind::person_order};
  order.slot = 0;
  order.id = p->fresh_id();
  order.deadline = time.now() + 10s;
  order.operation = "resume_saga";
  order.own_body(wire::encoded(wire::resume_saga{.capability = "sagas", .id = placed}));
  p->send(std::move(order));
  p->run();

  BOOST_REQUIRE(p->calls.size() == asked + 1);
  BOOST_TEST(p->calls.back().id == command); // It may have been carried out.
  answer();
  BOOST_TEST(p->number("SELECT phase FROM sagas") == 2);
}

BOOST_AUTO_TEST_CASE(a_saga_that_is_undone_in_the_turn_of_its_call_leaves_no_call_pending) {
  saga::definition narrow = saga::test::order_saga();
  narrow.steps.resize(2);
  narrow.undo = "unplace";
  narrow.at_once = 1;
  actor_type type;
  type.name = "sagas";
  type.sagas = {narrow};
  type.make = [narrow](const context&) {
    return std::make_unique<saga_actor>(owner::make_plans(narrow));
  };
  process p{time, "n1", type, things_options(folder)};
  p.start();
  p.send("place", "input");
  p.run();

  const uuid queued = p.send("place", "input");
  const uuid undo = p.send("unplace", wire::encoded(saga::undo_saga{queued}));
  p.run();

  BOOST_TEST(p.number("SELECT COUNT(*) FROM sagas WHERE phase = 3") == 1);
  BOOST_TEST(p.number("SELECT COUNT(*) FROM inbox") == 3);
  BOOST_TEST(p.number("SELECT COUNT(*) FROM inbox WHERE state = 1") == 1); // That of the first.
  BOOST_TEST((p.replies[undo].status == wire::status::ok));
}

BOOST_AUTO_TEST_CASE(a_person_resumes_a_parked_saga_from_any_process) {
  others.refuses = "confirm";
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  BOOST_TEST(first->work(others));
  BOOST_REQUIRE(first->number("SELECT phase FROM sagas") == 4);
  owner other{path, time};
  others.refuses.clear();

  BOOST_TEST(other.resume_by_person(id).has_value());

  BOOST_TEST(other.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
  BOOST_TEST(other.number("SELECT phase FROM sagas") == 2);
  BOOST_TEST(other.number("SELECT epoch FROM sagas") == 2);
}

// Its participant keeps `crashed` for the command's id: the same id brings nothing else.
BOOST_AUTO_TEST_CASE(a_person_must_vouch_for_a_command_whose_stored_answer_says_nothing) {
  owner one{path, time};
  one.start(id);
  BOOST_TEST(!one.work(others, 4)); // `confirm` is asked.
  const auto call = one.calls.front();
  one.calls.clear();
  std::string stored;
  wire::append_error(
      stored,
      {.code = errc::crashed, .possible = effect::unknown, .message = "no", .is_final = true});
  one.turn(
      [&](saga::outgoing& out) { one.sagas.answered(one.in(out), id, call.token, true, stored); });
  BOOST_REQUIRE(one.number("SELECT phase FROM sagas") == 4);

  BOOST_TEST(one.resume_by_person(id).error().detail("reason") == "needs_anew");
  BOOST_TEST(one.calls.empty());
  BOOST_TEST(one.resume_by_person(id, true).has_value());

  BOOST_TEST(one.work(others));
  BOOST_TEST(one.number("SELECT phase FROM sagas") == 2);
}

// The release before parked sagas without a record of it.
BOOST_AUTO_TEST_CASE(a_person_resumes_what_was_parked_without_a_record) {
  owner one{path, time};
  one.start(id);
  one.session->begin();
  one.session->execute("UPDATE sagas SET phase = 4");
  one.session->commit();
  owner other{path, time};

  BOOST_TEST(other.resume_by_person(id).has_value());

  BOOST_TEST(other.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_person_cannot_resume_a_saga_that_runs_or_is_over_or_is_not_there) {
  owner one{path, time};
  one.start(id);
  owner other{path, time};

  BOOST_TEST(other.resume_by_person(id).error().detail("reason") == "not_waiting");
  BOOST_TEST(one.work(others));
  BOOST_TEST(other.resume_by_person(id).error().detail("reason") == "not_waiting");
  BOOST_TEST(other.resume_by_person(uuid{}).error().detail("reason") == "no_saga");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
