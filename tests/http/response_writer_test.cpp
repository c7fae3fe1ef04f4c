#include "runtime/http/response_writer.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

namespace utf = boost::unit_test;

namespace troupe::http {

namespace {

/// The example of RFC 9110, 5.6.7.
const wall_time long_ago = std::chrono::system_clock::from_time_t(784'111'777);

const answer_frame kept{.keeps_alive = true};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_http_response_writer, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(an_answer_has_a_date_a_length_and_its_fields) {
  BOOST_TEST(
      written_answer(with_body(200, "text/plain", "hello"), kept, long_ago)
      == "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
         "Content-Length: 5\r\n\r\nhello");
}

BOOST_AUTO_TEST_CASE(the_last_answer_says_so) {
  BOOST_TEST(has(written_answer({}, {}, long_ago), "\r\nConnection: close\r\n"));
  BOOST_TEST(
      has(written_answer({}, {.keeps_alive = true, .is_http_1_0 = true}, long_ago),
          "\r\nConnection: keep-alive\r\n"));
}

BOOST_AUTO_TEST_CASE(head_is_told_the_length_and_nothing_else) {
  const auto text =
      written_answer(with_body(200, "text/plain", "hello"), {.omits_body = true}, long_ago);

  BOOST_TEST(has(text, "Content-Length: 5\r\n"));
  BOOST_TEST(text.ends_with("\r\n\r\n"));
}

// Routes may refuse with any status of 4xx, and legacy systems answer with what they like.
BOOST_AUTO_TEST_CASE(each_known_status_has_its_phrase) {
  BOOST_TEST(phrase_of(206) == "Partial Content");
  BOOST_TEST(phrase_of(402) == "Payment Required");
  BOOST_TEST(phrase_of(416) == "Range Not Satisfiable");
  BOOST_TEST(phrase_of(423) == "Locked");
  BOOST_TEST(phrase_of(451) == "Unavailable For Legal Reasons");
  BOOST_TEST(phrase_of(507) == "Insufficient Storage");
  BOOST_TEST(phrase_of(499) == "Unknown");
}

BOOST_AUTO_TEST_CASE(an_answer_without_content_has_no_length) {
  for (const int status : {204, 304}) {
    const auto text = written_answer({status, {}, "lost"}, kept, long_ago);
    BOOST_TEST(!has(text, "Content-Length"));
    BOOST_TEST(text.ends_with("\r\n\r\n"));
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_would_break_the_message_becomes_500) {
  for (const response& bad :
       {response{200, {{"X", "a\r\nSet-Cookie: b"}}, ""},
        response{200, {{"X", "a\nb"}}, ""},
        response{200, {{"X", std::string{"a\0b", 3}}}, ""},
        response{200, {{"X y", "a"}}, ""},
        response{200, {{"", "a"}}, ""},
        response{200, {{"content-length", "3"}}, "abc"},
        response{200, {{"Transfer-Encoding", "chunked"}}, ""},
        response{101, {}, ""},
        response{600, {}, ""}}) {
    const auto text = written_answer(bad, {.framing = body_framing::chunked}, long_ago);
    BOOST_TEST(text.starts_with("HTTP/1.1 500 "));
    BOOST_TEST(has(text, "\"code\":\"malformed_answer\""));
    BOOST_TEST(!has(text, "Set-Cookie"));
  }
}

BOOST_AUTO_TEST_CASE(a_problem_is_an_object_of_rfc_9457) {
  const auto answer = to_response(
      {503,
       "overloaded",
       "try later \xff",
       {{"effect", "none"}},
       {{"number", 8}, {"retry_after_ms", 1'200}}});

  BOOST_TEST(find(answer.fields, "Content-Type").value_or("") == "application/problem+json");
  BOOST_TEST(find(answer.fields, "Retry-After").value_or("") == "2");
  BOOST_TEST(
      answer.body
      == "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
         "\"detail\":\"try later \xef\xbf\xbd\",\"code\":\"overloaded\",\"effect\":\"none\","
         "\"number\":8,\"retry_after_ms\":1200}\n");
}

BOOST_AUTO_TEST_CASE(a_chunk_has_its_size_in_hexadecimal) {
  BOOST_TEST(chunk_of(std::string(17, 'a')) == "11\r\n" + std::string(17, 'a') + "\r\n");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::http
