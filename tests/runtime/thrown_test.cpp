#include "runtime/thrown.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace utf = boost::unit_test;
using troupe::what_was_thrown;

BOOST_AUTO_TEST_SUITE(runtime_thrown, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(whatever_is_thrown_has_a_reason) {
  try {
    throw std::runtime_error{"the disk is gone"};
  } catch (...) {
    BOOST_TEST(what_was_thrown() == "the disk is gone");
  }
  try {
    throw 7;
  } catch (...) {
    BOOST_TEST(what_was_thrown() == "something that is no std::exception");
  }
}

BOOST_AUTO_TEST_SUITE_END()
