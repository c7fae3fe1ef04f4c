#include "tests/worker/turn_fixture.hpp"

#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

const uuid journal{.bytes = {std::byte{7}}};
const uuid first{.bytes = {std::byte{1}}};
const uuid second{.bytes = {std::byte{2}}};

struct lives_fixture : turn_fixture {
  /// Assigns partition 3. @return who wrote the last event, as the worker answers.
  uuid assign(std::uint64_t epoch, std::vector<journal_life> lives) {
    p->assign(epoch, {{3, 0}}, journal, std::move(lives));
    p->run();
    return p->assigned.back().life.value_or(journal);
  }

  void change(const std::string& what) {
    p->store->database->execute("UPDATE partitions SET " + what);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_journal_lives, lives_fixture, *utf::label("integration") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(who_wrote_the_last_event_is_not_known_after_a_process_that_keeps_no_lives) {
  (void)assign(7, {{first, 1}});
  change("handled = 10");
  BOOST_TEST((assign(8, {{first, 1}}) == first));
  change("epoch = 9, handled = 20");

  BOOST_TEST((assign(11, {{first, 1}, {second, 11}}) == uuid{}));
  change("handled = 21");
  BOOST_TEST((assign(12, {{first, 1}, {second, 11}}) == second));
}

// It waited in a process that was cut off, while another one handled what the next broker brought.
BOOST_AUTO_TEST_CASE(an_order_of_an_earlier_life_of_the_journal_says_nothing_of_what_comes_next) {
  (void)assign(7, {{first, 1}});
  change("handled = 10");
  (void)assign(9, {{first, 1}, {second, 11}});
  change("handled = 20");

  (void)assign(8, {{first, 1}});

  change("handled = 30");
  BOOST_TEST((assign(10, {{first, 1}, {second, 11}}) == second));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
