#include "runtime/store/turn/known_ids.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

uuid id_of(std::size_t n) {
  uuid made;
  for (std::size_t i = 0; i < 8; ++i) {
    made.bytes[15 - i] = static_cast<std::byte>(n >> (8 * i));
  }
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_known_ids, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(up_to_the_newest_row_nothing_is_certain) {
  known_ids known;

  known.start_over(id_of(10));

  BOOST_TEST(!known.is_new(id_of(9)));
  BOOST_TEST(!known.is_new(id_of(10)));
  BOOST_TEST(known.is_new(id_of(11)));
}

BOOST_AUTO_TEST_CASE(what_was_added_is_not_new_and_its_neighbours_are) {
  known_ids known;
  known.start_over(id_of(10));

  known.add(id_of(20));

  BOOST_TEST(!known.is_new(id_of(20)));
  BOOST_TEST(known.is_new(id_of(19)));
  BOOST_TEST(known.is_new(id_of(21)));
}

BOOST_AUTO_TEST_CASE(starting_over_forgets_what_was_added) {
  known_ids known;
  known.add(id_of(20));

  known.start_over(id_of(15));

  BOOST_TEST(known.is_new(id_of(20)));
}

// In any order, and far more than are remembered: none that was added ever passes for new.
BOOST_AUTO_TEST_CASE(no_id_that_was_added_is_ever_new_again) {
  known_ids known;
  std::vector<uuid> added;
  for (std::size_t n = 1; n <= 5 * known_ids::ids_max; ++n) {
    const uuid id = id_of(n ^ 0x2a5U);
    known.add(id);
    added.push_back(id);
  }

  std::size_t wrong = 0;
  for (const uuid& id : added) {
    wrong += known.is_new(id) ? 1U : 0U;
  }

  BOOST_TEST(wrong == 0U);
  BOOST_TEST(known.is_new(id_of(10 * known_ids::ids_max)));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
