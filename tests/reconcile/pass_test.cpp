#include "runtime/reconciler/pass.hpp"

#include "runtime/reconcile/rows.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::reconcile::test {

namespace {

constexpr pass_times times{milliseconds{60'000}, milliseconds{2'000}, milliseconds{10'000}};

sighting found(std::int64_t order, finding_type type = finding_type::missing_right) {
  return {{key_of(order)}, type, "there is none"};
}

/// What is compared of 1 to `to`.
slice seen(std::int64_t to, bool is_last, std::vector<sighting> findings = {}) {
  return {.to = {key_of(to)}, .is_last = is_last, .findings = std::move(findings), .judged = to};
}

/// An invariant's pass with its open cases, as the tables keep them.
struct pass_fixture {
  pass_step look(slice now_seen) {
    now = std::max(now, state.due);
    pass_step step = after_look(state, std::move(now_seen), open, now, times);
    for (const case_change& each : step.changes) {
      told.push_back((each.opens ? "+" : "-") + key_text(each.what.key.bytes));
      if (each.opens) {
        open.push_back(each.what);
      } else {
        std::erase_if(open, [&](const sighting& one) { return one.is_same_case(each.what); });
      }
    }
    state = step.next;
    return step;
  }

  pass_state state;
  std::vector<sighting> open;
  std::vector<std::string> told;
  wall_time now{milliseconds{1'000'000}};
};

using lines = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(reconciler_pass, pass_fixture, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_look_that_was_put_off_for_longer_than_any_is_due) {
  BOOST_TEST(is_due(now, now, times));
  BOOST_TEST(!is_due(now + times.every, now, times));
  BOOST_TEST(is_due(now + times.every + milliseconds{1}, now, times));
}

BOOST_AUTO_TEST_CASE(a_pass_over_good_books_says_nothing_and_rests) {
  BOOST_TEST(look(seen(5, false)).is_over == false);
  BOOST_TEST((state.behind == key_of(5)));
  BOOST_TEST((state.due == now));
  BOOST_TEST(look(seen(9, true)).is_over);

  BOOST_TEST(told.empty());
  BOOST_TEST(state.behind.empty());
  BOOST_TEST((state.due == now + times.every));
  BOOST_TEST(state.judged == 14);
}

BOOST_AUTO_TEST_CASE(a_case_is_opened_at_the_second_look_and_once) {
  look(seen(9, true, {found(3)}));
  BOOST_TEST(told.empty());
  BOOST_TEST((state.due == now + times.recheck));
  BOOST_TEST(state.behind.empty());

  look(seen(9, true, {found(3)}));
  look(seen(9, true, {found(3)}));

  BOOST_TEST(told == (lines{"+3"}), boost::test_tools::per_element());
  BOOST_TEST((state.due == now + times.every));
}

BOOST_AUTO_TEST_CASE(what_heals_between_two_looks_was_in_flight) {
  look(seen(9, true, {found(3)}));
  const pass_step second = look(seen(9, true, {found(4)}));

  BOOST_TEST(told.empty()); // Nor 4, which was seen once: the next pass looks at it.
  BOOST_TEST(second.is_over);
}

BOOST_AUTO_TEST_CASE(a_case_that_heals_is_closed_at_the_second_look) {
  open = {found(3)};

  look(seen(9, true));
  BOOST_TEST(told.empty());
  look(seen(9, true));

  BOOST_TEST(told == (lines{"-3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_case_comes_again_once_it_was_closed) {
  for (const bool is_there : {true, false, true}) {
    for (int i = 0; i < 2; ++i) {
      look(is_there ? seen(9, true, {found(3)}) : seen(9, true));
    }
  }

  BOOST_TEST(told == (lines{"+3", "-3", "+3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_that_is_in_flight_again_closes_nothing) {
  open = {found(3)};
  slice young = seen(9, true);
  young.young = {{key_of(std::int64_t{3})}};

  const pass_step step = look(young);

  BOOST_TEST(step.is_over);
  BOOST_TEST(told.empty());
}

BOOST_AUTO_TEST_CASE(another_type_of_finding_is_another_case) {
  open = {found(3)};

  look(seen(9, true, {found(3, finding_type::differs)}));
  look(seen(9, true, {found(3, finding_type::differs)}));

  BOOST_TEST(told == (lines{"+3", "-3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(cases_beyond_what_was_compared_stay) {
  open = {found(7)};
  state.behind = key_of(std::int64_t{2});

  look(seen(5, false));

  BOOST_TEST(told.empty());
  BOOST_TEST((state.behind == key_of(5)));
}

BOOST_AUTO_TEST_CASE(a_second_look_that_reaches_further_counts_as_far_as_the_first) {
  look(seen(5, false, {found(3)}));
  look(seen(9, false, {found(3), found(7)}));

  BOOST_TEST(told == (lines{"+3"}), boost::test_tools::per_element());
  BOOST_TEST((state.behind == key_of(5))); // 7 is looked at next.
}

BOOST_AUTO_TEST_CASE(a_capability_that_is_away_moves_nothing_and_is_said) {
  open = {found(3)};
  slice nothing;
  nothing.trouble = "not compared behind the beginning: nobody serves it";

  look(nothing);

  BOOST_TEST(told.empty());
  BOOST_TEST(state.trouble == nothing.trouble);
  BOOST_TEST((state.due == now + times.again));

  look(seen(9, true, {found(3)}));
  BOOST_TEST(state.trouble.empty());
}

BOOST_AUTO_TEST_CASE(a_capability_that_goes_away_before_the_second_look_leaves_it_to_come) {
  look(seen(9, true, {found(3)}));
  slice nothing;
  nothing.trouble = "away";
  look(nothing);
  look(seen(9, true, {found(3)}));

  BOOST_TEST(told == (lines{"+3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_compared_before_a_trouble_counts) {
  slice half = seen(5, false);
  half.trouble = "away";

  look(half);

  BOOST_TEST((state.behind == key_of(5)));
  BOOST_TEST(state.trouble == "away");
  BOOST_TEST((state.due == now + times.again));
}

BOOST_AUTO_TEST_CASE(a_slice_with_more_findings_than_a_row_holds_is_cut_behind_one_of_them) {
  slice many = seen(5'000, true);
  for (std::int64_t i = 1; i <= 2'000; ++i) {
    many.findings.push_back(found(i));
  }
  shorten(many, {});

  BOOST_TEST(many.findings.size() == slice_findings_max);
  BOOST_TEST(!many.is_last);
  BOOST_TEST((many.to.bytes == key_of(static_cast<std::int64_t>(slice_findings_max))));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::reconcile::test
