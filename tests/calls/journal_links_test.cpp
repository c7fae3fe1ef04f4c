#include "runtime/calls/journal_links.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;
using troupe::calls::journal_links;
using troupe::wire::welcome;

namespace {

welcome with_journal(std::optional<std::uint64_t> generation = {}) {
  welcome said;
  said.journal = true;
  said.journal_generation = generation;
  return said;
}

welcome without_journal(std::optional<std::uint64_t> generation = {}) {
  welcome said = with_journal(generation);
  said.journal = false;
  return said;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_calls_journal_links, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(the_one_broker_that_keeps_a_journal_is_followed) {
  journal_links links{2};

  BOOST_TEST(!links.welcomed(0, without_journal()));
  BOOST_TEST(links.link() == -1);
  BOOST_TEST(links.welcomed(1, with_journal()));
  BOOST_TEST(links.link() == 1);
  BOOST_TEST(links.welcomed(1, with_journal())); // Another login: the broker has forgotten all.
  BOOST_TEST(!links.lost(0));
  BOOST_TEST(links.lost(1));
  BOOST_TEST(links.link() == -1);
}

BOOST_AUTO_TEST_CASE(of_two_that_say_they_have_it_the_higher_generation_counts) {
  journal_links links{3};
  (void)links.welcomed(0, with_journal(7));
  (void)links.welcomed(1, without_journal(7));
  BOOST_TEST(links.link() == 0);

  BOOST_TEST(links.told(1, with_journal(8)));
  BOOST_TEST(links.link() == 1);
  BOOST_TEST(!links.told(0, with_journal(7))); // It stood still, and has not heard yet.
  BOOST_TEST(links.link() == 1);
  BOOST_TEST(!links.told(0, without_journal(8)));
}

BOOST_AUTO_TEST_CASE(who_has_an_old_generation_is_left_before_the_new_owner_is_there) {
  journal_links links{3};
  (void)links.welcomed(0, with_journal(7));

  BOOST_TEST(links.welcomed(1, without_journal(8)));
  BOOST_TEST(links.link() == -1);
  BOOST_TEST(links.welcomed(2, with_journal(8)));
  BOOST_TEST(links.link() == 2);
}

BOOST_AUTO_TEST_CASE(a_broker_that_takes_it_again_is_joined_anew) {
  journal_links links{1};
  (void)links.welcomed(0, with_journal(7));

  BOOST_TEST(links.told(0, without_journal(7)));
  BOOST_TEST(links.told(0, with_journal(8)));
  BOOST_TEST(links.told(0, with_journal(9)));
  BOOST_TEST(!links.told(0, with_journal(9)));
  BOOST_TEST(links.link() == 0);
}

// A database that was brought back has a lower generation, and nobody is left who knows better.
BOOST_AUTO_TEST_CASE(a_broker_whose_link_is_down_says_nothing) {
  journal_links links{2};
  (void)links.welcomed(0, with_journal(9));
  (void)links.welcomed(1, without_journal(9));
  (void)links.lost(0);

  BOOST_TEST(links.told(1, with_journal(4)));
  BOOST_TEST(links.link() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
