#include "runtime/strangler/flag_record.hpp"

#include "tests/strangler/small_journal.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::strangler {

BOOST_FIXTURE_TEST_SUITE(
    runtime_strangler_flag_record, small_journal, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_journal_without_flags_has_no_values) {
  add("order.created", "");

  const auto state = *read_flags(ask);

  BOOST_TEST(!state.newest.has_value());
  BOOST_TEST(state.read_to == 1U);
}

BOOST_AUTO_TEST_CASE(the_newest_change_has_all_values_however_long_the_journal_is) {
  BOOST_REQUIRE(set(*read_flags(ask), "billing", 2'500));
  for (int i = 0; i < 1'000; ++i) {
    add("order.created", "");
  }
  BOOST_REQUIRE(set(*read_flags(ask), "users", 10'000));
  asked = 0;

  const auto state = *read_flags(ask);

  const flag_values expected{{"billing", 2'500}, {"users", 10'000}};
  BOOST_TEST((state.values() == expected));
  BOOST_TEST(state.newest->what.flag == "users");
  BOOST_TEST(state.newest->what.base == 1U);
  BOOST_TEST(asked == 3);
}

BOOST_AUTO_TEST_CASE(a_change_says_what_was_before) {
  BOOST_REQUIRE(set(*read_flags(ask), "billing", 2'500));
  BOOST_REQUIRE(set(*read_flags(ask), "billing", 5'000));

  BOOST_TEST(!read_change(ask, 1)->what.from.has_value());
  BOOST_TEST((read_change(ask, 2)->what.from == 2'500U));
  BOOST_TEST((read_change(ask, 3).error().code == errc::rejected));
}

// Both looked before either wrote.
BOOST_AUTO_TEST_CASE(of_two_operators_at_once_one_is_refused) {
  BOOST_REQUIRE(set(*read_flags(ask), "billing", 2'500));
  const auto seen_by_both = *read_flags(ask);

  BOOST_TEST(set(seen_by_both, "billing", 0));
  BOOST_TEST(!set(seen_by_both, "users", 10'000));

  BOOST_TEST(set(*read_flags(ask), "users", 10'000));
  const flag_values expected{{"billing", 0}, {"users", 10'000}};
  BOOST_TEST((read_flags(ask)->values() == expected));
}

// Whoever may publish anything, and not read the flags, takes all the ids he can work out.
BOOST_AUTO_TEST_CASE(nobody_else_knows_the_ids_of_changes_to_come) {
  uuid id;
  for (int i = 0; i < 100; ++i) {
    id = wire::id_of_next_flag_change(id);
    add("order.created", "", id);
  }

  BOOST_TEST(set(*read_flags(ask), "billing", 2'500));
  id = events.back().id;
  for (int i = 0; i < 100; ++i) {
    id = wire::id_of_next_flag_change(id);
    add("order.created", "", id);
  }
  BOOST_TEST(set(*read_flags(ask), "billing", 5'000));
}

BOOST_AUTO_TEST_CASE(a_follower_hears_of_what_comes_behind) {
  auto state = *read_flags(ask);
  BOOST_REQUIRE(set(state, "billing", 2'500));
  add("order.created", "");

  state = *read_on(ask, state, 0);
  BOOST_TEST(state.values().at("billing") == 2'500U);
  BOOST_TEST(state.read_to == 2U);

  state = *read_on(ask, state, 0);
  BOOST_TEST(state.values().at("billing") == 2'500U);
}

BOOST_AUTO_TEST_CASE(a_journal_that_was_brought_back_is_read_anew) {
  BOOST_REQUIRE(set(*read_flags(ask), "billing", 2'500));
  const auto state = *read_flags(ask);

  life = id_of(2); // As long as before, and written by others.
  BOOST_TEST(read_on(ask, state, 0)->read_to == 0U);

  life = id_of(1);
  events.clear();
  BOOST_TEST(read_on(ask, state, 0)->read_to == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_no_change_does_not_hide_the_last_one) {
  BOOST_REQUIRE(set(*read_flags(ask), "billing", 2'500));
  for (int i = 0; i < 300; ++i) {
    add("troupe.flags", "\x80");
  }
  wire::flag_change too_much = change_after(*read_flags(ask), "billing", 10'001, "a", "b", {});
  add("troupe.flags", wire::encoded(too_much));

  const auto state = *read_flags(ask);

  BOOST_TEST(state.values().at("billing") == 2'500U);
  BOOST_TEST(set(state, "billing", 5'000));
  BOOST_TEST(read_on(ask, state, 0)->values().at("billing") == 5'000U);
}

BOOST_AUTO_TEST_CASE(an_error_of_the_broker_is_passed_on) {
  const journal_question away = [](std::string_view, const std::string&) -> outcome<std::string> {
    return failure{error{.code = errc::unavailable, .message = "no broker"}};
  };

  BOOST_TEST((read_flags(away).error().code == errc::unavailable));
  BOOST_TEST((read_on(away, {}, 0).error().code == errc::unavailable));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
