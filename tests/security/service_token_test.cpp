#include "runtime/security/service_token.hpp"

#include "runtime/base64.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace troupe::security {

namespace utf = boost::unit_test;

namespace {

constexpr std::int64_t now = 1'790'000'000;

struct token_fixture {
  service_token good() const {
    return {
        .service = "orders",
        .issuer = "shop",
        .audience = "shop",
        .issued = now - 10,
        .expires = now + 3'590,
        .id = "0190-1"};
  }

  std::string written() const { return write_token(good(), *keys.signing()); }

  /// The good token under another header, signed as its key does.
  std::string under(std::string_view header, const token_key& key) const {
    std::string text = to_base64url(header) + '.';
    const std::string usual = written();
    const std::size_t first = usual.find('.');
    text += usual.substr(first + 1, usual.rfind('.') - first - 1);
    return signed_by(key, text);
  }

  std::string with_header(std::string_view algorithm, std::string_view more = "") const {
    return fmt::format(
        R"({{"alg":"{}","kid":"{}","typ":"troupe-svc+jwt"{}}})", algorithm, keys.all()[0].id, more);
  }

  /// Claims of one's own, well signed.
  std::string saying(std::string_view claims) const {
    return signed_by(
        *keys.signing(), to_base64url(with_header("EdDSA")) + '.' + to_base64url(claims));
  }

  static std::string signed_by(const token_key& key, std::string text) {
    const std::string signature = sign(key, text);
    return text + '.' + to_base64url(signature);
  }

  std::string reason_of(std::string_view text, std::int64_t at = now) const {
    const auto checked = check_token(text, keys, rules, at);
    if (checked) {
      return "";
    }
    BOOST_TEST((checked.error().code == errc::unauthenticated));
    return checked.error().details.at(0).second;
  }

  token_keys keys = token_keys::make(token_algorithm::ed25519);
  token_rules rules{.issuer = "shop", .audience = "shop"};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    security_service_token, token_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_token_says_who_its_bearer_is) {
  service_token made = good();
  made.bound_to.emplace().fill(7);
  const std::string text = write_token(made, *keys.signing());

  const auto checked = check_token(text, keys, rules, now);

  BOOST_REQUIRE(checked.has_value());
  BOOST_TEST(checked->service == "orders");
  BOOST_TEST(checked->id == made.id);
  BOOST_TEST(checked->expires == made.expires);
  BOOST_TEST((checked->bound_to == made.bound_to));
  BOOST_TEST(look_at_token(text)->service == "orders");
}

BOOST_AUTO_TEST_CASE(a_shared_secret_signs_and_checks_the_form_of_the_guide) {
  const token_keys shared = token_keys::make(token_algorithm::hs256);
  const std::string text = write_token(good(), *shared.signing());

  BOOST_TEST(check_token(text, shared, rules, now).has_value());
  BOOST_TEST(!check_token(text, token_keys::make(token_algorithm::hs256), rules, now).has_value());
  BOOST_TEST(shared.public_jwks().find("\"k\"") == std::string::npos);
}

// Probe P6 of runtime/security/README.md.
BOOST_AUTO_TEST_CASE(the_algorithm_is_the_keys_and_never_the_tokens) {
  const token_key& own = *keys.signing();
  for (const std::string_view none :
       {"none", "None", "NONE", "nOnE", "", "eddsa", "ES256", "RS256"}) {
    BOOST_TEST(reason_of(under(with_header(none), own)) == "algorithm", none);
  }
  // Without a signature, too.
  const std::string unsigned_text = under(with_header("none"), own);
  BOOST_TEST(reason_of(unsigned_text.substr(0, unsigned_text.rfind('.') + 1)) == "algorithm");

  // HS256 with the public key, which everybody has, as the secret.
  token_key confused;
  confused.algorithm = token_algorithm::hs256;
  confused.secret = own.public_key;
  BOOST_TEST(reason_of(under(with_header("HS256"), confused)) == "algorithm");
  BOOST_TEST(reason_of(under(with_header("EdDSA"), confused)) == "signature");
}

BOOST_AUTO_TEST_CASE(a_key_is_found_by_its_id_in_our_own_table_alone) {
  for (const std::string_view kid : {"../../x", "' OR 1=1", "", "http://evil.example/jwks"}) {
    const std::string header =
        fmt::format(R"({{"alg":"EdDSA","kid":"{}","typ":"troupe-svc+jwt"}})", kid);
    BOOST_TEST(reason_of(under(header, *keys.signing())) == "key", kid);
  }
  const token_keys evil = token_keys::make(token_algorithm::ed25519);
  const std::string own_jwk = fmt::format(
      R"(,"jwk":{{"kty":"OKP","crv":"Ed25519","x":"{}"}},"jku":"http://evil.example")",
      to_base64url(evil.all()[0].public_key));
  BOOST_TEST(reason_of(under(with_header("EdDSA", own_jwk), evil.all()[0])) == "signature");
  BOOST_TEST(
      reason_of(under(with_header("EdDSA", R"(,"crit":["exp"])"), *keys.signing())) == "crit");
}

BOOST_AUTO_TEST_CASE(other_kinds_of_tokens_are_refused) {
  const token_key& own = *keys.signing();
  BOOST_TEST(
      reason_of(under(fmt::format(R"({{"alg":"EdDSA","kid":"{}","typ":"JWT"}})", own.id), own))
      == "type");
  BOOST_TEST(
      reason_of(under(fmt::format(R"({{"alg":"EdDSA","kid":"{}"}})", own.id), own)) == "type");
}

// Probe P7 of runtime/security/README.md.
BOOST_AUTO_TEST_CASE(a_token_holds_for_its_time_and_for_whom_it_is) {
  const std::string text = written();
  BOOST_TEST(reason_of(text, now + 3'590 + 29) == "");
  BOOST_TEST(reason_of(text, now + 3'590 + 30) == "expired");
  BOOST_TEST(reason_of(text, now - 10 - 30) == "");
  BOOST_TEST(reason_of(text, now - 10 - 31) == "not_yet");

  service_token other = good();
  other.audience = "payments";
  BOOST_TEST(reason_of(write_token(other, *keys.signing())) == "audience");
  other = good();
  other.issuer = "somebody";
  BOOST_TEST(reason_of(write_token(other, *keys.signing())) == "issuer");
  other = good();
  other.expires = other.issued + 3'601;
  BOOST_TEST(reason_of(write_token(other, *keys.signing())) == "lifetime");
}

BOOST_AUTO_TEST_CASE(a_claim_that_is_missing_or_of_another_type_ends_it) {
  const std::string whole = fmt::format(
      R"("iss":"shop","sub":"orders","serviceId":"orders","type":"service","aud":"shop","iat":{},"exp":{},"jti":"1")",
      now,
      now + 60);
  BOOST_TEST(reason_of(saying("{" + whole + "}")) == "");
  for (const std::string_view claim :
       {R"("iss":"shop",)",
        R"("sub":"orders",)",
        R"("serviceId":"orders",)",
        R"("type":"service",)",
        R"("aud":"shop",)"}) {
    std::string less = whole;
    less.erase(less.find(claim), claim.size());
    BOOST_TEST(reason_of(saying("{" + less + "}")) == "claims", claim);
  }
  const std::string_view head =
      R"({"iss":"shop","sub":"orders","serviceId":"orders","type":"service","aud":"shop","jti":"1",)";
  for (const std::string_view times :
       {R"("iat":1790000000})",
        R"("exp":1790000060})",
        R"("iat":1790000000,"exp":"1790000060"})",
        R"("iat":1790000000,"exp":1790000060.5})",
        R"("iat":1790000000,"exp":9223372036854775807})",
        R"("iat":-1,"exp":1790000060})",
        R"("iat":1790000000,"exp":1790000060,"cnf":{"x5t":"a"}})",
        R"("iat":1790000000,"exp":1790000060,"cnf":null})",
        // Twice: two readers could read two values.
        R"("iat":1790000000,"exp":1790000060,"exp":1790000060})"}) {
    BOOST_TEST(reason_of(saying(std::string{head} + std::string{times})) == "claims", times);
  }
  BOOST_TEST(
      reason_of(
          saying(std::string{head} + R"("iat":1790000000,"exp":1790000060,"nbf":1790000040})"))
      == "not_yet");
}

BOOST_AUTO_TEST_CASE(a_token_may_be_for_several) {
  const auto reason = [&](std::string_view audience) {
    return reason_of(saying(fmt::format(
        R"({{"iss":"shop","sub":"orders","serviceId":"orders","type":"service","aud":{},"iat":{},"exp":{},"jti":"1"}})",
        audience,
        now,
        now + 60)));
  };
  BOOST_TEST(reason(R"(["others","shop"])") == "");
  BOOST_TEST(reason(R"(["shop"])") == "");
  BOOST_TEST(reason(R"(["others"])") == "audience");
  BOOST_TEST(reason(R"("others, shop")") == "audience");
  BOOST_TEST(reason(R"(["shops, shop"])") == "audience");
  for (const char* const none : {"[]", R"(["shop",1])", R"([["shop"]])", R"({"shop":1})", "null"}) {
    BOOST_TEST(reason(none) == "claims", none);
  }
}

BOOST_AUTO_TEST_CASE(each_bit_counts) {
  const std::string text = written();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    BOOST_TEST(reason_of(other) != "", i);
    BOOST_TEST(reason_of(text.substr(0, i)) != "", i);
  }
  BOOST_TEST(reason_of(text + "=") == "malformed");
  BOOST_TEST(reason_of(text + ".") == "malformed");
  BOOST_TEST(reason_of(" " + text) == "malformed");
  BOOST_TEST(reason_of(std::string(9'000, 'A')) == "malformed");
  BOOST_TEST(reason_of("") == "malformed");
  std::string deep = "{\"a\":";
  for (int i = 0; i < 20; ++i) {
    deep += "[";
  }
  BOOST_TEST(reason_of(to_base64url(deep) + ".e30.AA") == "malformed");
}

BOOST_AUTO_TEST_CASE(two_keys_hold_while_one_takes_the_others_place) {
  const std::string before = written();
  const token_keys next = keys.rotated();
  const std::string after = write_token(good(), *next.signing());

  BOOST_TEST(check_token(before, next, rules, now).has_value());
  BOOST_TEST(check_token(after, next, rules, now).has_value());
  BOOST_TEST(reason_of(after) == "key");
  BOOST_TEST(!check_token(before, next.rotated(), rules, now).has_value());
}

BOOST_AUTO_TEST_CASE(keys_are_read_as_they_were_written_and_the_public_set_has_no_secret) {
  const token_keys two = keys.rotated();
  const auto secret = token_keys::of_jwks(two.secret_jwks());
  const auto open = token_keys::of_jwks(two.public_jwks());

  BOOST_REQUIRE(secret.has_value());
  BOOST_REQUIRE(open.has_value());
  BOOST_TEST(secret->all().size() == 2U);
  BOOST_TEST(secret->signing()->id == two.signing()->id);
  BOOST_TEST((open->signing() == nullptr));
  BOOST_TEST(two.public_jwks().find("\"d\"") == std::string::npos);
  BOOST_TEST(check_token(write_token(good(), *secret->signing()), *open, rules, now).has_value());
}

BOOST_AUTO_TEST_CASE(keys_that_are_none_are_refused) {
  const std::string x(43, 'A');
  for (const std::string& each :
       {std::string{""},
        std::string{"[]"},
        std::string{R"({"keys":[]})"},
        std::string{R"({"keys":[1]})"},
        std::string{R"({"keys":[{"kty":"oct","alg":"HS256","kid":"a","k":"c2hvcnQ"}]})"},
        std::string{R"({"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]})"},
        R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"../a","x":")" + x + R"("}]})",
        R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","alg":"HS256","x":")" + x + R"("}]})",
        R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","d":")" + x + R"(","x":")" + x
            + R"("}]})",
        R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","kid":"b","x":")" + x + R"("}]})"}) {
    BOOST_TEST(!token_keys::of_jwks(each).has_value(), each);
  }
  std::string twice = keys.rotated().public_jwks();
  const auto read = token_keys::of_jwks(twice);
  const std::string first = read->all()[0].id;
  const std::string second = read->all()[1].id;
  twice.replace(twice.find(second), second.size(), first);
  BOOST_TEST(!token_keys::of_jwks(twice).has_value());
}

BOOST_AUTO_TEST_CASE(bytes_have_one_text) {
  for (const std::string_view bytes : {"", "f", "fo", "foo", "foob", "\xff\xfe\x00\x3f"}) {
    BOOST_TEST(from_base64url(to_base64url(bytes)).value() == bytes);
  }
  BOOST_TEST(to_base64url("\xfb\xff") == "-_8");
  for (const std::string_view text : {"Z", "Zg==", "Zh", "Zm9=", "Zm 9", "+/8", "\xc3\xa9"}) {
    BOOST_TEST(!from_base64url(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::security
