#include "runtime/contains.hpp"
#include "tests/saga/driver.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

namespace {

/// Journals that pass through every kind of record.
std::vector<driver> stories() {
  std::vector<driver> all;
  all.emplace_back().start().ok().ok().ok().ok("end");
  all.emplace_back().start().ok().ok().refuse().ok().ok();
  all.emplace_back().start().ok().give(deadline_reached{}).ok().refuse();
  all.back().give(retry_by_operator{}).ok();
  all.emplace_back().start().ok().ok().fail(errc::crashed, effect::unknown);
  all.back().give(deadline_reached{}).give(retry_by_operator{}).ok().refuse();
  all.back().give(retry_by_operator{}).ok();
  all.emplace_back(order_saga("refund")).start().ok().ok().give(deadline_reached{}).ok().ok().ok();
  all.emplace_back().start().refuse();
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_saga_replay, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_whole_journal_gives_the_live_state) {
  for (const driver& each : stories()) {
    const auto replayed = replay(each.by, each.current.saga, each.prefix(each.rows.size()));

    BOOST_TEST_INFO(each.story());
    BOOST_REQUIRE(replayed.has_value());
    BOOST_TEST((*replayed == each.current));
    BOOST_TEST(each.current.is_over());
  }
}

BOOST_AUTO_TEST_CASE(only_whole_decisions_are_taken_for_a_journal) {
  for (const driver& each : stories()) {
    for (std::size_t count = 0; count <= each.rows.size(); ++count) {
      const bool boundary = contains(each.boundaries, count);
      const auto replayed = replay(each.by, each.current.saga, each.prefix(count));

      BOOST_TEST_INFO(each.story() << " cut to " << count);
      // `started` and its intent apart: an intent ends a decision wherever it stands.
      BOOST_TEST(replayed.has_value() == boundary);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_record_lost_repeated_or_swapped_is_refused) {
  for (const driver& each : stories()) {
    const auto good = each.prefix(each.rows.size());
    for (std::size_t i = 0; i + 1 < good.size(); ++i) {
      auto lost = good;
      lost.erase(lost.begin() + static_cast<std::ptrdiff_t>(i));
      auto repeated = good;
      repeated.insert(repeated.begin() + static_cast<std::ptrdiff_t>(i), good[i]);
      auto swapped = good;
      std::swap(swapped[i], swapped[i + 1]);
      auto renumbered = swapped;
      std::swap(renumbered[i].seq, renumbered[i + 1].seq);

      for (const auto& bad : {lost, repeated, swapped, renumbered}) {
        const auto replayed = replay(each.by, each.current.saga, bad);
        BOOST_TEST_INFO(each.story() << " damaged at " << i);
        BOOST_REQUIRE(!replayed.has_value());
        BOOST_TEST((replayed.error().code == errc::internal));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(no_number_in_a_record_makes_replay_read_out_of_bounds) {
  for (const driver& each : stories()) {
    for (std::size_t i = 0; i < each.rows.size(); ++i) {
      auto bad = each.prefix(each.rows.size());
      bad[i].step = 77;
      BOOST_TEST(!replay(each.by, each.current.saga, bad).has_value());
      bad = each.prefix(each.rows.size());
      bad[i].kind = static_cast<record_kind>(200); // Of a newer release.
      const auto newer = replay(each.by, each.current.saga, bad);
      BOOST_REQUIRE(!newer.has_value());
      BOOST_TEST((newer.error().code == errc::conflict));
      bad = each.prefix(each.rows.size());
      bad[i].kind = static_cast<record_kind>(0);
      BOOST_TEST(!replay(each.by, each.current.saga, bad).has_value());
      bad = each.prefix(each.rows.size());
      for (std::size_t length = 0; length < bad[i].data.size(); ++length) {
        bad[i].data = std::string_view{each.rows[i].data}.substr(0, length);
        static_cast<void>(replay(each.by, each.current.saga, bad));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_saga_started_under_other_steps_is_not_resumed) {
  const driver old = stories().front();
  definition changed = order_saga();
  changed.steps[1].operation = "other";
  const plan other = *plan::make(changed);

  const auto refused = replay(other, old.current.saga, old.prefix(old.rows.size()));

  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == errc::conflict));
  BOOST_TEST((fingerprint_in(old.rows[0].data) == old.by.fingerprint()));
  BOOST_TEST(!fingerprint_in("short").has_value());
}

BOOST_AUTO_TEST_CASE(a_takeover_asks_the_open_command_again_under_the_same_id) {
  driver saga;
  saga.start().ok();
  const uuid id = saga.called().id;

  saga.take_over(1s);

  BOOST_TEST(!saga.wrote());
  BOOST_TEST((saga.called().id == id));
  BOOST_TEST((saga.the<watch_deadline>().delay == 4s));
  saga.ok().ok().ok();
  BOOST_TEST((saga.current.now == phase::completed));
}

BOOST_AUTO_TEST_CASE(a_takeover_after_the_deadline_turns_back_and_undoes_the_open_command) {
  driver saga;
  saga.start().ok();

  saga.take_over(6s);

  BOOST_TEST(saga.operation() == "uncredit");
}

BOOST_AUTO_TEST_CASE(a_takeover_after_the_deadline_asks_an_open_pivot_once_more) {
  driver saga;
  saga.start().ok().ok();

  saga.take_over(6s);
  BOOST_TEST(saga.operation() == "charge");
  BOOST_TEST(saga.find<watch_deadline>() == nullptr);
  saga.fail(errc::unavailable);

  BOOST_TEST((saga.current.now == phase::parked));
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_behind_does_not_lengthen_the_deadline) {
  driver saga;
  saga.start();

  saga.take_over(-3600s);

  BOOST_TEST((saga.the<watch_deadline>().delay == 5s));
}

BOOST_AUTO_TEST_CASE(a_takeover_goes_on_undoing_and_keeps_a_parked_saga_parked) {
  driver undoing;
  driver parked;
  undoing.start().ok().ok().refuse();
  parked.start().ok().ok().ok().refuse();

  undoing.take_over(60s);
  parked.take_over(60s);

  BOOST_TEST(undoing.operation() == "uncredit");
  BOOST_TEST((parked.current.now == phase::parked));
  BOOST_TEST((parked.the<park>().reason.code == errc::rejected));
  BOOST_TEST(parked.actions.size() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
