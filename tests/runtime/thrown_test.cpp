#include "runtime/thrown.hpp"

#include <boost/test/unit_test.hpp>

#include <exception>
#include <stdexcept>

namespace utf = boost::unit_test;
using troupe::what_was_thrown;

namespace acme {

struct status {};

class failure : public std::exception {
public:
  explicit failure(const char* words) : words_{words} {}

  const char* what() const noexcept override { return words_; }

private:
  const char* words_;
};

} // namespace acme

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
    BOOST_TEST(what_was_thrown() == "`int`, which is no std::exception");
  }
  try {
    throw acme::status{};
  } catch (...) {
    BOOST_TEST(what_was_thrown() == "`acme::status`, which is no std::exception");
  }
}

// A string of null words would throw out of the catch block, and end the process.
BOOST_AUTO_TEST_CASE(an_exception_without_words_is_told_by_its_type) {
  for (const char* const words : {static_cast<const char*>(nullptr), ""}) {
    try {
      throw acme::failure{words};
    } catch (...) {
      BOOST_TEST(what_was_thrown() == "`acme::failure` without words");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
