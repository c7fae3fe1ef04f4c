#include "runtime/broker/server/wrong_name.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

wire::hello hello_of(const std::string& role, const std::string& node) {
  wire::hello who;
  who.role = role;
  who.node = node;
  return who;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_server_wrong_name, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(whoever_has_the_key_of_a_name_is_it) {
  BOOST_TEST(!wrong_name(hello_of("worker", "n1"), "n1"));
  BOOST_TEST(!wrong_name(hello_of("client", "anna"), "anna"));
}

BOOST_AUTO_TEST_CASE(nobody_is_somebody_else) {
  for (const auto* role : {"worker", "client"}) {
    const auto why = wrong_name(hello_of(role, "n2"), "n1");
    BOOST_REQUIRE(why);
    BOOST_TEST((why->code == errc::forbidden));
    BOOST_TEST(why->message.find("`n2`") != std::string::npos);
    BOOST_TEST(why->message.find("the key of `n1`") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(without_a_key_nobody_is_a_worker) {
  const auto why = wrong_name(hello_of("worker", "n1"), "");
  BOOST_REQUIRE(why);
  BOOST_TEST((why->code == errc::unauthenticated));
  BOOST_TEST(!wrong_name(hello_of("client", "whoever"), ""));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
