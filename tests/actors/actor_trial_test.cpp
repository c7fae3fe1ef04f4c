#include "runtime/testing/actor_trial.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <functional>
#include <string>

namespace utf = boost::unit_test;

namespace troupe::testing {

namespace {

struct named {
  std::string name;
};

TROUPE_MESSAGE(named, name)

struct weight {
  double kilos = 0;
};

TROUPE_MESSAGE(weight, kilos)

constexpr std::array tables{
    store::migration{1, "names", "CREATE TABLE names (name TEXT NOT NULL)"}};

/// An actor whose author takes the session for his own.
class careless_actor final : public actor {
public:
  explicit careless_actor(const context&) {
    command("commit", [](const named& request, turn& turn) {
      turn.database().execute("INSERT INTO names (name) VALUES ($1)", request.name);
      turn.database().commit();
      return request;
    });
    query("begin", [](const named& request, store::database& session) {
      const store::transaction whole{session};
      return request;
    });
    publishes<named>("said");
    command("change_mind", [](const named& request, turn& turn) {
      turn.database().savepoint();
      turn.publish("said", request);
      turn.effect("mail", request);
      turn.database().rollback_to_savepoint();
      turn.publish("said", request);
      return request;
    });
    effect<named>(
        "note",
        [](const named& request, const effect_call&) -> outcome<named> { return request; },
        [](const named&, const outcome<named>&, turn&) { return named{"noted"}; });
    command("note_and_mail", [](const named& request, turn& turn) {
      turn.effect("note", request);
      return turn.effect("mail", request);
    });
    on("undone", [](const named&, turn& turn) { turn.database().rollback(); });
    effect<named>(
        "mail",
        [](const named& request, const effect_call&) -> outcome<named> { return request; },
        [](const named& request, const outcome<named>&, turn& turn) {
          turn.database().savepoint();
          return request;
        });
    command("mail", [](const named& request, turn& turn) { return turn.effect("mail", request); });
  }
};

/// An actor whose author cuts texts between bytes and divides by zero.
class cutting_actor final : public actor {
public:
  explicit cutting_actor(const context&) {
    command("say", [](const named& request, turn& turn) {
      turn.database().execute("INSERT INTO names (name) VALUES ($1)", request.name);
      return cut(request);
    });
    query("ask", [](const named&) { return weight{std::nan("")}; });
    publishes<named>("cut");
    command("publish", [](const named& request, turn& turn) {
      turn.publish("cut", cut(request));
      return request;
    });
    command("mail", [](const named& request, turn& turn) {
      return turn.effect("mail", request.name == "all" ? request : cut(request));
    });
    effect<named>(
        "mail",
        [](const named& request, const effect_call&) -> outcome<named> {
          return request.name == "all" ? named{"\xff"} : request;
        },
        [](const named& request, const outcome<named>& sent, turn& turn) -> outcome<named> {
          turn.database().execute("INSERT INTO names (name) VALUES ($1)", request.name);
          return sent;
        });
  }

private:
  static named cut(const named& whole) { return {whole.name.substr(0, whole.name.size() - 1)}; }
};

struct trial_fixture {
  actor_trial trial{type_of<careless_actor>("careless", tables)};

  static std::string words_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const store::database_error& thrown) {
      return thrown.what();
    }
    return "it did not throw";
  }
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_testing_actor_trial, trial_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(what_is_undone_with_a_savepoint_was_not_asked_for) {
  BOOST_TEST(trial.call<named>("change_mind", named{"a"}).has_value());

  BOOST_TEST(trial.effects().empty());
  BOOST_TEST(trial.ask_effect("note_and_mail", named{"a"}).name == "mail");
  BOOST_TEST(trial.effects().size() == 2U);
  BOOST_TEST(trial.number("SELECT MAX(seq) FROM outbox") == 1);
}

// In the runtime it would be the end of its message; a test that passes would not say so.
BOOST_AUTO_TEST_CASE(what_is_not_a_handlers_to_do_fails_the_test_with_words) {
  const named request{"a"};

  BOOST_TEST(
      has(words_of([&] { (void)trial.call<named>("commit", request); }), "may not call commit()"));
  BOOST_TEST(
      has(words_of([&] { (void)trial.ask<named>("begin", request); }), "may not call begin()"));
  BOOST_TEST(
      has(words_of([&] { (void)trial.tell(trial.fresh_id(), "undone", request); }),
          "may not call rollback()"));
  BOOST_TEST(
      has(words_of([&] { (void)trial.call_with_effect<named>("mail", request); }),
          "left a savepoint() open"));
  BOOST_TEST(trial.number("SELECT COUNT(*) FROM names") == 0);
}

// Committed, it would be an answer, an event or an effect of which nobody can make anything ever.
BOOST_AUTO_TEST_CASE(what_nobody_could_read_does_not_leave_a_handler) {
  actor_trial cutting{type_of<cutting_actor>("cutting", tables)};
  const named accent{"caf\u00e9"};
  const auto is_unreadable = [](const cannot_leave& thrown) {
    return thrown.why().detail("reason") == "unreadable" && thrown.why().detail("field") == "name";
  };

  BOOST_TEST(cutting.call<named>("say", accent).error().detail("reason") == "unreadable");
  BOOST_TEST(cutting.number("SELECT COUNT(*) FROM names") == 0);
  BOOST_TEST(cutting.ask<weight>("ask", accent).error().detail("field") == "kilos");
  BOOST_CHECK_EXCEPTION((void)cutting.call<named>("publish", accent), cannot_leave, is_unreadable);
  BOOST_CHECK_EXCEPTION((void)cutting.ask_effect("mail", accent), cannot_leave, is_unreadable);
  const auto row = cutting.ask_effect("mail", named{"all"});
  BOOST_TEST(cutting.run_effect(row).error().detail("reason") == "unreadable");
}

BOOST_AUTO_TEST_CASE(a_settlement_that_fails_for_the_moment_is_undone_and_comes_again) {
  actor_trial cutting{type_of<cutting_actor>("cutting", tables)};
  const auto row = cutting.ask_effect("mail", named{"all"});
  const auto count = [&] {
    return std::pair{
        cutting.number("SELECT COUNT(*) FROM names"),
        cutting.number("SELECT COUNT(*) FROM effects")};
  };

  const error away{.code = errc::unavailable, .message = "away"};
  BOOST_TEST(!cutting.settle<named>(row, failure{away}));
  BOOST_TEST((count() == std::pair<std::int64_t, std::int64_t>{0, 1}));
  BOOST_TEST(!cutting.settle<named>(row, failure{rejected("no", "No.")}));
  BOOST_TEST((count() == std::pair<std::int64_t, std::int64_t>{1, 0}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::testing
