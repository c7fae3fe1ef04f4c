#include "runtime/http/target.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::http {

namespace {

using segments = std::vector<std::string>;
using parameters = std::vector<std::pair<std::string, std::string>>;

int status_of(std::string_view text) {
  const auto read = read_target(text);
  return read ? 200 : read.error().status;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_http_target, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_path_is_decoded_once) {
  BOOST_TEST((read_target("/")->target.path == segments{}));
  BOOST_TEST((read_target("/users/a%20b")->target.path == segments{"users", "a b"}));
  BOOST_TEST((read_target("/a/")->target.path == segments{"a", ""}));
  BOOST_TEST((read_target("/%2541")->target.path == segments{"%41"}));
  BOOST_TEST((read_target("/%c3%9c+")->target.path == segments{"\xc3\x9c+"}));
  BOOST_TEST((read_target("/...")->target.path == segments{"..."}));
  BOOST_TEST((read_target("/..a;b/;c")->target.path == segments{"..a;b", ";c"}));
}

BOOST_AUTO_TEST_CASE(a_query_is_a_list_of_parameters) {
  BOOST_TEST(
      (read_target("/?a=1&b=x+y%26z&&c&=d")->target.query
       == parameters{{"a", "1"}, {"b", "x y&z"}, {"c", ""}, {"", "d"}}));
  BOOST_TEST(
      (read_target("/?a=b=c&a={|}")->target.query == parameters{{"a", "b=c"}, {"a", "{|}"}}));
  BOOST_TEST((read_target("/?")->target.query == parameters{}));
}

BOOST_AUTO_TEST_CASE(the_absolute_form_is_taken_apart) {
  const auto read = read_target("http://shop.example:80?a=1");

  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->authority == "shop.example:80");
  BOOST_TEST(read->target.raw == "/?a=1");
  BOOST_TEST((read->target.query == parameters{{"a", "1"}}));
}

BOOST_AUTO_TEST_CASE(what_could_mean_two_things_is_refused) {
  for (const std::string_view bad :
       {"/..",
        "/a/../b",
        "/.",
        "/%2e%2e/etc",
        "/..;/manager",
        "/api/users/..;x=1",
        "/.;/a",
        "/%2e%2e;/manager",
        "/..%3b/manager",
        "//",
        "//api/admin",
        "/api//admin",
        "/api/admin//",
        "/%2E./",
        "/..%2fetc",
        "/a%2fb",
        "/a%5cb",
        "/a\\b",
        "/a%00",
        "/a%0d%0aSet-Cookie:x",
        "/a%7f",
        "/%c0%ae%c0%ae/",
        "/%ff",
        "/%",
        "/%2",
        "/%zz",
        "/a?b=%00",
        "/a?b=%c0%ae",
        "/a?b=%4",
        "/a#b",
        "/a?b#c",
        "/a<b>",
        "/a\"",
        "/{a}",
        "",
        "a",
        "?a=1",
        "a:443",
        "ftp://a/b",
        "//\x80",
        "http://",
        "http:///a"}) {
    BOOST_TEST(status_of(bad) == 400, bad);
  }
  BOOST_TEST(status_of("*") == 501);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::http
