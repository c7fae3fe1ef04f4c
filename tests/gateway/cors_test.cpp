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

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
