#include "runtime/security/audit_line.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::security {

namespace utf = boost::unit_test;

namespace {

using fields = std::vector<std::pair<std::string, std::string>>;

} // namespace

BOOST_AUTO_TEST_SUITE(security_audit_line, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_line_says_who_what_and_which_rule) {
  const fields line =
      audit_line({.who = "shop", .act = "call", .what = "echo.say", .rule = "shop.call"}, 3);

  BOOST_TEST(
      (line
       == fields{
           {"who", "shop"},
           {"act", "call"},
           {"what", "echo.say"},
           {"rule", "shop.call"},
           {"refused", "3"}}));
}

BOOST_AUTO_TEST_CASE(who_has_no_name_is_anonymous) {
  const fields line = audit_line({.act = "connect", .from = "10.0.0.1", .why = "no key"}, 1);

  BOOST_TEST(
      (line
       == fields{
           {"who", "anonymous"},
           {"act", "connect"},
           {"from", "10.0.0.1"},
           {"why", "no key"},
           {"refused", "1"}}));
}

BOOST_AUTO_TEST_CASE(what_peers_choose_is_cut_and_made_readable) {
  const std::string large(600'000, 'x');

  const fields line = audit_line({.act = "login", .what = large, .why = "\xff\xfe"}, 1);

  BOOST_TEST(line[2].second.size() == 512U);
  BOOST_TEST(line[3].second == "??");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::security
