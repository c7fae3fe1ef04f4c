#include "tests/store/faulty_database.hpp"

#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct faulty_fixture : store_fixture {
  std::unique_ptr<database> session = open();
  faulty_database faulty{*session};

  faulty_fixture() { session->execute("CREATE TABLE items (id INTEGER)"); }

  std::int64_t items() { return session->integer_of("SELECT count(*) FROM items").value(); }
};

constexpr auto* insert_one = "INSERT INTO items VALUES (1)";

} // namespace

BOOST_AUTO_TEST_SUITE(tests_store_faulty_database, *utf::label("integration") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(a_failure_before_the_call_leaves_nothing, faulty_fixture) {
  faulty.fail(2, faulty_database::when::before, database_fault::busy);
  faulty.execute(insert_one);

  BOOST_TEST(fault_of_call([&] { faulty.execute(insert_one); }) == database_fault::busy);

  BOOST_TEST(items() == 1);
  BOOST_CHECK_NO_THROW(faulty.execute(insert_one));
}

BOOST_FIXTURE_TEST_CASE(a_failure_after_the_commit_leaves_it_done, faulty_fixture) {
  faulty.fail(3, faulty_database::when::after);
  faulty.begin();
  faulty.execute(insert_one);

  BOOST_TEST(fault_of_call([&] { faulty.commit(); }) == database_fault::io);

  BOOST_TEST(!faulty.in_transaction());
  BOOST_TEST(items() == 1);
}

BOOST_FIXTURE_TEST_CASE(a_failure_before_the_commit_leaves_it_undone, faulty_fixture) {
  faulty.fail(3, faulty_database::when::before);
  faulty.begin();
  faulty.execute(insert_one);

  BOOST_TEST(fault_of_call([&] { faulty.commit(); }) == database_fault::io);

  BOOST_TEST(!faulty.in_transaction());
  BOOST_TEST(items() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
