#include "runtime/security/key_ring.hpp"

#include "tests/security/key_folder.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::security {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_security_key_ring, *utf::label("unit") * utf::timeout(20))

BOOST_FIXTURE_TEST_CASE(it_knows_whose_each_key_is, key_folder) {
  const auto broker = make("b1");
  const auto node = make("n1");

  const auto ring = key_ring::open(path, "n1");

  BOOST_REQUIRE(ring);
  BOOST_TEST((*ring)->owner_of(broker.public_key) == "b1");
  BOOST_TEST((*ring)->owner_of(node.public_key) == "n1");
  BOOST_TEST((*ring)->owner_of(transport::make_curve_pair().public_key) == "");
  const auto link = (*ring)->link_to("b1", 0);
  BOOST_REQUIRE(link);
  BOOST_TEST(link->broker == broker.public_key);
  BOOST_TEST(link->own.public_key == node.public_key);
  BOOST_TEST(name_of((*ring)->link_to("b2", 0).error().code) == "unavailable");
}

// Of a broker that is being given a new key it is not known which one it uses.
BOOST_FIXTURE_TEST_CASE(both_keys_of_a_broker_are_tried_in_turn, key_folder) {
  const auto old = make("b1");
  make("n1");
  const auto fresh = transport::make_curve_pair();
  BOOST_REQUIRE(
      write_public_keys(public_file_of(path, "b1"), "b1", {fresh.public_key, old.public_key}));

  const auto ring = key_ring::open(path, "n1");

  BOOST_REQUIRE(ring);
  BOOST_TEST((*ring)->link_to("b1", 0)->broker == fresh.public_key);
  BOOST_TEST((*ring)->link_to("b1", 1)->broker == old.public_key);
  BOOST_TEST((*ring)->link_to("b1", 2)->broker == fresh.public_key);
  BOOST_TEST((*ring)->owner_of(old.public_key) == "b1");
}

BOOST_FIXTURE_TEST_CASE(a_folder_that_has_become_unusable_changes_nothing, key_folder) {
  make("b1");
  const auto before = make("n1");
  const auto ring = key_ring::open(path, "n1");
  BOOST_REQUIRE(ring);

  make("n1");
  write("b1.pub", "nonsense\n");
  BOOST_TEST(!(*ring)->reread());

  BOOST_TEST((*ring)->own().public_key == before.public_key);
  BOOST_TEST((*ring)->link_to("b1", 0).has_value());

  make("b1");
  BOOST_TEST((*ring)->reread().has_value());
  BOOST_TEST((*ring)->own().public_key != before.public_key);
  BOOST_TEST((*ring)->owner_of(before.public_key) == "");
}

BOOST_FIXTURE_TEST_CASE(keys_that_do_not_belong_together_are_refused, key_folder) {
  make("b1");
  make("n1");
  const auto other = transport::make_curve_pair();
  BOOST_REQUIRE(write_public_keys(public_file_of(path, "n1"), "n1", {other.public_key}));

  const auto ring = key_ring::open(path, "n1");

  BOOST_REQUIRE(!ring);
  BOOST_TEST(ring.error().message.find("does not belong") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(one_key_of_two_owners_is_refused, key_folder) {
  make("n1");
  const auto shared = make("b1");
  BOOST_REQUIRE(write_public_keys(public_file_of(path, "b2"), "b2", {shared.public_key}));

  const auto ring = key_ring::open(path, "n1");

  BOOST_REQUIRE(!ring);
  BOOST_TEST(ring.error().message.find("same public key") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(without_its_own_secret_key_nothing_works, key_folder) {
  make("b1");

  const auto ring = key_ring::open(path, "n1");

  BOOST_REQUIRE(!ring);
  BOOST_TEST(name_of(ring.error().code) == "unavailable");
  BOOST_TEST(ring.error().message.find("n1.key") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::security
