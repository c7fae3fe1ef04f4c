#include "runtime/store/turn/writers.hpp"

#include "runtime/store/migrations.hpp"
#include "runtime/store/turn/tables.hpp"
#include "tests/store/store_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct writers_fixture : store_fixture {
  manual_clock time;
  std::unique_ptr<database> session = open();
  writers all{*session};

  writers_fixture() { BOOST_REQUIRE(migrate(*session, time, turn_components())); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_writers, *utf::label("integration") * utf::timeout(60))

// Its database was replaced by a copy, say, under a session that stayed open.
BOOST_FIXTURE_TEST_CASE(a_writer_that_the_database_does_not_know_may_not_write, writers_fixture) {
  const auto self = all.add("n1", uuid{}, time.wall());
  BOOST_TEST(!all.is_fenced(self));
  BOOST_TEST(!all.condition_of(self).is_asked);

  session->execute("DELETE FROM writers");

  BOOST_TEST(all.condition_of(self).is_fenced);
  BOOST_TEST(!all.condition_of(self).is_asked);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
