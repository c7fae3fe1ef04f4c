#include "runtime/gateway/server/key_shares.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;

constexpr auto kept = 168h;

struct shares_fixture {
  std::size_t fill(key_shares& all, const std::string& client) const {
    std::size_t count = 0;
    for (; all.admits(client, now); ++count) {
      all.add(client, now);
    }
    return count;
  }

  /// A client that has a place of its own: by chance some share one.
  std::string other(key_shares& all) const {
    for (int i = 0; i < 100; ++i) {
      if (std::string client = "192.0.2." + std::to_string(100 + i); all.admits(client, now)) {
        return client;
      }
    }
    return {};
  }

  instant now{1h};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_gateway_key_shares, shares_fixture, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_client_leaves_room_for_others) {
  key_shares all{1'000, kept, 0, now};

  BOOST_TEST(fill(all, "192.0.2.1") == 500U);
  BOOST_TEST(fill(all, other(all)) == 250U);
  BOOST_TEST(!all.admits("192.0.2.1", now));
  BOOST_TEST(!other(all).empty());
}

BOOST_AUTO_TEST_CASE(keys_count_for_as_long_as_they_are_kept) {
  key_shares all{1'000, kept, 0, now};
  fill(all, "192.0.2.1");
  now += kept - 1h;
  BOOST_TEST(!all.admits("192.0.2.1", now));
  now += 3h;

  BOOST_TEST(fill(all, "192.0.2.1") == 500U);
}

BOOST_AUTO_TEST_CASE(keys_of_before_take_room_and_are_nobodys) {
  key_shares all{1'000, kept, 600, now};
  BOOST_TEST(fill(all, "192.0.2.1") == 200U);
  now += kept + 2h;
  BOOST_TEST(fill(all, "192.0.2.1") == 500U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
