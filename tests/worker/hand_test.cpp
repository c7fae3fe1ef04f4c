#include "runtime/worker/hand.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

item numbered(std::uint64_t number) {
  item made;
  made.token = number;
  return made;
}

std::vector<std::uint64_t> numbers(hand& of) {
  std::vector<std::uint64_t> found;
  for (const item& each : of.next(100)) {
    found.push_back(each.token);
  }
  return found;
}

using numbers_t = std::vector<std::uint64_t>;

struct hand_fixture {
  hand_fixture() {
    queue.on_wake([] {});
    for (std::uint64_t i = 1; i <= 3; ++i) {
      queue.push(numbered(i));
    }
  }

  work_queue queue;
  hand held;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(runtime_worker_hand, hand_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(nothing_is_taken_while_something_is_left) {
  BOOST_TEST(held.fill(queue));
  held.pass_one();
  queue.push(numbered(4));

  BOOST_TEST(held.fill(queue));
  BOOST_TEST(numbers(held) == (numbers_t{2, 3}), boost::test_tools::per_element());

  held.pass_one();
  held.pass_one();
  BOOST_TEST(held.fill(queue));
  BOOST_TEST(numbers(held) == (numbers_t{4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(items_put_back_come_before_the_others) {
  held.fill(queue);
  std::vector<item> rest;
  rest.push_back(std::move(held.next(1)[0]));
  held.pass_one();

  held.put_back(rest);

  BOOST_TEST(rest.empty());
  BOOST_TEST(numbers(held) == (numbers_t{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_empty_hand_and_an_empty_queue_give_nothing) {
  held.fill(queue);
  for (int i = 0; i < 3; ++i) {
    held.pass_one();
  }

  BOOST_TEST(!held.fill(queue));
  BOOST_TEST(held.next(100).empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
