#include "runtime/strangler/client_turns.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

using namespace std::chrono_literals;

struct turns_fixture {
  void push(std::uint64_t client, char what) { line.push(client, instant{++count * 1s}, what); }

  std::string rest() {
    std::string taken;
    while (!line.empty()) {
      taken += line.take().what;
    }
    return taken;
  }

  client_turns<char> line;
  int count = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_strangler_client_turns, turns_fixture, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_client_with_many_holds_up_no_other) {
  for (const char each : {'a', 'b', 'c', 'd'}) {
    push(1, each);
  }
  push(2, 'x');
  push(3, 'y');
  push(2, 'z');

  BOOST_TEST(rest() == "axybzcd");
}

BOOST_AUTO_TEST_CASE(a_client_that_comes_again_waits_its_turn) {
  push(1, 'a');
  push(2, 'x');
  push(2, 'y');
  BOOST_TEST(line.take().what == 'a');
  push(1, 'b');

  BOOST_TEST(rest() == "xby");
}

BOOST_AUTO_TEST_CASE(what_has_waited_too_long_is_taken_whoever_is_next) {
  push(1, 'a');
  push(2, 'x');
  push(1, 'b');
  BOOST_TEST(line.take().what == 'a');

  BOOST_TEST((line.first_until() == instant{2s}));
  BOOST_TEST(!line.take_late(instant{1s}).has_value());
  BOOST_TEST(line.take_late(instant{2s})->what == 'x');
  BOOST_TEST(line.take_late(instant{3s})->what == 'b');
  BOOST_TEST(!line.take_late(instant{9s}).has_value());
  BOOST_TEST(line.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
