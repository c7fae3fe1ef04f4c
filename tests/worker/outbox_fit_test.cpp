#include "runtime/worker/outbox_fit.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

uuid id_of(std::uint8_t name) {
  return {{std::byte{name}}};
}

constexpr std::optional<uuid> gone{};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_worker_outbox_fit, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_number_that_the_outbox_knows_fits) {
  BOOST_TEST((fit_of({{}, 0, gone}, {}) == outbox_fit::fits));
  BOOST_TEST((fit_of({{3, id_of(3)}, 5, id_of(4)}, {4, id_of(4)}) == outbox_fit::fits));
  BOOST_TEST((fit_of({{4, id_of(4)}, 5, gone}, {4, id_of(4)}) == outbox_fit::fits));
  // Nobody knows which events they were.
  BOOST_TEST((fit_of({{4, {}}, 5, id_of(4)}, {4, {}}) == outbox_fit::fits));
  // Another process has heard of more and deleted it meanwhile.
  BOOST_TEST((fit_of({{3, id_of(3)}, 9, gone}, {6, id_of(6)}) == outbox_fit::fits));
}

BOOST_AUTO_TEST_CASE(a_journal_that_has_less_than_was_confirmed_is_older) {
  BOOST_TEST((fit_of({{4, id_of(4)}, 5, id_of(3)}, {3, id_of(3)}) == outbox_fit::journal_is_older));
  BOOST_TEST((fit_of({{4, id_of(4)}, 5, gone}, {0, {}}) == outbox_fit::journal_is_older));
}

BOOST_AUTO_TEST_CASE(a_database_without_the_journals_number_or_with_another_event_there_is_older) {
  BOOST_TEST((fit_of({{3, id_of(3)}, 5, gone}, {6, id_of(6)}) == outbox_fit::database_is_older));
  BOOST_TEST(
      (fit_of({{3, id_of(3)}, 9, id_of(7)}, {6, id_of(6)}) == outbox_fit::database_is_older));
  BOOST_TEST((fit_of({{6, id_of(7)}, 9, gone}, {6, id_of(6)}) == outbox_fit::database_is_older));
}

// A call that was new, then one that was repeated: its event got the number that it had before.
BOOST_AUTO_TEST_CASE(the_same_event_at_the_number_does_not_hide_another_one_before_it) {
  const std::uint64_t was = store::outbox_digest(1, id_of(1)) + store::outbox_digest(2, id_of(2));
  const std::uint64_t is = store::outbox_digest(1, id_of(3)) + store::outbox_digest(2, id_of(2));

  BOOST_TEST((fit_of({{}, 2, id_of(2), was}, {2, id_of(2), 0, was}) == outbox_fit::fits));
  BOOST_TEST(
      (fit_of({{}, 2, id_of(2), is}, {2, id_of(2), 0, was}) == outbox_fit::database_is_older));
  BOOST_TEST((fit_of({{}, 2, id_of(2), {}}, {2, id_of(2), 0, was}) == outbox_fit::fits));
}

BOOST_AUTO_TEST_CASE(a_person_is_told_what_was_found_and_what_to_do) {
  const outbox_view_of_journal outbox{{3, id_of(3)}, 9, id_of(7)};

  const std::string why = describe_fit(outbox_fit::database_is_older, "orders", outbox, 6);
  BOOST_TEST(why.find("other events under these numbers") != std::string::npos);
  BOOST_TEST(why.find("`troupe restore FILE`") != std::string::npos);
  BOOST_TEST(
      describe_fit(outbox_fit::database_is_older, "orders", outbox, 12).find("has only 9")
      != std::string::npos);
  BOOST_TEST(
      describe_fit(outbox_fit::journal_is_older, "orders", outbox, 2).find("has confirmed 3")
      != std::string::npos);
  BOOST_TEST(describe_fit(outbox_fit::fits, "orders", outbox, 3).empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
