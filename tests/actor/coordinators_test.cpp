#include "runtime/saga/coordinators.hpp"

#include "runtime/actor/saga_actor.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/node_calls.hpp"
#include "tests/saga/driver.hpp"
#include "tests/worker/process_fixture.hpp"

#include <deque>
#include <stdexcept>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

std::string hex_of(const uuid& id) {
  std::string text = to_string(id);
  std::erase(text, '-');
  return text;
}

/// The capabilities that a saga calls. They outlive the saga's owners, and have inboxes.
struct participants {
  std::map<uuid, std::string> inbox;
  std::vector<std::string> done;
  std::string refuses;

  outcome<std::string> ask(const saga::outgoing::call& call) {
    if (call.operation == refuses) {
      return failure{rejected("no", "the participant refused")};
    }
    if (inbox.emplace(call.id, call.operation + " done").second) {
      done.push_back(call.operation);
    }
    return inbox[call.id];
  }
};

/// A process that owns sagas. Its destructor is its death.
struct owner {
  owner(
      const std::string& path,
      const clock& clock,
      const saga::definition& of = saga::test::order_saga())
      : time{clock}, sagas{make_plans(of)} {
    auto opened = store::open_sqlite(path, {.capability = "sagas", .durable = false});
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    session = std::move(*opened);
    BOOST_REQUIRE(store::migrate(*session, time, "troupe.turn", store::turn_migrations()));
    BOOST_REQUIRE(store::migrate(*session, time, "troupe.saga", saga::journal_migrations()));
    store::transaction joining{*session};
    writer = store::writers{*session}.add("n", uuid{}, time.wall());
    joining.commit();
  }

  static std::vector<saga::plan> make_plans(const saga::definition& of = saga::test::order_saga()) {
    std::vector<saga::plan> plans;
    plans.push_back(*saga::plan::make(of));
    return plans;
  }

  /// Runs one turn. False if this owner has been fenced; nothing was written then.
  template <class Work>
  bool turn(Work work) {
    session->begin();
    if (store::writers{*session}.is_fenced(writer)) {
      session->rollback();
      sagas.rolled_back();
      return false;
    }
    saga::outgoing out;
    work(out);
    session->commit();
    sagas.committed();
    ++commits;
    calls.insert(calls.end(), out.calls.begin(), out.calls.end());
    answers.insert(answers.end(), out.answers.begin(), out.answers.end());
    parked.insert(parked.end(), out.parked_sagas.begin(), out.parked_sagas.end());
    return true;
  }

  bool start(const uuid& id) {
    return turn([&](saga::outgoing& out) {
      const std::array rows{store::inbox_row{
          .id = id, .operation = "place", .digest = 1, .reply = {}, .by = {.node = "n"}}};
      store::inbox{*session}.insert(rows);
      const auto started =
          sagas.start(*session, writer, id, *sagas.find("place"), "input", 5s, time.wall(), out);
      BOOST_REQUIRE(started.has_value());
    });
  }

  bool resume() {
    return turn(
        [&](saga::outgoing& out) { sagas.resume(*session, writer, time.wall(), time.now(), out); });
  }

  /// Takes up what earlier heirs left alone.
  bool take_left_alone() {
    return turn([&](saga::outgoing& out) {
      sagas.take_left_alone(*session, writer, time.wall(), time.now(), out);
    });
  }

  outcome<void> resume_by_person(const uuid& id, bool anew = false) {
    outcome<void> done;
    BOOST_REQUIRE(turn([&](saga::outgoing& out) {
      done = sagas.resume_by_person(*session, writer, id, anew, time.wall(), time.now(), out);
    }));
    return done;
  }

  bool take_over(std::int64_t from) {
    return turn([&](saga::outgoing& out) {
      store::writers{*session}.fence(from);
      sagas.take_left_alone(*session, writer, time.wall(), time.now(), out);
    });
  }

  /// Sends calls and takes answers until none are left, or for `commits_max` commits.
  /// @return false if it was cut short.
  bool work(participants& with, int commits_max = 1'000) {
    while (!calls.empty()) {
      if (commits >= commits_max) {
        return false;
      }
      const saga::outgoing::call call = calls.front();
      calls.pop_front();
      const auto reply = with.ask(call);
      std::string bytes;
      if (reply) {
        bytes = *reply;
      } else {
        wire::append_error(bytes, reply.error());
      }
      const bool heard = turn([&](saga::outgoing& out) {
        sagas.answered(*session, call.saga, call.token, !reply, bytes, time.wall(), out);
      });
      if (!heard) {
        return false;
      }
    }
    return commits < commits_max;
  }

  std::int64_t number(std::string_view sql) { return session->integer_of(sql).value_or(-1); }

  const clock& time;
  std::unique_ptr<store::database> session;
  std::int64_t writer = 0;
  saga::coordinators sagas;
  std::deque<saga::outgoing::call> calls;
  std::vector<saga::outgoing::answer> answers;
  std::vector<saga::outgoing::parked> parked;
  int commits = 0;
};

struct coordinators_fixture {
  temporary_folder folder;
  manual_clock time;
  participants others;
  const std::string path = folder.path + "/sagas.db";
  const uuid id = saga::test::some_saga();

  const std::vector<std::string> forward{"reserve", "credit", "charge", "confirm"};
  const std::vector<std::string> undone{"reserve", "credit", "uncredit", "release"};
};

} // namespace

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

// A release with one step more is started while a saga of the older one runs, and rolled back.
BOOST_AUTO_TEST_CASE(a_saga_of_another_release_is_left_alone_and_the_other_goes_on) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 2);
  const std::int64_t old = first->writer;
  first.reset();
  saga::definition longer = saga::test::order_saga();
  longer.steps.push_back(saga::test::make_step("thank", saga::step_kind::retriable));
  owner newer{path, time, longer};
  const std::int64_t rows = newer.number("SELECT COUNT(*) FROM saga_journal");

  newer.take_over(old);

  BOOST_TEST(newer.sagas.running() == 0U);
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
}

// While the owner lives, nobody else takes its sagas up.
BOOST_AUTO_TEST_CASE(a_saga_whose_owner_is_not_fenced_is_not_left_alone) {
  owner one{path, time};
  one.start(id);
  owner other{path, time};

  other.take_left_alone();

  BOOST_TEST(other.sagas.running() == 0U);
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

  BOOST_TEST(heir.sagas.running() == 1U);
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
  heir.session->begin();
  heir.session->script(
      "CREATE TRIGGER broken BEFORE UPDATE OF writer ON sagas WHEN old.id = x'" + hex_of(bad)
      + "' AND (SELECT COUNT(*) FROM trouble) > 0 BEGIN"
        " SELECT RAISE(ABORT, 'a bug'); END; CREATE TABLE trouble (n INTEGER);"
        "INSERT INTO trouble VALUES (1);");
  heir.session->commit();

  heir.take_over(dead);
  BOOST_TEST(heir.sagas.running() == 1U);
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
  BOOST_TEST(heir.sagas.running() == 0U); // It still waits.
  time.advance(200ms);
  heir.take_left_alone();
  BOOST_TEST(heir.sagas.running() == 1U);
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
    script("CREATE TRIGGER broken BEFORE INSERT ON saga_journal WHEN NEW.kind = 3 BEGIN"
           " SELECT RAISE(ABORT, 'a bug of today'); END;");
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

  script("DROP TRIGGER broken;");
  BOOST_TEST(answers_after(60s));

  BOOST_TEST(p->number("SELECT phase FROM sagas") == 2);
}

BOOST_FIXTURE_TEST_CASE(a_saga_that_fails_time_and_again_is_parked_for_a_person, broken_saga) {
  answer();
  while (answers_after(60s)) {
  }
  BOOST_REQUIRE(p->number("SELECT phase FROM sagas") == 4);
  BOOST_TEST(p->number("SELECT kind FROM saga_journal ORDER BY seq DESC LIMIT 1") == 9);
  script("DROP TRIGGER broken;");
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
  one.turn([&](saga::outgoing& out) {
    one.sagas.answered(*one.session, id, call.token, true, stored, time.wall(), out);
  });
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
