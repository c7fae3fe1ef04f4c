#include "runtime/gateway/idempotency.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view key = "018f3c1e-7a2b-7c3d-8e4f-5061728394a5";

wall_time born() {
  return parse_uuid(key)->born();
}

std::string reason_of(std::string_view value, wall_time now) {
  const auto made = call_id_of(value, {"ann", "POST /orders"}, now, 24h);
  BOOST_REQUIRE(!made.has_value());
  BOOST_TEST((made.error().code == errc::invalid));
  return std::string{made.error().detail("reason")};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_gateway_idempotency, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_key_stands_for_one_call_of_one_client_at_one_route) {
  std::set<uuid> ids;
  for (const key_scope& scope : std::vector<key_scope>{
           {"ann", "POST /orders"},
           {"bob", "POST /orders"},
           {"ann", "POST /users"},
           {"ann1:", "POST /orders"},
           {"", "annPOST /orders"}}) {
    const auto made = call_id_of(key, scope, born() + 1s, 24h);
    BOOST_REQUIRE(made.has_value());
    BOOST_TEST(made->version() == 8);
    BOOST_TEST((made->birth() == parse_uuid(key)->birth()));
    BOOST_TEST((std::to_integer<int>(made->bytes[8]) & 0xc0) == 0x80);
    BOOST_TEST((call_id_of(key, scope, born() + 2h, 24h).value_or(uuid{}) == *made));
    ids.insert(*made);
  }
  BOOST_TEST(ids.size() == 5U);
}

// The hash is part of what clients rely on: a gateway of another release must find the same answer.
BOOST_AUTO_TEST_CASE(the_id_of_a_key_stays_the_same_over_releases) {
  const auto quoted = call_id_of(
      " \"018F3C1E-7A2B-7C3D-8E4F-5061728394A5\" ", {"ann", "POST /orders"}, born(), 24h);
  const auto bare = call_id_of(key, {"ann", "POST /orders"}, born(), 24h);

  BOOST_REQUIRE(quoted.has_value());
  BOOST_TEST((quoted == bare));
  BOOST_TEST(to_string(*bare) == "018f3c1e-7a2b-8733-88c8-15ffed31bcc1");
}

BOOST_AUTO_TEST_CASE(a_key_without_a_time_of_now_is_refused) {
  BOOST_TEST(reason_of("order-17", born()) == "bad_key");
  BOOST_TEST(reason_of("", born()) == "bad_key");
  BOOST_TEST(reason_of("0f8fad5b-d9cb-469f-a165-70867728950e", born()) == "bad_key");
  BOOST_TEST(reason_of(key, born() - 61min) == "key_too_new");
  BOOST_TEST(reason_of(key, born() + 25h) == "key_too_old");
  BOOST_TEST(call_id_of(key, {}, born() - 59min, 24h).has_value());
}

BOOST_AUTO_TEST_CASE(a_deadline_is_shortened_and_never_longer) {
  BOOST_TEST((deadline_of(2s, std::nullopt) == 2s));
  BOOST_TEST((deadline_of(2s, "wait=1") == 1s));
  BOOST_TEST((deadline_of(2s, "respond-async, Wait=1") == 1s));
  BOOST_TEST((deadline_of(2s, "wait=10") == 2s));
  BOOST_TEST((deadline_of(2s, "wait=0") == 1ms));
  for (const std::string_view unreadable :
       {"", "wait", "wait=", "wait=-1", "wait=1.5", "wait=99999999999"}) {
    BOOST_TEST((deadline_of(2s, unreadable) == 2s), unreadable);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
