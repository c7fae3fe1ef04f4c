// The main() of every Boost.Test program here.
#define BOOST_TEST_MODULE troupe
#include <boost/test/unit_test.hpp>
