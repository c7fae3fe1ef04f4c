#include "runtime/gateway/cors.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::gateway {

BOOST_AUTO_TEST_SUITE(runtime_gateway_cors, *utf::label("unit") * utf::timeout(5))

// A POST without a body needs no preflight: whoever opens a page of that site would send it.
BOOST_AUTO_TEST_CASE(pages_of_sites_that_are_not_named_are_refused_as_their_browsers_say) {
  const auto refused = [](http::field_list fields, std::vector<std::string> origins = {}) {
    http::request asked;
    asked.fields = std::move(fields);
    return cors{std::move(origins)}.refuses_site_of(asked);
  };
  const std::string evil = "https://evil.example";

  BOOST_TEST(refused({{"sec-fetch-site", "cross-site"}, {"origin", evil}}));
  BOOST_TEST(refused({{"sec-fetch-site", "cross-site"}}));
  BOOST_TEST(refused({{"sec-fetch-site", "cross-site"}, {"origin", "null"}}, {evil}));
  BOOST_TEST(!refused({{"sec-fetch-site", "cross-site"}, {"origin", evil}}, {evil}));
  BOOST_TEST(!refused({{"sec-fetch-site", "same-site"}, {"origin", evil}}));
  BOOST_TEST(!refused({{"sec-fetch-site", "same-origin"}, {"origin", evil}}));
  BOOST_TEST(!refused({{"sec-fetch-site", "none"}}));
  BOOST_TEST(!refused({{"origin", evil}}));
  BOOST_TEST(!refused({}));
}

// A page with OpenTelemetry sends `tracestate` and `baggage`, one of a legacy system what that
// wants: a field that is not named in the answer ends the request in the browser.
BOOST_AUTO_TEST_CASE(a_preflight_is_told_the_fields_that_it_asks_for) {
  const auto allowed = [](http::field_list fields) {
    http::request asked;
    asked.method = http::method::options;
    asked.fields = std::move(fields);
    asked.fields.emplace_back("origin", "https://shop.example");
    asked.fields.emplace_back("access-control-request-method", "POST");
    const auto answer = cors::answer_options(asked, "POST");
    return std::string{http::find(answer.fields, "Access-Control-Allow-Headers").value_or("none")};
  };
  const std::string wanted = "access-control-request-headers";

  BOOST_TEST(
      allowed({{wanted, "baggage,content-type,tracestate"}})
      == "baggage, content-type, tracestate");
  BOOST_TEST(allowed({{wanted, "Authorization"}, {wanted, "x-b"}}) == "authorization, x-b");
  BOOST_TEST(allowed({}).find("Idempotency-Key") != std::string::npos);
  BOOST_TEST(allowed({{wanted, "a b"}}).find("a b") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
