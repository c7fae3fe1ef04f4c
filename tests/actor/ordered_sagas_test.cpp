#include "tests/actor/saga_owner.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using saga::verb;

struct ordered_fixture : coordinators_fixture {
  /// Answers the oldest call with an error that lets the step be tried again.
  void fail_first(owner& by, const error& why = unavailable_error()) {
    const saga::outgoing::call call = by.calls.front();
    by.calls.pop_front();
    std::string bytes;
    wire::append_error(bytes, why);
    by.turn([&](saga::outgoing& out) {
      by.sagas.answered(by.in(out), call.saga, call.token, true, bytes);
    });
  }

  static error unavailable_error() {
    return {.code = errc::unavailable, .message = "nobody is there"};
  }

  /// Has the saga's last timer fire.
  void fire(owner& by) { by.fire(by.timers.back()); }

  /// Starts the saga, whose first turn then throws: it waits outside of memory, and nothing that it
  /// has asked for is heard.
  void start_and_put_off(owner& by) {
    by.start(id);
    BOOST_REQUIRE(by.turn(
        [&](saga::outgoing&) { by.sagas.put_off(id, "no room", time.wall(), time.now()); }));
    by.calls.clear();
    by.timers.clear();
  }

  /// Each verb; and a skip of each step, which a person vouches for or not.
  static std::vector<saga::order> each_order() {
    std::vector<saga::order> all;
    for (const verb what : {verb::pause, verb::park, verb::compensate, verb::retry, verb::resume}) {
      all.push_back({.what = what});
    }
    for (const char* const step : {"reserve", "credit", "charge", "confirm"}) {
      all.push_back({.what = verb::skip, .step = step});
      all.push_back({.what = verb::skip, .step = step, .vouched = true});
    }
    return all;
  }

  std::string reason(const outcome<void>& refused) {
    BOOST_REQUIRE(!refused);
    return std::string{refused.error().detail("reason")};
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_saga_ordered_sagas, ordered_fixture, *utf::label("integration") * utf::timeout(240))

// A compensation that fails without end is told after its time, says which effects stand, and goes
// on all the same.
BOOST_AUTO_TEST_CASE(an_undo_that_fails_for_long_needs_a_person_and_still_undoes) {
  owner first{path, time};
  others.refuses = "charge";
  first.start(id);
  first.work(others, 4);
  BOOST_REQUIRE(first.calls.front().operation == "uncredit");
  fail_first(first);
  BOOST_TEST(first.parked.empty());
  BOOST_TEST(first.sagas.standing_now(time.wall()).need_person == 0U);

  time.advance(5min);
  fire(first);
  fail_first(first);
  fire(first);
  fail_first(first);

  BOOST_REQUIRE(first.parked.size() == 1U); // Told once.
  BOOST_TEST(first.parked[0].needs_person);
  BOOST_TEST(first.parked[0].reason.find("`undo credit` fails since") == 0U);
  BOOST_TEST(first.parked[0].reason.find("nobody is there") != std::string::npos);
  BOOST_TEST(first.parked[0].reason.find("stand: reserve, credit") != std::string::npos);
  const auto standing = first.sagas.standing_now(time.wall());
  BOOST_TEST(standing.need_person == 1U);
  BOOST_TEST(standing.need.find(to_string(id)) != std::string::npos);
  BOOST_TEST(first.obey(id, verb::retry).has_value()); // At once, and not after its pause.
  BOOST_TEST(first.work(others));
  BOOST_TEST(others.done == undone, boost::test_tools::per_element());
  BOOST_TEST(first.sagas.standing_now(time.wall()).need_person == 0U);
}

// The saga has an hour, and nobody knows whether the card was charged.
BOOST_AUTO_TEST_CASE(a_pivot_whose_outcome_stays_unknown_needs_a_person) {
  saga::definition slow = saga::test::order_saga();
  slow.deadline = std::chrono::hours{1};
  slow.steps = {
      saga::lets_pass("cooling", 1ms),
      saga::test::make_step("charge", saga::step_kind::pivot),
      saga::test::make_step("confirm", saga::step_kind::retriable)};
  owner first{path, time, slow};
  first.start(id);
  time.advance(1ms);
  fire(first);
  const error unknown{
      .code = errc::deadline_exceeded, .possible = effect::unknown, .message = "no answer"};
  fail_first(first, unknown);
  BOOST_TEST(first.parked.empty());

  time.advance(5min);
  fire(first);
  fail_first(first, unknown);

  BOOST_REQUIRE(first.parked.size() == 1U);
  BOOST_TEST(first.parked[0].needs_person);
  BOOST_TEST(first.parked[0].reason.find("`do charge` fails since") == 0U);
  fire(first);
  BOOST_TEST(first.work(others)); // It is asked on all the same.
  BOOST_TEST(first.number("SELECT phase FROM sagas") == 2);
}

BOOST_AUTO_TEST_CASE(a_saga_that_comes_back_after_weeks_still_undoes) {
  auto first = std::make_unique<owner>(path, time);
  others.refuses = "charge";
  first->start(id);
  first->work(others, 4);
  const std::int64_t dead = first->writer;
  first.reset();
  time.advance(std::chrono::hours{24 * 40});
  owner heir{path, time};

  heir.take_over(dead);

  BOOST_TEST(heir.work(others));
  BOOST_TEST(others.done == undone, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_pause_holds_a_running_saga_and_outlives_its_owner) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 2);

  BOOST_TEST(first->obey(id, verb::pause).has_value());
  BOOST_TEST(first->sagas.running().size() == 0U);
  BOOST_TEST(first->work(others)); // The answer to the try that was out changes nothing.
  BOOST_TEST(reason(first->obey(id, verb::pause)) == "standing");
  const std::int64_t dead = first->writer;
  first.reset();
  owner heir{path, time};
  heir.take_over(dead);
  BOOST_TEST(heir.calls.empty());

  BOOST_TEST(heir.obey(id, verb::resume).has_value());

  BOOST_TEST(heir.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
  BOOST_TEST(heir.number("SELECT MAX(epoch) FROM saga_journal") == 2);
}

BOOST_AUTO_TEST_CASE(of_two_people_one_is_obeyed_and_the_other_is_told) {
  owner one{path, time};
  one.start(id);
  BOOST_REQUIRE(one.obey(id, verb::park).has_value());
  owner other{path, time};

  BOOST_TEST(other.obey(id, verb::compensate).has_value());

  BOOST_TEST(reason(one.obey(id, verb::resume)) == "not_waiting");
  BOOST_TEST(reason(one.obey(id, verb::skip, "reserve")) == "elsewhere");
  BOOST_TEST(other.work(others));
  BOOST_TEST(reason(one.obey(id, verb::compensate)) == "over");
  BOOST_TEST(reason(one.obey(uuid_source{9}.next(time.wall()), verb::park)) == "no_saga");
}

// An owner that was stopped for longer than its lease goes on, with an order and an answer in hand.
BOOST_AUTO_TEST_CASE(an_order_to_a_fenced_owner_writes_nothing) {
  owner stopped{path, time};
  stopped.start(id);
  owner heir{path, time};
  heir.take_over(stopped.writer);
  const std::int64_t rows = heir.number("SELECT COUNT(*) FROM saga_journal");

  const bool was_heard = stopped.turn([&](saga::outgoing& out) {
    (void)stopped.sagas.obey(stopped.in(out), id, {.what = verb::park});
  });

  BOOST_TEST(!was_heard);
  BOOST_TEST(heir.number("SELECT COUNT(*) FROM saga_journal") == rows);
  BOOST_TEST(heir.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

// Two people at once: the one holds the saga, and the other, who has seen it run, has it go on.
BOOST_AUTO_TEST_CASE(a_saga_that_was_held_and_went_on_within_a_turn_has_an_heir) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  BOOST_REQUIRE(first->turn([&](saga::outgoing& out) {
    for (const saga::order& each :
         {saga::order{.what = verb::pause, .who = "ann", .why = "wait"},
          saga::order{.what = verb::skip, .who = "bob", .why = "did it", .step = "reserve"}}) {
      BOOST_TEST(first->sagas.obey(first->in(out), id, each).has_value());
    }
  }));
  BOOST_TEST(first->number("SELECT phase FROM sagas") == 0);
  const std::int64_t dead = first->writer;
  first.reset();
  owner heir{path, time};

  heir.take_over(dead);

  BOOST_TEST(heir.work(others));
  const std::vector<std::string> rest{"credit", "charge", "confirm"};
  BOOST_TEST(others.done == rest, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_order_to_a_saga_that_waits_asks_what_else_is_open) {
  saga::definition pair = saga::test::order_saga();
  pair.steps[1].parallel = true;
  owner first{path, time, pair};
  start_and_put_off(first);

  BOOST_TEST(first.obey(id, verb::skip, "reserve").has_value());

  BOOST_REQUIRE(first.calls.size() == 1U);
  BOOST_TEST(first.calls.front().operation == "credit");
  BOOST_TEST(first.work(others));
  const std::vector<std::string> rest{"credit", "charge", "confirm"};
  BOOST_TEST(others.done == rest, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_saga_that_waits_keeps_its_deadline_whatever_a_person_orders) {
  owner first{path, time};
  start_and_put_off(first);

  BOOST_TEST(first.obey(id, verb::skip, "reserve").has_value());

  BOOST_REQUIRE(!first.timers.empty());
  BOOST_TEST(first.timers.back().slot == saga::steps_max);
  BOOST_TEST(first.timers.back().delay.count() == 5'000);
  BOOST_TEST(first.calls.size() == 1U); // Asked once, by the order.
}

// At each boundary of a saga, on its way forward and back, each order: what fits is obeyed, and the
// saga ends. A step that a person skipped was done by hand: nobody is asked for it.
BOOST_AUTO_TEST_CASE(orders_at_each_boundary_and_a_death_right_behind_leave_a_saga_that_ends) {
  std::map<verb, int> obeyed;
  for (const std::string refused : {"", "charge"}) {
    for (const saga::order& wanted : each_order()) {
      for (int at = 1; at <= 6; ++at) {
        temporary_folder room;
        const std::string file = room.path + "/sagas.db";
        participants with;
        with.refuses = refused;
        auto first = std::make_unique<owner>(file, time);
        first->start(id);
        first->work(with, at);
        const std::size_t done = with.done.size();
        const std::string in_hand =
            first->calls.empty() ? std::string{} : first->calls.front().operation;
        const bool fits = first->obey(id, wanted.what, wanted.step, wanted.vouched).has_value();
        obeyed[wanted.what] += fits ? 1 : 0;
        const std::int64_t dead = first->writer;
        first.reset();

        owner heir{file, time};
        heir.take_over(dead);
        (void)heir.obey(id, verb::resume);

        BOOST_TEST_INFO(
            wire::word_of(wanted.what) << ' ' << wanted.step << " after commit " << at
                                       << (refused.empty() ? "" : " of one that turns back"));
        BOOST_TEST(heir.work(with));
        const std::int64_t phase = heir.number("SELECT phase FROM sagas");
        BOOST_TEST((phase == 2 || phase == 3));
        const std::set<std::string> once{with.done.begin(), with.done.end()};
        BOOST_TEST(once.size() == with.done.size());
        if (fits && wanted.what == verb::skip) {
          const auto asked = std::find(with.done.begin() + done, with.done.end(), in_hand);
          BOOST_TEST((asked == with.done.end()), in_hand);
        }
      }
    }
  }
  for (const verb what : {verb::pause, verb::park, verb::compensate, verb::skip}) {
    BOOST_TEST_INFO(wire::word_of(what));
    BOOST_TEST(obeyed[what] > 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
