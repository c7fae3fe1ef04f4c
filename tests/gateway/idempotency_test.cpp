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

outcome<uuid> id_of(
    std::string_view value,
    const key_scope& scope,
    wall_time now,
    milliseconds kept = 24h,
    std::optional<wall_time> first_seen = {}) {
  return read_key(value, scope).and_then([&](const idempotency_key& read) {
    return call_id_of(read, read.born ? *read.born : first_seen.value(), now, kept);
  });
}

std::string reason_of(std::string_view value, wall_time now) {
  const auto made = id_of(value, {"ann", "POST /orders"}, now);
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
    const auto made = id_of(key, scope, born() + 1s);
    BOOST_REQUIRE(made.has_value());
    BOOST_TEST(made->version() == 8);
    BOOST_TEST((made->birth() == parse_uuid(key)->birth()));
    BOOST_TEST((std::to_integer<int>(made->bytes[8]) & 0xc0) == 0x80);
    BOOST_TEST((id_of(key, scope, born() + 2h).value_or(uuid{}) == *made));
    ids.insert(*made);
  }
  BOOST_TEST(ids.size() == 5U);
}

// The hash is part of what clients rely on: a gateway of another release must find the same answer.
BOOST_AUTO_TEST_CASE(the_id_of_a_key_stays_the_same_over_releases) {
  const auto quoted =
      id_of(" \"018F3C1E-7A2B-7C3D-8E4F-5061728394A5\" ", {"ann", "POST /orders"}, born());
  const auto bare = id_of(key, {"ann", "POST /orders"}, born());

  BOOST_REQUIRE(quoted.has_value());
  BOOST_TEST((quoted == bare));
  BOOST_TEST(to_string(*bare) == "018f3c1e-7a2b-8733-88c8-15ffed31bcc1");
}

BOOST_AUTO_TEST_CASE(a_key_whose_time_is_not_of_now_is_refused) {
  BOOST_TEST(reason_of(key, born() - 61min) == "key_too_new");
  BOOST_TEST(reason_of(key, born() + 25h) == "key_too_old");
  BOOST_TEST(id_of(key, {}, born() - 59min).has_value());
}

// What client libraries make: random UUIDs, names of orders.
BOOST_AUTO_TEST_CASE(a_key_without_a_time_has_that_of_its_first_use) {
  for (const std::string_view each : {"order-17", "0f8fad5b-d9cb-469f-a165-70867728950e", "7"}) {
    const auto read = read_key(each, {"ann", "POST /orders"});
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST(!read->born.has_value());
    const auto made = call_id_of(*read, born(), born() + 1h, 24h);
    BOOST_REQUIRE(made.has_value());
    BOOST_TEST(made->version() == 8);
    BOOST_TEST((made->born() == born()));
    BOOST_TEST((*made != id_of(each, {"bob", "POST /orders"}, born(), 24h, born()).value()));
  }
}

BOOST_AUTO_TEST_CASE(a_key_is_some_visible_characters) {
  const std::string longest(255, 'k');
  BOOST_TEST(read_key(longest, {}).has_value());
  for (const std::string& bad :
       {std::string{},
        std::string{"\"\""},
        std::string{"a b"},
        std::string{"\xc3\xa4"},
        longest + "k"}) {
    BOOST_REQUIRE(!read_key(bad, {}).has_value());
    BOOST_TEST(read_key(bad, {}).error().detail("reason") == "bad_key");
  }
}

BOOST_AUTO_TEST_CASE(a_deadline_is_shortened_and_never_longer) {
  const auto deadline = [](std::string_view prefer) {
    return deadline_of(2s, wait_preferred(prefer));
  };
  BOOST_TEST((deadline("") == 2s));
  BOOST_TEST((deadline("wait=1") == 1s));
  BOOST_TEST((deadline("Wait=1, handling=lenient") == 1s));
  BOOST_TEST((deadline("wait=10") == 2s));
  BOOST_TEST((deadline("wait=0") == 1ms));
  BOOST_TEST((deadline("respond-async, wait=1") == 2s), "who comes again waits elsewhere");
  for (const std::string_view unreadable :
       {"", "wait", "wait=", "wait=-1", "wait=1.5", "wait=99999999999"}) {
    BOOST_TEST((deadline(unreadable) == 2s), unreadable);
  }
}

BOOST_AUTO_TEST_CASE(who_would_rather_come_again_says_so) {
  BOOST_TEST(!wait_preferred("wait=3").comes_again);
  BOOST_TEST(wait_preferred("Respond-Async").comes_again);
  BOOST_TEST(!wait_preferred("respond-async").wait.has_value());
  BOOST_TEST(wait_preferred("handling=lenient, respond-async; a=b").comes_again);
  BOOST_TEST((wait_preferred("wait=3 ;a=b").wait == 3s));
  BOOST_TEST((wait_preferred("respond-async, wait = 3").wait == 3s), "space around it");
  BOOST_TEST((wait_preferred("Wait=\"3\"").wait == 3s), "a value in quotes");
  BOOST_TEST(!wait_preferred("waits=3").wait.has_value());
  for (const char* const none :
       {"wait", "wait=", "wait=-1", "wait=1.5", "wait=99999999999", "\"wait=3\""}) {
    BOOST_TEST(!wait_preferred(none).wait.has_value(), none);
  }
  BOOST_TEST((wait_preferred("wait=3, respond-async, wait=4").wait == 3s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
