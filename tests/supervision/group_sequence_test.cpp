// The order of starts and stops alone: the test changes the children as a group_policy would.
#include "runtime/supervision/group_sequence.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

using namespace std::chrono_literals;

struct sequence_fixture {
  std::vector<supervised_child> children = std::vector<supervised_child>(3);
  group_sequence sequence;
  instant now{1h};

  /// The next step as text: "start 0", "stop 2", "up", "again", or "" while it waits.
  std::string next() {
    const auto step = sequence.next(children, now);
    if (!step) {
      return "";
    }
    if (const auto* starts = std::get_if<group_sequence::start_next>(&*step)) {
      children[starts->child].enter(child_state::starting);
      return "start " + std::to_string(starts->child);
    }
    if (const auto* stops = std::get_if<group_sequence::stop_next>(&*step)) {
      children[stops->child].enter(child_state::stopping);
      return "stop " + std::to_string(stops->child);
    }
    return std::holds_alternative<group_sequence::all_are_up>(*step) ? "up" : "again";
  }

  void bring_up() {
    sequence.begin();
    for (auto& each : children) {
      each.enter(child_state::running);
    }
    BOOST_REQUIRE(next() == "up");
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_supervision_group_sequence, sequence_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_start_waits_for_the_child_before) {
  sequence.begin();

  BOOST_TEST(next() == "start 0");
  BOOST_TEST(next() == "");
  BOOST_TEST(sequence.is_first_start_of(0));
  BOOST_TEST(!sequence.is_first_start_of(1));
  children[0].enter(child_state::running);

  BOOST_TEST(next() == "start 1");
}

BOOST_AUTO_TEST_CASE(a_group_says_only_once_that_it_is_up) {
  bring_up();

  sequence.restart_from(2, now);
  BOOST_TEST(next() == "stop 2");
  children[2].enter(child_state::ended);
  BOOST_TEST(next() == "start 2");
  children[2].enter(child_state::running);

  BOOST_TEST(next() == "");
  BOOST_TEST((sequence.state() == group_state::up));
}

BOOST_AUTO_TEST_CASE(a_restart_in_progress_is_widened_and_waits_for_the_later_time) {
  bring_up();
  sequence.restart_from(2, now + 2s);
  BOOST_TEST(sequence.is_being_stopped(2));
  BOOST_TEST(!sequence.is_being_stopped(1));

  sequence.restart_from(1, now + 1s);

  BOOST_TEST(sequence.is_being_stopped(1));
  BOOST_TEST(next() == "stop 2");
  children[2].enter(child_state::ended);
  BOOST_TEST(next() == "stop 1");
  children[1].enter(child_state::ended);
  BOOST_TEST(next() == "");
  BOOST_TEST((sequence.next_due() == now + 2s));
  now += 2s;
  BOOST_TEST(next() == "start 1");
}

BOOST_AUTO_TEST_CASE(a_group_that_gives_up_stops_in_reverse_and_tries_again_later) {
  bring_up();

  sequence.give_up(now + 1s);

  for (const auto* step : {"stop 2", "stop 1", "stop 0"}) {
    BOOST_TEST(next() == step);
    BOOST_TEST(next() == "");
    children[static_cast<std::size_t>(step[5] - '0')].enter(child_state::ended);
  }
  BOOST_TEST(next() == "");
  BOOST_TEST((sequence.state() == group_state::down));
  now += 1s;
  BOOST_TEST(next() == "again");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
