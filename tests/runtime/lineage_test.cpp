#include "runtime/lineage.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
namespace utf = boost::unit_test;

namespace {

uuid id_of(std::uint8_t name) {
  uuid id;
  id.bytes[0] = std::byte{name};
  return id;
}

journal_life from(std::uint64_t first, std::uint8_t name) {
  return {id_of(name), first};
}

const uuid unknown{};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_lineage, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_position_was_written_by_the_last_life_that_began_before_it) {
  const lineage journal{{from(11, 1), from(21, 2)}};

  BOOST_TEST((journal.writer_of(10) == unknown));
  BOOST_TEST((journal.writer_of(11) == id_of(1)));
  BOOST_TEST((journal.writer_of(20) == id_of(1)));
  BOOST_TEST((journal.writer_of(21) == id_of(2)));
  BOOST_TEST(journal.has(id_of(2), 1'000));
  BOOST_TEST(!journal.has(id_of(1), 21));
  BOOST_TEST(!journal.has(unknown, 5));
}

BOOST_AUTO_TEST_CASE(a_copy_that_has_grown_past_its_original_does_not_agree_with_its_reader) {
  const lineage reader{{from(1, 1), from(21, 2)}};
  const lineage copy{{from(1, 1), from(15, 3)}};

  BOOST_TEST(!copy.agrees_with(reader, 20));
  BOOST_TEST(!copy.agrees_with(reader, 30));
  BOOST_TEST(copy.agrees_with(reader, 14));
  BOOST_TEST(copy.agrees_with(reader, 0));
  BOOST_TEST(copy.agrees_with(lineage{}, 30)); // Nobody knows.
}

BOOST_AUTO_TEST_CASE(histories_are_the_same_up_to_where_one_of_them_begins_another_life) {
  const lineage reader{{from(1, 1), from(21, 2)}};

  BOOST_TEST((lineage{{from(1, 1), from(15, 3)}}.shared_with(reader, 100)) == 14U);
  BOOST_TEST(reader.shared_with(lineage{{from(1, 1), from(15, 3)}}, 100) == 14U);
  BOOST_TEST(reader.shared_with(lineage{{from(1, 1), from(26, 3)}}, 100) == 20U);
  BOOST_TEST(reader.shared_with(lineage{{from(1, 1), from(21, 2), from(26, 3)}}, 100) == 25U);
  BOOST_TEST(reader.shared_with(reader, 30) == 30U);
  BOOST_TEST(reader.shared_with(lineage{{from(11, 3)}}, 100) == 0U);
  BOOST_TEST((lineage{{from(11, 1)}}.shared_with(lineage{{from(11, 2)}}, 100)) == 10U);
}

BOOST_AUTO_TEST_CASE(what_was_read_stays_known_and_what_comes_is_learnt_anew) {
  lineage reader{{from(1, 1), from(21, 2), from(41, 9)}};

  reader.learn({from(1, 1), from(15, 3), from(36, 4)}, 30);

  BOOST_TEST((reader.writer_of(30) == id_of(2)));
  BOOST_TEST((reader.writer_of(31) == id_of(3)));
  BOOST_TEST((reader.writer_of(36) == id_of(4)));
  BOOST_TEST((reader.writer_of(41) == id_of(4)));
}

BOOST_AUTO_TEST_CASE(what_was_written_between_two_known_histories_is_ascribed_to_nobody) {
  lineage reader{{from(1, 1)}};

  reader.learn({from(51, 5)}, 30);

  BOOST_TEST((reader.writer_of(30) == id_of(1)));
  BOOST_TEST((reader.writer_of(31) == unknown));
  BOOST_TEST((reader.writer_of(51) == id_of(5)));
  reader.learn({}, 60); // From a broker that keeps no lives.
  BOOST_TEST((reader.writer_of(60) == id_of(5)));
  BOOST_TEST((reader.writer_of(61) == unknown));
}

BOOST_AUTO_TEST_CASE(a_history_outlives_what_an_earlier_life_tells) {
  const lineage reader{{from(1, 1), from(21, 2)}};

  BOOST_TEST(reader.outlives({from(1, 1)}));
  BOOST_TEST(!reader.outlives({from(1, 1), from(21, 2)}));
  BOOST_TEST(!reader.outlives({from(1, 1), from(21, 2), from(31, 3)}));
  BOOST_TEST(!reader.outlives({from(1, 1), from(15, 4)})); // A copy that went on by itself.
  BOOST_TEST(!reader.outlives({}));
  BOOST_TEST(!(lineage{{from(1, 1), {unknown, 21}}}.outlives({from(1, 1)})));
  BOOST_TEST(!(lineage{{from(21, 2), from(31, 1)}}.outlives({from(1, 1), from(21, 2)})));
}

BOOST_AUTO_TEST_SUITE_END()
