#include "runtime/testing/actor_trial.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <string>

namespace utf = boost::unit_test;

namespace troupe::testing {

namespace {

struct named {
  std::string name;
};

TROUPE_MESSAGE(named, name)

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

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::testing
