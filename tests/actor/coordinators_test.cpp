#include "runtime/saga/coordinators.hpp"

#include "runtime/actor/saga_actor.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/wire/envelope.hpp"
#include "tests/saga/driver.hpp"
#include "tests/worker/process_fixture.hpp"

#include <deque>
#include <stdexcept>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

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
  owner(const std::string& path, const clock& clock) : time{clock}, sagas{make_plans()} {
    auto opened = store::open_sqlite(path, {.capability = "sagas", .durable = false});
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    session = std::move(*opened);
    BOOST_REQUIRE(store::migrate(*session, time, "troupe.turn", store::turn_migrations()));
    BOOST_REQUIRE(store::migrate(*session, time, "troupe.saga", saga::journal_migrations()));
    store::transaction joining{*session};
    writer = store::writers{*session}.add("n", uuid{}, time.wall());
    joining.commit();
  }

  static std::vector<saga::plan> make_plans() {
    std::vector<saga::plan> plans;
    plans.push_back(*saga::plan::make(saga::test::order_saga()));
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
    return turn([&](saga::outgoing& out) { sagas.resume(*session, writer, time.wall(), out); });
  }

  bool take_over(std::int64_t from) {
    return turn([&](saga::outgoing& out) {
      store::writers{*session}.take_over(from, writer);
      saga::journal_table{*session}.take_over(from, writer);
      sagas.resume(*session, writer, time.wall(), out);
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
  one.sagas.answered(*one.session, id, call.token, false, "reserve done", time.wall(), lost);
  one.session->rollback();
  one.sagas.rolled_back();
  BOOST_TEST(one.sagas.wants_resume());
  BOOST_TEST(one.sagas.running() == 0U);

  one.resume();

  BOOST_TEST(!one.sagas.wants_resume());
  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

// An actor is made anew after a throw: the sagas that it ran must go on without a new process.
BOOST_AUTO_TEST_CASE(a_new_instance_takes_up_what_the_last_one_ran) {
  owner one{path, time};
  one.start(id);
  one.calls.clear();
  one.sagas = saga::coordinators{owner::make_plans()};

  BOOST_TEST(one.sagas.wants_resume());
  one.resume();

  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_saga_given_up_is_parked_and_out_of_the_way) {
  owner one{path, time};
  one.start(id);

  one.turn([&](saga::outgoing& out) {
    one.sagas.give_up(*one.session, one.writer, id, out);
    BOOST_TEST(out.parked_sagas.size() == 1U);
  });

  BOOST_TEST(one.sagas.running() == 0U);
  BOOST_TEST(one.number("SELECT phase FROM sagas") == 4);
  one.resume();
  BOOST_TEST(one.sagas.running() == 0U);
}

BOOST_AUTO_TEST_CASE(a_saga_of_somebody_else_is_not_given_up) {
  owner one{path, time};
  one.start(id);
  owner other{path, time};

  other.turn([&](saga::outgoing& out) {
    other.sagas.give_up(*other.session, other.writer, id, out);
    BOOST_TEST(out.parked_sagas.empty());
  });

  BOOST_TEST(one.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_saga_whose_answer_cannot_be_written_down_three_times_is_parked) {
  actor_type type;
  type.name = "sagas";
  type.sagas = {saga::test::order_saga()};
  type.make = [](const context&) { return std::make_unique<saga_actor>(owner::make_plans()); };
  process p{time, "n1", type, things_options(folder)};
  p.start();
  const uuid placed = p.send("place", "input");
  p.run();
  BOOST_REQUIRE(p.calls.size() == 1U);
  p.store->database->begin();
  p.store->database->script("CREATE UNIQUE INDEX broken ON saga_journal (saga, kind);");
  p.store->database->commit();
  item answer{.what = item::kind::saga_answered};
  answer.saga = placed;
  answer.token = p.calls[0].token;
  answer.own_body("reserve done");
  p.send(std::move(answer));

  for (std::uint64_t tries = 1; tries <= 3; ++tries) {
    p.run();
    BOOST_TEST(p.number("SELECT phase FROM sagas") == 0);
    p.start(0, tries + 1);
    p.come_back();
  }
  p.run();

  BOOST_TEST(p.number("SELECT phase FROM sagas") == 4);
  BOOST_TEST(p.later.empty());
  BOOST_TEST(all_of<supervision::child_exited>(p.events).size() == 3U);
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
