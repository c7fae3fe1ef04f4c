#include "runtime/transport/standstill.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::transport {

namespace {

using namespace std::chrono_literals;

constexpr instant start{1h};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_transport_standstill)

BOOST_AUTO_TEST_CASE(nothing_has_waited_while_the_thread_works) {
  standstill still;

  still.found_empty(start);

  BOOST_TEST((still.waited(start) == 0ms));
}

BOOST_AUTO_TEST_CASE(what_is_read_after_a_standstill_may_be_as_old_as_that) {
  standstill still;

  still.ended(start, start + 700ms);

  BOOST_TEST((still.waited(start + 700ms) == 700ms));
  BOOST_TEST((still.waited(start + 720ms) == 720ms));
}

// libzmq's thread was stopped, too: what the system holds for it comes a little later.
BOOST_AUTO_TEST_CASE(a_socket_that_is_empty_at_once_may_bring_old_messages_yet) {
  standstill still;
  still.ended(start, start + 700ms);

  still.found_empty(start + 701ms);
  BOOST_TEST((still.waited(start + 750ms) == 750ms));

  still.found_empty(start + 700ms + 350ms);
  BOOST_TEST((still.waited(start + 1'051ms) == 0ms));
}

BOOST_AUTO_TEST_CASE(the_longer_it_was_the_longer_old_messages_may_come) {
  standstill brief;
  brief.ended(start, start + 60ms);
  standstill lengthy;
  lengthy.ended(start, start + 1'000ms);

  brief.found_empty(start + 60ms + standstill::settles_within);
  lengthy.found_empty(start + 1'000ms + standstill::settles_within);

  BOOST_TEST((brief.waited(start + 170ms) == 0ms));
  BOOST_TEST((lengthy.waited(start + 1'110ms) == 1'110ms));
}

BOOST_AUTO_TEST_CASE(a_socket_that_is_never_empty_brings_new_messages_in_the_end) {
  standstill still;

  still.ended(start, start + 700ms);

  BOOST_TEST((still.waited(start + 700ms + standstill::over_after) == 0ms));
}

BOOST_AUTO_TEST_CASE(a_second_standstill_adds_to_the_first) {
  standstill still;
  still.ended(start, start + 700ms);

  still.ended(start + 710ms, start + 900ms);

  BOOST_TEST((still.waited(start + 900ms) == 900ms));
}

// As under a processor quota, which stops a busy process in every period.
BOOST_AUTO_TEST_CASE(standstills_without_end_do_not_age_new_messages_without_bound) {
  standstill still;

  for (int i = 0; i < 1'000; ++i) {
    still.ended(start + i * 100ms, start + i * 100ms + 60ms);
  }

  BOOST_TEST((still.waited(start + 99'960ms) <= standstill::over_after));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
