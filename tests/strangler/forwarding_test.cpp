#include "runtime/strangler/forwarding.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

std::string text_of(const http::field_list& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    text += name + "=" + value + " ";
  }
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_strangler_forwarding, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(what_is_for_one_connection_stays_behind) {
  http::request asked;
  asked.fields = {
      {"host", "shop.example"},
      {"connection", "keep-alive, X-Hop"},
      {"keep-alive", "5"},
      {"te", "trailers"},
      {"trailer", "x"},
      {"transfer-encoding", "chunked"},
      {"upgrade", "websocket"},
      {"proxy-authorization", "secret"},
      {"x-hop", "1"},
      {"expect", "100-continue"},
      {"content-length", "3"},
      {"accept", "*/*"},
      {"cookie", "a=1"}};

  BOOST_TEST(
      text_of(forwarded_fields(asked, "192.0.2.7"))
      == "accept=*/* cookie=a=1 x-forwarded-for=192.0.2.7 x-forwarded-proto=http "
         "x-forwarded-host=shop.example via=1.1 troupe ");
}

BOOST_AUTO_TEST_CASE(a_client_says_nothing_in_the_name_of_the_gateway) {
  http::request asked;
  asked.fields = {
      {"x-forwarded-for", "127.0.0.1"},
      {"x_forwarded_for", "127.0.0.1"},
      {"x-forwarded-host", "evil"},
      {"forwarded", "for=127.0.0.1"},
      {"x-real-ip", "127.0.0.1"},
      {"proxy", "http://evil"},
      {"x-original-url", "/admin"},
      {"x-rewrite-url", "/admin"},
      {"x_forwarded_user", "admin"},
      {"x-forwarded-tls-client-cert", "x"},
      {"x-original-forwarded-for", "127.0.0.1"},
      {"true-client-ip", "127.0.0.1"},
      {"remote_user", "admin"},
      {"ssl-client-verify", "SUCCESS"},
      {"x-ssl-client-cert", "x"},
      {"x-envoy-external-address", "127.0.0.1"},
      {"front-end-https", "on"},
      {"content_length", "7"},
      {"via", "1.1 cdn"}};
  asked.peer.uses_tls = true;

  BOOST_TEST(
      text_of(forwarded_fields(asked, "192.0.2.7"))
      == "x-forwarded-for=192.0.2.7 x-forwarded-proto=https via=1.1 cdn, 1.1 troupe ");
}

// Whoever has the token is the service that it names.
BOOST_AUTO_TEST_CASE(a_service_token_is_for_the_gateway_alone) {
  http::request asked;
  asked.fields = {
      {"x-service-token", "eyJ"}, {"x_service_token", "eyJ"}, {"authorization", "Bearer x"}};

  BOOST_TEST(
      text_of(forwarded_fields(asked, "192.0.2.7"))
      == "authorization=Bearer x x-forwarded-for=192.0.2.7 x-forwarded-proto=http via=1.1 troupe ");
}

BOOST_AUTO_TEST_CASE(an_answer_loses_what_is_for_its_connection) {
  const base_url from = *base_url::parse("http://old:3002/app");
  http::response answer{
      302,
      {{"Date", "x"},
       {"Content-Length", "0"},
       {"Connection", "close, X-Hop"},
       {"X-Hop", "1"},
       {"Transfer-Encoding", "chunked"},
       {"Set-Cookie", "a=1"},
       {"Set-Cookie", "b=2"},
       {"Location", "http://old:3002/app/login"}}};

  BOOST_TEST(
      text_of(returned(answer, from)->fields) == "Set-Cookie=a=1 Set-Cookie=b=2 Location=/login ");
}

// A path that the client gets back is asked for behind the prefix again.
BOOST_AUTO_TEST_CASE(a_redirect_within_the_legacy_system_leads_there_from_outside) {
  const auto location = [](std::string value, const char* base = "http://old:3002/app") {
    http::response answer{302, {{"Location", std::move(value)}}};
    return returned(std::move(answer), *base_url::parse(base))->fields.front().second;
  };

  BOOST_TEST(location("/app/login") == "/login");
  BOOST_TEST(location("/app") == "/");
  BOOST_TEST(location("/app?x=1") == "/?x=1");
  BOOST_TEST(location("/apple") == "/apple");
  BOOST_TEST(location("login") == "login");
  BOOST_TEST(location("../app/login?next=/app/x") == "../app/login?next=/app/x");
  BOOST_TEST(location("//old:3002/app/login") == "/login");
  BOOST_TEST(location("HTTP://OLD:3002/app/login#x") == "/login#x");
  BOOST_TEST(location("http://old:3002") == "/");
  BOOST_TEST(location("http://old:3002?x") == "/?x");
  BOOST_TEST(location("http://old:80/app/login", "http://old/app") == "/login");
  BOOST_TEST(location("http://old/x", "http://old:80") == "/x");
  BOOST_TEST(location("http://[::1]/x", "http://[::1]:80") == "/x");
  for (const char* elsewhere :
       {"http://old:30021/app",
        "https://old:3002/app",
        "http://old.example/app",
        "//cdn.example/app",
        "http://old:3002@evil.example/app",
        "mailto:ann@old"}) {
    BOOST_TEST(location(elsewhere) == elsewhere);
  }
}

// Behind what is taken off there may be what names a host by itself.
BOOST_AUTO_TEST_CASE(a_redirect_within_the_legacy_system_never_leads_out_of_it) {
  const base_url from = *base_url::parse("http://old:3002/app");
  for (const std::string path : {"//evil.example", "/\\evil.example", "/\t/evil.example"}) {
    for (const char* before : {"/app", "http://old:3002", "http://old:3002/app"}) {
      http::response answer{302, {{"Location", before + path}}};
      BOOST_TEST(
          returned(std::move(answer), from)->fields.front().second == "/." + path, before + path);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_cookie_comes_back_under_the_path_that_is_asked_for) {
  const base_url from = *base_url::parse("http://old/app");
  const auto cookie = [&](std::string value) {
    http::response answer{200, {{"Set-Cookie", std::move(value)}}};
    return returned(std::move(answer), from)->fields.front().second;
  };

  BOOST_TEST(cookie("a=1; Path=/app; Secure") == "a=1; Path=/; Secure");
  BOOST_TEST(cookie("a=1;path = /app/x;Max-Age=5") == "a=1;path =/x;Max-Age=5");
  BOOST_TEST(cookie("a=1; Path=/app/") == "a=1; Path=/");
  for (const char* same :
       {"a=1; Path=/", "a=1; Path=/apple", "a=1", "Path=/app; Secure", "a=1; Path"}) {
    BOOST_TEST(cookie(same) == same);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_http_does_not_allow_is_not_passed_on) {
  const base_url from = *base_url::parse("http://old");
  for (const int status : {0, 99, 101, 199, 600, 999}) {
    BOOST_TEST(!returned({status, {}}, from), status);
  }
  BOOST_TEST(!returned({200, {{"x", "a\r\nSet-Cookie: b=2"}}}, from));
  BOOST_TEST(!returned({200, {{"x y", "a"}}}, from));
  BOOST_TEST(!returned({200, {{"", "a"}}}, from));
  BOOST_TEST(!returned({200, {{"x", std::string("\0", 1)}}}, from));
}

BOOST_AUTO_TEST_CASE(a_base_url_is_an_origin_and_a_prefix) {
  const auto parsed = [](std::string_view text) {
    const auto url = base_url::parse(text);
    return url ? url->origin + " " + url->prefix : "refused";
  };

  BOOST_TEST(parsed("http://127.0.0.1:3002") == "http://127.0.0.1:3002 ");
  BOOST_TEST(parsed("https://old.example/app/v1/") == "https://old.example /app/v1");
  BOOST_TEST(parsed("http://[::1]:80/") == "http://[::1]:80 ");
  for (const char* wrong :
       {"",
        "old:3002",
        "ftp://old",
        "file:///etc/passwd",
        "http://",
        "http://a@b",
        "http://a:b@c",
        "http://old:0",
        "http://old:65536",
        "http://old:",
        "http://old?x",
        "http://old/#x",
        "http://old/a b",
        "http://old//a",
        "http://[::1",
        "http://[]",
        "http://old/%2e",
        "HTTP://old"}) {
    BOOST_TEST(parsed(wrong) == "refused", wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
