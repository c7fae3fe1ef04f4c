#include "tests/worker/process_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <stdexcept>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

constexpr std::array schema{
    store::migration{1, "rounds", "CREATE TABLE rounds (id BLOB NOT NULL)"}};

/// What a test wants of the actor, and sees of it.
struct rounds {
  int made = 0;
  int calls = 0;
  int looks = 0;
  bool throws = false;
};

class round_actor final : public actor {
public:
  explicit round_actor(rounds& seen) {
    ++seen.made;
    publishes<thing>("round.done");
    effect<count>(
        "send",
        [](const thing&, const effect_call&) -> outcome<count> { return count{1}; },
        [](const thing&, const outcome<count>&, turn&) { return count{}; });
    regularly([&seen](turn& turn) {
      ++seen.calls;
      turn.database().execute("INSERT INTO rounds (id) VALUES ($1)", turn.id());
      turn.publish("round.done", thing{"round"});
      turn.effect("send", thing{"round"});
      if (seen.throws) {
        throw std::runtime_error{"thrown by regular work"};
      }
    });
    waits_for_people([&seen](store::database& session) {
      ++seen.looks;
      return open_matters{
          static_cast<std::uint64_t>(session.integer_of("SELECT COUNT(*) FROM rounds").value_or(0)),
          seen.looks < 3 ? "rounds" : "rounds of caf\xe9",
          "list"};
    });
  }
};

struct round_fixture {
  round_fixture() {
    type.name = "round";
    type.make = [this](const context&) { return std::make_unique<round_actor>(seen); };
    type.schema = schema;
    capability_options options;
    options.name = "round";
    options.actor = "round";
    options.replicas = {0};
    options.database = folder.path + "/round.db";
    p = std::make_unique<process>(time, "n1", type, options);
    p->start();
  }

  void round() {
    p->keep_house({p->incarnation});
    p->run();
  }

  temporary_folder folder;
  manual_clock time;
  rounds seen;
  actor_type type;
  std::unique_ptr<process> p;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(actor_regular_work, round_fixture, *utf::timeout(30))

BOOST_AUTO_TEST_CASE(each_round_is_a_turn_of_its_own_with_events_and_effects) {
  round();
  round();

  BOOST_TEST(seen.calls == 2);
  BOOST_TEST(p->number("SELECT COUNT(DISTINCT id) FROM rounds") == 2);
  BOOST_TEST(p->number("SELECT COUNT(DISTINCT id) FROM outbox") == 2);
  p->run_until([&] { return p->number("SELECT COUNT(*) FROM effects") == 0; });
}

BOOST_AUTO_TEST_CASE(a_throw_undoes_the_round_and_the_next_comes) {
  seen.throws = true;
  round();
  BOOST_TEST(p->number("SELECT COUNT(*) FROM rounds") == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM outbox") == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
  BOOST_TEST(seen.made == 2); // What the instance remembers of the round did not happen.

  seen.throws = false;
  round();
  BOOST_TEST(seen.calls == 2);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM rounds") == 1);
}

BOOST_AUTO_TEST_CASE(what_waits_for_people_is_looked_at_now_and_then) {
  round();
  round();
  BOOST_TEST(seen.looks == 1);
  BOOST_TEST(p->front->condition().open().count == 0U);

  time.advance(2s);
  round();
  BOOST_TEST(seen.looks == 2);
  BOOST_TEST(p->front->condition().open().count == 2U);
  BOOST_TEST(p->front->condition().open().what == "rounds");

  // It goes into the status of the node, which nobody could read for it.
  time.advance(2s);
  round();
  BOOST_TEST(p->front->condition().open().what == "rounds of caf?");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
