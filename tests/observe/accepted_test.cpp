#include "runtime/observe/accepted.hpp"

#include <boost/test/unit_test.hpp>

#include <string_view>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::observe {

BOOST_AUTO_TEST_SUITE(runtime_observe_accepted, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_type_has_the_weight_that_is_said) {
  struct told {
    std::string_view accept;
    int weight;
  };

  const std::vector<told> all{
      {"", 0},
      {"*/*", 0}, // It names nothing.
      {"a/b", 1'000},
      {"A/B", 1'000},
      {"a/bc", 0},
      {"x/y, a/b;q=0.5", 500},
      {"a/b ; v=1 ; Q=0.125", 125},
      {"a/b;q=0", 0},
      {"a/b;q=0.000, x/y", 0},
      {"a/b;q=0.2, a/b;v=2;q=0.7", 700},
      {"a/b;q=1.000", 1'000},
      {"a/b;q=2", 1'000},
      {"a/b;q=-1", 1'000},
      {"a/b;q=0.1234", 1'000},
      {"a/b;q=", 1'000},
      {";;,,q=1;a/b,", 0},
  };
  for (const told& each : all) {
    BOOST_TEST(weight_of(each.accept, "a/b") == each.weight, each.accept);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::observe
