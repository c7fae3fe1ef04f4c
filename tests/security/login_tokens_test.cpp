#include "runtime/security/login_tokens.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::security {

namespace utf = boost::unit_test;

namespace {

constexpr std::int64_t now = 1'790'000'000;
constexpr transport::curve_public_key session_key{7};
constexpr transport::curve_public_key other_key{8};

struct login_tokens_fixture {
  service_token good() {
    return {
        .service = "n1",
        .issuer = "shop",
        .audience = "shop",
        .issued = now - 10,
        .expires = now + 3'590,
        .id = fmt::format("id-{}", ++made),
        .bound_to = session_key};
  }

  std::string written(const service_token& token) const {
    return write_token(token, *keys.signing());
  }

  /// Why a token is refused; empty if it is not.
  std::string reason(
      const std::string& text,
      std::string_view user = "n1",
      const transport::curve_public_key& key = session_key,
      std::int64_t at = now) {
    const auto checked = tested.check(text, user, key, at);
    if (checked) {
      return "";
    }
    BOOST_TEST((checked.error().code == errc::unauthenticated));
    BOOST_TEST(checked.error().message.find(text.empty() ? "\n" : text) == std::string::npos);
    return checked.error().details.at(0).second;
  }

  int made = 0;
  token_keys keys = token_keys::make(token_algorithm::ed25519);
  token_rules rules{.issuer = "shop", .audience = "shop"};
  login_tokens tested{keys, rules};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    security_login_tokens, login_tokens_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_token_of_the_links_owner_and_key_holds_until_it_expires) {
  const std::string text = written(good());

  const auto holds = tested.check(text, "n1", session_key, now);

  BOOST_REQUIRE(holds);
  BOOST_TEST(holds->count() == 3'590 + rules.leeway.count());
  BOOST_TEST(tested.check(text, "n1", session_key, now + 3'000)->count() == 590 + 30);
  BOOST_TEST(reason(text, "n1", session_key, now + 4'000) == "expired");
}

// Probe P7.
BOOST_AUTO_TEST_CASE(whatever_does_not_belong_to_the_link_is_refused) {
  BOOST_TEST(reason("") == "no_token");
  BOOST_TEST(reason("x") == "malformed");
  BOOST_TEST(reason(written(good()), "n2") == "other_service");
  BOOST_TEST(reason(written(good()), "n1", other_key) == "other_key");
  service_token unbound = good();
  unbound.bound_to.reset();
  BOOST_TEST(reason(written(unbound)) == "unbound");
  const token_keys others = token_keys::make(token_algorithm::ed25519);
  BOOST_TEST(reason(write_token(good(), *others.signing())) == "key");
}

// A link that was cut is made again, and shows the same token.
BOOST_AUTO_TEST_CASE(an_id_belongs_to_one_token) {
  const service_token first = good();
  service_token second = first;
  second.expires -= 1;

  BOOST_TEST(reason(written(first)) == "");
  BOOST_TEST(reason(written(first)) == "");
  BOOST_TEST(reason(written(second)) == "reused");
  // Whoever is refused takes no id from anybody.
  const service_token third = good();
  BOOST_TEST(reason(written(third), "n2") == "other_service");
  service_token fourth = third;
  fourth.expires -= 1;
  BOOST_TEST(reason(written(fourth)) == "");
}

BOOST_AUTO_TEST_CASE(an_id_is_forgotten_when_its_token_has_expired) {
  service_token first = good();
  service_token second = first;
  second.issued = first.expires;
  second.expires = first.expires + 3'600;
  const std::int64_t later = first.expires + rules.leeway.count();

  BOOST_TEST(reason(written(first)) == "");
  BOOST_TEST(reason(written(second), "n1", session_key, later - 1) == "reused");
  BOOST_TEST(reason(written(second), "n1", session_key, later) == "");
}

BOOST_AUTO_TEST_CASE(after_a_change_of_keys_new_ones_check) {
  const std::string before = written(good());
  BOOST_TEST(reason(before) == "");

  tested.replace_keys(token_keys::make(token_algorithm::ed25519));

  BOOST_TEST(reason(before) == "key");
}

// The median of many, as the machine may be busy.
BOOST_AUTO_TEST_CASE(a_login_with_a_token_costs_less_than_a_millisecond) {
  constexpr int count = 200;
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    texts.push_back(written(good()));
  }
  const auto timed = [&] {
    std::vector<double> microseconds;
    for (const std::string& each : texts) {
      const auto began = std::chrono::steady_clock::now();
      BOOST_REQUIRE(tested.check(each, "n1", session_key, now));
      microseconds.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began)
              .count());
    }
    std::nth_element(microseconds.begin(), microseconds.begin() + count / 2, microseconds.end());
    return microseconds[count / 2];
  };

  const double first = timed();
  const double again = timed();

  BOOST_TEST_MESSAGE(
      fmt::format("a token at login: {:.0f} us, and {:.1f} us once it is known", first, again));
  BOOST_TEST(first < 1'000);
  BOOST_TEST(again < first);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::security
