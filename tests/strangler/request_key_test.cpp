#include "runtime/strangler/request_key.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::strangler {

BOOST_AUTO_TEST_SUITE(runtime_strangler_request_key, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_key_comes_from_the_place_it_names) {
  http::request asked;
  asked.fields = {
      {"x-user", "ann"}, {"cookie", "a=1; session=s-7"}, {"cookie", "xsession=no; theme=dark"}};
  asked.target.query = {{"user", "bob"}, {"empty", ""}};
  const request_key::variables path{{"user_id", "7"}};
  const auto value = [&](std::string_view text) {
    return request_key::parse(text)->value_in(asked, path).value_or("nothing");
  };

  BOOST_TEST(value("{header.X-User}") == "ann");
  BOOST_TEST(value("{cookie.session}") == "s-7");
  BOOST_TEST(value("{cookie.theme}") == "dark");
  BOOST_TEST(value("{query.user}") == "bob");
  BOOST_TEST(value("{path.user_id}") == "7");
  BOOST_TEST(value("{header.x-other}") == "nothing");
  BOOST_TEST(value("{cookie.sess}") == "nothing");
  BOOST_TEST(value("{query.empty}") == "nothing");
}

BOOST_AUTO_TEST_CASE(what_names_nothing_is_refused) {
  for (const char* wrong :
       {"",
        "x-user",
        "{header}",
        "{header.}",
        "{header.x user}",
        "{body.user}",
        "{header.x",
        "header.x}",
        "{header.x}}"}) {
    BOOST_TEST(!request_key::parse(wrong), wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
