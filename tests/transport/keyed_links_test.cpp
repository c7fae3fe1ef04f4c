#include "runtime/transport/keyed_links.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::transport {

namespace utf = boost::unit_test;

namespace {

constexpr curve_public_key old_key{1};
constexpr curve_public_key new_key{2};

bool is_new(const curve_public_key& key) {
  return key == new_key;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_transport_keyed_links, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(links_of_keys_that_are_no_longer_valid_are_taken_out_once) {
  keyed_links links;
  links.add(peer{1}, 10, "n1", old_key);
  links.add(peer{2}, 11, "n1", new_key);
  links.add(peer{3}, 12, "anna", old_key);
  links.add(peer{4}, 13, "", std::nullopt);

  const auto expired = links.take_invalid(is_new);

  BOOST_TEST(
      (std::set<int>{expired.descriptors.begin(), expired.descriptors.end()})
      == (std::set<int>{10, 12}));
  BOOST_TEST(expired.peers.size() == 2U);
  BOOST_TEST((expired.owners == std::set<std::string>{"anna", "n1"}));
  BOOST_TEST(!links.has(peer{1}));
  BOOST_TEST(links.has(peer{2}));
  BOOST_TEST(!links.has(peer{3}));
  BOOST_TEST(links.has(peer{4}));
  BOOST_TEST(links.take_invalid(is_new).descriptors.empty());
}

BOOST_AUTO_TEST_CASE(a_link_that_ended_is_forgotten) {
  keyed_links links;
  links.add(peer{1}, 10, "n1", old_key);
  BOOST_TEST(links.has(peer{1}));

  links.ended(10);
  links.ended(11);

  BOOST_TEST(!links.has(peer{1}));
  BOOST_TEST(links.take_invalid(is_new).descriptors.empty());
}

// The last message of a connection may be read after the news of its end, and the system gives the
// descriptor to the next one.
BOOST_AUTO_TEST_CASE(there_is_one_link_for_each_descriptor) {
  keyed_links links;
  links.add(peer{1}, 10, "n1", old_key);

  links.add(peer{2}, 10, "n2", new_key);

  BOOST_TEST(links.size() == 1U);
  BOOST_TEST(!links.has(peer{1}));
  BOOST_TEST(links.has(peer{2}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
