#include "runtime/store/lent_session.hpp"

#include "tests/store/engine.hpp"
#include "tests/worker/process_fixture.hpp"

#include <array>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using misuse = std::function<void(store::database&)>;

constexpr std::array schema{
    store::migration{1, "things", "CREATE TABLE things (name TEXT NOT NULL UNIQUE)"}};

constexpr const char* insert = "INSERT INTO things (name) VALUES ($1)";

/// What a test has an actor do to its session, in each of the calls that have one.
struct hands {
  misuse in_command;
  misuse in_query;
  misuse in_event;
  misuse in_settle;
  misuse in_regular_work;
  misuse in_look;
  store::database* kept = nullptr;
};

void use(const misuse& how, store::database& session) {
  if (how) {
    how(session);
  }
}

class careless_actor final : public actor {
public:
  explicit careless_actor(hands& told) {
    command("put", [](const thing& request, turn& turn) {
      turn.database().execute(insert, request.name);
      return count{};
    });
    command("misuse", [&told](const thing& request, turn& turn) {
      told.kept = &turn.database();
      turn.database().execute(insert, request.name);
      use(told.in_command, turn.database());
      return count{};
    });
    command("misuse_and_refuse", [&told](const thing& request, turn& turn) -> outcome<count> {
      turn.database().execute(insert, request.name);
      use(told.in_command, turn.database());
      return failure{rejected("no", "refused")};
    });
    query("look", [&told](const thing&, store::database& session) {
      use(told.in_query, session);
      return count{session.integer_of("SELECT COUNT(*) FROM things").value_or(-1)};
    });
    on("thing.*", [&told](const thing& event, turn& turn) {
      turn.database().execute(insert, event.name);
      use(told.in_event, turn.database());
    });
    command("send", [](const thing& request, turn& turn) { return turn.effect("send", request); });
    effect<count>(
        "send",
        [](const thing&, const effect_call&) -> outcome<count> { return count{1}; },
        [&told](const thing& request, const outcome<count>&, turn& turn) {
          turn.database().execute(insert, "settled " + request.name);
          use(told.in_settle, turn.database());
          return count{};
        });
    regularly([&told](turn& turn) { use(told.in_regular_work, turn.database()); });
    waits_for_people([&told](store::database& session) {
      use(told.in_look, session);
      return open_matters{};
    });
  }
};

/// The text of what `call` throws, which must be a mistake of the program.
std::string words_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const store::database_error& thrown) {
    BOOST_TEST((thrown.kind == store::database_fault::schema));
    return thrown.what();
  }
  return "it did not throw";
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct misused {
  const char* what;
  misuse how;
  const char* words;
};

/// Everything that is not a handler's to do, as authors would, and with the error caught.
std::vector<misused> misuses() {
  return {
      {"begin", [](store::database& session) { session.begin(); }, "may not call begin()"},
      {"commit", [](store::database& session) { session.commit(); }, "may not call commit()"},
      {"rollback", [](store::database& session) { session.rollback(); }, "may not call rollback()"},
      {"a transaction",
       [](store::database& session) { store::transaction writing{session}; },
       "may not call begin()"},
      {"commit, caught",
       [](store::database& session) {
         try {
           session.commit();
         } catch (...) {
         }
       },
       "may not call commit()"},
      {"rollback, and on",
       [](store::database& session) {
         session.rollback();
         session.execute(insert, "outside of everything");
       },
       "may not call rollback()"},
      {"reconnect", [](store::database& session) { session.reconnect(); }, "reconnect()"},
      {"the message", [](store::database& session) { session.belongs_to({}); }, "belongs_to()"},
      {"a checkpoint", [](store::database& session) { session.checkpoint(); }, "checkpoint()"},
      {"all of it", [](store::database& session) { session.checkpoint_all(); }, "checkpoint_all"},
      {"other writers",
       [](store::database& session) { session.end_stalled_writer(); },
       "end_stalled_writer()"},
      {"release",
       [](store::database& session) { session.release(); },
       "without a savepoint of its own"},
      {"back to no savepoint",
       [](store::database& session) { session.rollback_to_savepoint(); },
       "without a savepoint of its own"},
      {"an open savepoint",
       [](store::database& session) {
         session.savepoint();
         session.execute(insert, "behind the savepoint");
       },
       "left a savepoint() open"},
      {"another thread",
       [](store::database& session) {
         std::async(std::launch::async, [&] {
           session.execute(insert, "from another thread");
         }).get();
       },
       "another thread use the database"},
      {"another thread, unheard",
       [](store::database& session) {
         std::async(std::launch::async, [&] { session.execute(insert, "unheard"); }).wait();
       },
       "another thread use the database"},
  };
}

struct careless_fixture {
  temporary_folder folder;
  manual_clock time;
  hands told;
  std::unique_ptr<process> p;

  careless_fixture() {
    actor_type type;
    type.name = "things";
    type.make = [this](const context&) { return std::make_unique<careless_actor>(told); };
    type.schema = schema;
    p = std::make_unique<process>(time, "n1", type, things_options(folder));
    p->start();
  }

  std::int64_t things() { return p->number("SELECT COUNT(*) FROM things"); }

  std::int64_t inbox() { return p->number("SELECT COUNT(*) FROM inbox"); }

  /// Why the instance failed last; it is made again, as the supervisor does.
  std::string last_failure() {
    const auto failed = all_of<supervision::child_exited>(p->events);
    BOOST_REQUIRE(!failed.empty());
    p->start(0, failed.back().generation + 1);
    return failed.back().reason;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_lent_session, careless_fixture, *utf::label("integration") * utf::timeout(120))

// A rollback undid the work of all before, whose inbox rows then said `ok`; a commit kept work
// that all were told had failed.
BOOST_AUTO_TEST_CASE(what_is_not_a_handlers_to_do_is_laid_upon_its_message_alone) {
  std::int64_t wanted = 0;
  for (const misused& each : misuses()) {
    BOOST_TEST_CONTEXT(each.what) {
      told.in_command = each.how;
      const uuid before = p->send("put", wire::encoded(thing{std::string{"before "} + each.what}));
      const uuid bad = p->send("misuse", wire::encoded(thing{std::string{"bad "} + each.what}));
      const uuid after = p->send("put", wire::encoded(thing{std::string{"after "} + each.what}));
      p->run();
      BOOST_TEST(p->replies[bad].why.code == errc::crashed);
      BOOST_TEST(has(last_failure(), each.words));
      p->run();
      wanted += 2;

      BOOST_TEST(p->replies[before].status == wire::status::ok);
      BOOST_TEST(p->replies[after].status == wire::status::ok);
      BOOST_TEST(things() == wanted);
      BOOST_TEST(inbox() == wanted);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_does_not_hide_it) {
  told.in_command = [](store::database& session) { session.rollback(); };

  const got bad = p->call("misuse_and_refuse", thing{"a"});

  BOOST_TEST(bad.why.code == errc::crashed);
  BOOST_TEST(has(last_failure(), "may not call rollback()"));
  BOOST_TEST(inbox() == 0);
  BOOST_TEST(things() == 0);
}

BOOST_AUTO_TEST_CASE(savepoints_of_its_own_stay_a_handlers) {
  told.in_command = [](store::database& session) {
    session.savepoint();
    session.execute(insert, "undone");
    session.rollback_to_savepoint();
    session.savepoint();
    const store::affected rows = session.execute(insert, "kept");
    session.release();
    BOOST_TEST(rows == 1);
  };

  BOOST_TEST(p->call("misuse", thing{"a"}).status == wire::status::ok);

  BOOST_TEST(things() == 2);
}

// A query that began a transaction made the whole next turn fail.
BOOST_AUTO_TEST_CASE(a_query_is_told_and_the_next_turn_runs) {
  for (const misused& each : misuses()) {
    BOOST_TEST_CONTEXT(each.what) {
      told.in_query = std::string_view{each.what} == "an open savepoint"
                          ? [](store::database& session) { session.begin(); }
                          : each.how;
      const std::string words =
          std::string_view{each.what} == "an open savepoint" ? "may not call begin()" : each.words;

      const got answer = p->call("look", thing{});

      BOOST_TEST(answer.why.code == errc::internal);
      BOOST_TEST(has(answer.why.message, words));
      BOOST_TEST(p->call("put", thing{each.what}).status == wire::status::ok);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_event_fails_alone_and_says_why) {
  p->assign_all(1);
  p->run();
  std::uint64_t position = 0;
  std::int64_t waiting = 0;
  for (const misused& each : misuses()) {
    BOOST_TEST_CONTEXT(each.what) {
      told.in_event = {};
      const std::string name = each.what;
      p->deliver(++position, "good " + name, thing{"before " + name});
      p->run();
      told.in_event = each.how;
      p->deliver(++position, "bad " + name, thing{"bad " + name});
      p->run();
      (void)last_failure();
      ++waiting;

      BOOST_TEST(things() == waiting);
      BOOST_TEST(p->number("SELECT COUNT(*) FROM postponed") == waiting);
      BOOST_TEST(p->number("SELECT COUNT(*) FROM postponed WHERE cause = 'crashed'") == waiting);
      const auto text = p->store->database->text_of(
          "SELECT error FROM postponed WHERE position = $1", static_cast<std::int64_t>(position));
      BOOST_TEST(has(text.value_or(""), each.words));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_settlement_is_kept_with_the_words_and_settled_later) {
  for (const misused& each : misuses()) {
    BOOST_TEST_CONTEXT(each.what) {
      told.in_settle = each.how;
      const uuid id = p->send("send", wire::encoded(thing{each.what}));
      p->run_until([&] { return !p->later.empty(); });
      const auto text = p->store->database->text_of("SELECT error FROM unsettled");
      BOOST_TEST(has(text.value_or(""), each.words));
      const std::int64_t settled = things();
      BOOST_TEST(
          p->store->database
              ->integer_of(
                  "SELECT COUNT(*) FROM things WHERE name = $1",
                  "settled " + std::string{each.what})
              .value_or(-1)
          == 0);

      told.in_settle = {};
      p->come_back();
      p->run();
      BOOST_TEST(p->replies[id].status == wire::status::ok);
      BOOST_TEST(things() == settled + 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(regular_work_is_undone_and_the_housekeeping_of_its_turn_is_not) {
  const auto round = [&] {
    time.advance(2s);
    p->keep_house({p->incarnation});
    p->run();
  };
  for (const misused& each : misuses()) {
    BOOST_TEST_CONTEXT(each.what) {
      told.in_regular_work = [&](store::database& session) {
        session.execute(insert, "by itself");
        each.how(session);
      };
      told.in_look = {};
      round();
      BOOST_TEST(things() == 0);

      told.in_look = std::exchange(told.in_regular_work, {});
      round();
      BOOST_TEST(things() == 0);
    }
  }
  told = {};
  BOOST_TEST(p->call("put", thing{"a"}).status == wire::status::ok);
}

// Kept beyond its turn it is used while another message is handled, or none.
BOOST_AUTO_TEST_CASE(outside_of_a_handler_nothing_reaches_the_session) {
  BOOST_REQUIRE(p->call("misuse", thing{"a"}).status == wire::status::ok);
  store::database& kept = *told.kept;

  BOOST_TEST(has(words_of([&] { kept.execute(insert, "late"); }), "outside of a handler's call"));
  BOOST_TEST(has(words_of([&] { kept.begin(); }), "may not call begin()"));
  BOOST_TEST(has(words_of([&] { (void)kept.changes(); }), "outside of a handler's call"));
  kept.rollback();

  BOOST_TEST(things() == 1);
  BOOST_TEST(p->call("put", thing{"b"}).status == wire::status::ok);
}

BOOST_AUTO_TEST_CASE(a_count_that_is_read_after_the_call_is_refused_where_it_would_wait) {
  std::optional<store::affected> rows;
  told.in_command = [&](store::database& session) { rows = session.execute(insert, "counted"); };
  BOOST_REQUIRE(p->call("misuse", thing{"a"}).status == wire::status::ok);

  if (store::is_on_postgres()) {
    BOOST_TEST(has(words_of([&] { (void)static_cast<std::int64_t>(*rows); }), "outside of a"));
  } else {
    BOOST_TEST(*rows == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
