#include "runtime/broker/server/login_table.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

constexpr transport::peer one{1};
constexpr transport::peer other{2};

bool has_none(login_table& table, transport::peer whom) {
  return table.find(whom) == login_id{nowhere};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_server_login_table, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_login_is_found_by_its_connection_once_it_is_bound) {
  login_table table;
  const login_id added = table.add(one, true, 7);

  BOOST_TEST(has_none(table, one));
  table.bind(added);

  BOOST_TEST((table.find(one) == added));
  BOOST_TEST(table[added].batch == 7U);
  BOOST_TEST(has_none(table, other));
  BOOST_TEST(table.workers() == 1U);
}

BOOST_AUTO_TEST_CASE(the_next_token_is_overdue_when_a_sixth_of_the_time_is_left) {
  using namespace std::chrono_literals;
  login_table table;
  const login_id added = table.add(one, false, 7);
  const instant now{1h};

  table.set_proved(added, "g1", now + 60s, now);
  BOOST_TEST((table[added].overdue == now + 50s));
  table.set_refused(added, "expired");
  BOOST_TEST(table[added].refused == "expired");

  table.set_proved(added, "g1", now + 90s, now + 30s);
  BOOST_TEST(table[added].refused == "");
  table.set_proved(added, "", instant::max(), now);
  BOOST_TEST((table[added].overdue == instant::max()));
}

// Its worker logs in again, and is refused.
BOOST_AUTO_TEST_CASE(a_login_that_was_never_bound_takes_nothing_from_the_earlier_one) {
  login_table table;
  const login_id earlier = table.add(one, true, 7);
  table.bind(earlier);

  table.remove(table.add(one, true, 8));

  BOOST_TEST((table.find(one) == earlier));
  BOOST_TEST(table.workers() == 1U);
}

BOOST_AUTO_TEST_CASE(the_end_of_an_earlier_login_leaves_the_newer_one_of_the_connection) {
  login_table table;
  const login_id earlier = table.add(one, true, 7);
  table.bind(earlier);
  const login_id newer = table.add(one, true, 8);
  table.bind(newer);

  table.remove(earlier);

  BOOST_TEST((table.find(one) == newer));
}

BOOST_AUTO_TEST_CASE(the_place_of_a_login_that_is_over_is_given_again) {
  login_table table;
  const login_id first = table.add(one, false, 7);
  table.bind(first);
  BOOST_TEST((table.find(one) == first));
  table.remove(first);

  BOOST_TEST(has_none(table, one));
  BOOST_TEST((table.add(other, false, 8) == first));
}

BOOST_AUTO_TEST_CASE(logins_may_end_while_all_are_visited) {
  login_table table;
  (void)table.add(one, false, 1);
  (void)table.add(other, true, 2);
  int visited = 0;

  table.for_each([&](login_id whom, const login_table::login&) {
    ++visited;
    table.remove(whom);
  });

  BOOST_TEST(visited == 2);
  BOOST_TEST(table.workers() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
