#include "runtime/http/request_gate.hpp"

#include "runtime/http/body_reader.hpp"
#include "runtime/http/head_scanner.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::http {

namespace {

/// What became of bytes that a peer sent: the status of the refusal, 200 for one whole request, 100
/// if more is needed.
struct passage {
  int status = 0;
  std::string code{};
  request_head head{};
  std::string body{};
  /// What is behind the request.
  std::string rest{};
};

passage refused(const problem& why) {
  return {.status = why.status, .code = why.code};
}

passage
pass(std::string bytes, const std::vector<std::string>& hosts = {}, const limits& most = {}) {
  head_scanner scanner{most};
  const auto head_bytes = scanner.scan(bytes);
  if (!head_bytes) {
    return refused(head_bytes.error());
  }
  if (*head_bytes == 0) {
    return {.status = 100};
  }
  const std::string head = bytes.substr(0, *head_bytes);
  auto told = read_head(head, most, hosts);
  if (!told) {
    return refused(told.error());
  }
  body_reader body{*told, most};
  bytes.erase(0, *head_bytes);
  const auto taken = body.read(bytes);
  if (!taken) {
    return refused(taken.error());
  }
  if (!body.is_complete()) {
    return {.status = 100};
  }
  return {200, "", *told, body.take(), bytes.substr(*taken)};
}

/// A GET with the fields `more`, each with its CRLF, beside Host.
std::string get(const std::string& more) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
}

std::string post(const std::string& more, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + more + "\r\n" + body;
}

std::string many_fields(std::size_t count) {
  std::string fields;
  for (std::size_t i = 0; i < count; ++i) {
    fields += "X-" + std::to_string(i) + ": 1\r\n";
  }
  return fields;
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) {
    text += part;
  }
  return text;
}

struct passage_case {
  std::string_view what;
  std::string bytes;
  int status;
};

const std::vector<passage_case> cases{
    // Which body a request has.
    {"a length and chunks",
     post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
     400},
    {"chunks and a length",
     post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"),
     400},
    {"two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400},
    {"one length twice", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
    {"a list of lengths", post("Content-Length: 3, 3\r\n", "abc"), 400},
    {"a signed length", post("Content-Length: +3\r\n", "abc"), 400},
    {"a negative length", post("Content-Length: -3\r\n", "abc"), 400},
    {"a hexadecimal length", post("Content-Length: 0x3\r\n", "abc"), 400},
    {"a length with space inside", post("Content-Length: 3 3\r\n", "abc"), 400},
    {"an empty length", post("Content-Length:\r\n", ""), 400},
    {"a length beyond 64 bits", post("Content-Length: 99999999999999999999999\r\n", ""), 413},
    {"a length above the limit", post("Content-Length: 1048577\r\n", ""), 413},
    {"a coding that only looks like chunked",
     post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
     400},
    {"identity", post("Transfer-Encoding: identity\r\n", ""), 400},
    {"chunked, then identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400},
    {"chunked and a comma", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), 400},
    {"a comma and chunked", post("Transfer-Encoding: , chunked\r\n", "0\r\n\r\n"), 400},
    {"chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400},
    {"two fields of codings",
     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
     400},
    {"gzip alone, as a transfer coding", post("Transfer-Encoding: gzip\r\n", ""), 400},
    {"gzip and a length", post("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n", "abc"), 400},
    {"gzip, then chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
    {"an empty coding", post("Transfer-Encoding:\r\n", ""), 400},
    {"a vertical tab before chunked",
     post(
         "Transfer-Encoding: \x0b"
         "chunked\r\n",
         "0\r\n\r\n"),
     400},
    {"chunks on HTTP/1.0",
     "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"a chunk of a negative size",
     post("Transfer-Encoding: chunked\r\n", "-2\r\nab\r\n0\r\n\r\n"),
     400},
    {"a chunk of no size", post("Transfer-Encoding: chunked\r\n", "\r\nab\r\n0\r\n\r\n"), 400},
    {"a chunk beyond 64 bits",
     post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nab\r\n0\r\n\r\n"),
     400},
    {"a chunk above the limit", post("Transfer-Encoding: chunked\r\n", "100001\r\nab"), 413},
    {"a chunk longer than it says",
     post("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n0\r\n\r\n"),
     400},
    {"a chunk of 2^64 bytes and two",
     post("Transfer-Encoding: chunked\r\n", "10000000000000002\r\nab\r\n0\r\n\r\n"),
     400},
    {"a chunk with a space behind its size",
     post("Transfer-Encoding: chunked\r\n", "2 \r\nab\r\n0\r\n\r\n"),
     400},
    {"a chunk with a prefix",
     post("Transfer-Encoding: chunked\r\n", "0x2\r\nab\r\n0\r\n\r\n"),
     400},
    {"a bare LF in an extension",
     post("Transfer-Encoding: chunked\r\n", "2;a\nb\r\nab\r\n0\r\n\r\n"),
     400},
    {"a NUL in an extension",
     post("Transfer-Encoding: chunked\r\n", std::string{"2;\0\r\nab\r\n0\r\n\r\n", 14}),
     400},
    {"a trailer that goes on in a second line",
     post("Transfer-Encoding: chunked\r\n", "0\r\nX: a\r\n b\r\n\r\n"),
     400},
    {"a trailer with a space in its name",
     post("Transfer-Encoding: chunked\r\n", "0\r\nX y: a\r\n\r\n"),
     400},
    {"a trailer with a space before its colon",
     post("Transfer-Encoding: chunked\r\n", "0\r\nX : a\r\n\r\n"),
     400},
    {"a trailer without a colon", post("Transfer-Encoding: chunked\r\n", "0\r\nX\r\n\r\n"), 400},
    {"a trailer without a name", post("Transfer-Encoding: chunked\r\n", "0\r\n: a\r\n\r\n"), 400},
    {"an extension without end",
     post("Transfer-Encoding: chunked\r\n", "1;" + std::string(20'000, 'a')),
     400},
    {"trailers without end",
     post("Transfer-Encoding: chunked\r\n", "0\r\nX: " + std::string(20'000, 'a')),
     400},
    {"a chunk with a bare LF", post("Transfer-Encoding: chunked\r\n", "2\nab\r\n0\r\n\r\n"), 400},
    {"a content coding", post("Content-Encoding: gzip\r\nContent-Length: 3\r\n", "abc"), 415},
    {"a content coding of chunks",
     post("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n"),
     415},
    // Lines.
    {"a bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
    {"bare LFs alone", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"a bare CR in a value", get("X: a\rb\r\n"), 400},
    {"a NUL in a value", get(std::string{"X: a\0b\r\n", 8}), 400},
    {"an escape character in a value", get("X: \x1b[2J\r\n"), 400},
    {"a space before the colon", get("X : a\r\n"), 400},
    {"a field without a name", get(": a\r\n"), 400},
    {"a field without a colon", get("X\r\n"), 400},
    {"a continued line", get("X: a\r\n b\r\n"), 400},
    {"a first field that continues nothing", "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400},
    {"an empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"one space too many", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"101 fields", "GET / HTTP/1.1\r\n" + many_fields(101) + "\r\n", 431},
    {"10,000 fields", get(many_fields(10'000)), 431},
    {"a field of 70 KiB", get("X: " + std::string(70 * 1'024, 'a') + "\r\n"), 431},
    {"a target of 9 KiB",
     "GET /" + std::string(9 * 1'024, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
     414},
    // Hosts.
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two Hosts", get("Host: a\r\n"), 400},
    {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"a Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
    {"a Host with a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
    {"a port of 17 bits", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400},
    {"a port of five nines", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400},
    {"a port with a sign", "GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n", 400},
    {"a port of six digits", "GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n", 400},
    {"the largest port", "GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", 200},
    {"a colon without port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 200},
    {"brackets without an address", "GET / HTTP/1.1\r\nHost: [:::::]\r\n\r\n", 400},
    {"an address with a zone", "GET / HTTP/1.1\r\nHost: [fe80::1%eth0]\r\n\r\n", 400},
    {"a name in brackets", "GET / HTTP/1.1\r\nHost: [a]\r\n\r\n", 400},
    {"another authority than Host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no Host on HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200},
    // Versions, methods, expectations.
    {"HTTP/0.9", "GET /\r\n\r\n", 400},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"a version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"a version with two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
    {"bytes of TLS", std::string{"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 11}, 400},
    {"a method in lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501},
    {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"a method that is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a Connection that is no list of tokens", get("Connection: a b\r\n"), 400},
    {"an unknown expectation", get("Expect: tea\r\n"), 417},
    {"options of the server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    // One thing said twice.
    {"two types of the content", post("Content-Type: a/b\r\nContent-Type: c/d\r\n", ""), 400},
    {"two origins", get("Origin: https://a\r\nOrigin: https://b\r\n"), 400},
    {"two last ids", get("Last-Event-ID: 1\r\nLAST-EVENT-ID: 2\r\n"), 400},
    {"two tokens", get("x-service-token: a\r\nx-service-token: b\r\n"), 400},
    {"two credentials", get("Authorization: a\r\nAuthorization: b\r\n"), 400},
    {"two lists", get("Prefer: wait=1\r\nPrefer: respond-async\r\n"), 200},
    // What is fine.
    {"the least", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200},
    {"a hundred fields", get(many_fields(99)), 200},
    {"an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200},
    {"the absolute form", "GET HTTP://A:80/b HTTP/1.1\r\nHost: a:80\r\n\r\n", 200},
    {"the absolute form with the usual port", "GET http://a:80/b HTTP/1.1\r\nHost: a\r\n\r\n", 200},
    {"a Host with the usual port", "GET https://a/b HTTP/1.1\r\nHost: a:443\r\n\r\n", 200},
    {"an authority with another port", "GET http://a:81/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"bytes above ASCII in a value", get("X: gr\xfc\xdf dich\r\n"), 200},
    {"chunks with extensions and trailers",
     post("Transfer-Encoding: Chunked\r\n", "2;a=b\r\nab\r\n0\r\nX: y\r\n\r\n"),
     200},
    {"a thousand chunks of one byte",
     post("Transfer-Encoding: chunked\r\n", repeated("1\r\na\r\n", 1'000) + "0\r\n\r\n"),
     200},
    {"a body that is not there yet", post("Content-Length: 3\r\n", "ab"), 100},
    {"a head that is not there yet", "GET / HTTP/1.1\r\nHost: a\r\n", 100},
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_http_request_gate, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(each_request_gets_its_status) {
  for (const passage_case& each : cases) {
    const passage found = pass(each.bytes);

    BOOST_TEST(found.status == each.status, each.what << ": " << found.status << " " << found.code);
  }
}

BOOST_AUTO_TEST_CASE(the_origin_is_found_whatever_else_is_wrong) {
  const std::string origin = "Origin: https://a\r\n";
  BOOST_TEST(origin_of(get(origin)) == "https://a");
  BOOST_TEST(origin_of(get("Content-Length: 3, 3\r\nX : a\r\n" + origin)) == "https://a");
  BOOST_TEST(origin_of("nonsense\r\n" + origin + "\r\n") == "https://a");
  BOOST_TEST(origin_of(get(origin + origin)).empty());
  BOOST_TEST(origin_of(get("")).empty());
  BOOST_TEST(origin_of("").empty());
}

BOOST_AUTO_TEST_CASE(a_head_is_found_and_refused_the_same_byte_by_byte) {
  for (const passage_case& each : cases) {
    head_scanner whole{{}};
    const auto at_once = whole.scan(each.bytes);
    head_scanner slow{{}};
    auto one_by_one = slow.scan("");
    for (std::size_t size = 1; one_by_one && *one_by_one == 0 && size <= each.bytes.size();
         ++size) {
      one_by_one = slow.scan(std::string_view{each.bytes}.substr(0, size));
    }

    BOOST_TEST(at_once.has_value() == one_by_one.has_value(), each.what);
    if (at_once && one_by_one) {
      BOOST_TEST(*at_once == *one_by_one, each.what);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_head_says_what_it_says) {
  const auto found = pass(
      post("Content-Type:  text/plain \r\nX-A: 1\r\nx-a:2\r\nContent-Length: 3\r\n", "abcGET "));

  BOOST_REQUIRE(found.status == 200);
  BOOST_TEST((found.head.method == method::post));
  BOOST_TEST(
      (found.head.fields
       == field_list{
           {"host", "a"},
           {"content-type", "text/plain"},
           {"x-a", "1"},
           {"x-a", "2"},
           {"content-length", "3"}}));
  BOOST_TEST(found.body == "abc");
  BOOST_TEST(found.rest == "GET ");
}

BOOST_AUTO_TEST_CASE(trailers_become_no_fields) {
  const auto found = pass(post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nHost: b\r\n\r\n"));

  BOOST_TEST(found.body == "a");
  BOOST_TEST(found.head.fields.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_connection_is_kept_as_its_version_says) {
  const auto keeps = [](const std::string& version, const std::string& more) {
    return pass("GET / HTTP/" + version + "\r\nHost: a\r\n" + more + "\r\n").head.keeps_alive;
  };

  BOOST_TEST(keeps("1.1", ""));
  BOOST_TEST(!keeps("1.1", "Connection: upgrade, Close\r\n"));
  BOOST_TEST(!keeps("1.0", ""));
  BOOST_TEST(keeps("1.0", "Connection: Keep-Alive\r\n"));
}

BOOST_AUTO_TEST_CASE(only_http_1_1_waits_for_100) {
  BOOST_TEST(pass(get("Expect: 100-Continue\r\n")).head.expects_continue);
  BOOST_TEST(!pass("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").head.expects_continue);
}

BOOST_AUTO_TEST_CASE(only_the_hosts_that_are_ours_are_answered) {
  const std::vector<std::string> ours{"localhost", "[::1]"};
  const auto status = [&](const std::string& host) {
    return pass("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", ours).status;
  };

  BOOST_TEST(status("LocalHost:9101") == 200);
  BOOST_TEST(status("[::1]:9101") == 200);
  BOOST_TEST(status("evil.example") == 421);
  BOOST_TEST(status("localhost.evil.example") == 421);
  // Probes of load balancers name none; a page in a browser cannot leave it out.
  BOOST_TEST(pass("GET / HTTP/1.0\r\n\r\n", ours).status == 200);
  BOOST_TEST(pass("GET http://evil.example/ HTTP/1.0\r\n\r\n", ours).status == 421);
  BOOST_TEST(pass("GET / HTTP/1.1\r\n\r\n", ours).status == 400);
}

BOOST_AUTO_TEST_CASE(a_limit_is_the_last_that_is_let_pass) {
  limits most;
  most.body_bytes_max = 4;
  BOOST_TEST(pass(post("Content-Length: 4\r\n", "abcd"), {}, most).status == 200);
  BOOST_TEST(pass(post("Content-Length: 5\r\n", "abcde"), {}, most).status == 413);
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  BOOST_TEST(pass(post(chunked, "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"), {}, most).status == 200);
  BOOST_TEST(pass(post(chunked, "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"), {}, most).status == 413);

  const std::string line = "GET /" + std::string(75, 'a') + " HTTP/1.1\r\n";
  most.request_line_bytes_max = line.size();
  BOOST_TEST(pass(line + "Host: a\r\n\r\n", {}, most).status == 200);
  most.request_line_bytes_max = line.size() - 1;
  BOOST_TEST(pass(line + "Host: a\r\n\r\n", {}, most).status == 414);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::http
