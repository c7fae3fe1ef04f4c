#include "runtime/strangler/legacy_client.hpp"

#include "tests/strangler/canned_server.hpp"

#include <boost/test/unit_test.hpp>

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

using namespace std::chrono_literals;

http::request request(http::method method, std::string target, std::string body = {}) {
  http::request made;
  made.method = method;
  made.target.raw = std::move(target);
  made.body = std::move(body);
  made.fields = {{"host", "shop.example"}, {"x-user", "ann"}, {"x-empty", ""}};
  return made;
}

/// A client of one system.
struct asking {
  explicit asking(const std::string& url, legacy_options how = {})
      : client{std::move(*legacy_client::start({{*base_url::parse(url), how}}, log))} {}

  std::future<legacy_answer> begin(const http::request& what, const char* who = "192.0.2.7") {
    auto told = std::make_shared<std::promise<legacy_answer>>();
    client->ask(0, what, who, [told](legacy_answer answer) { told->set_value(std::move(answer)); });
    return told->get_future();
  }

  legacy_answer ask(const http::request& what) { return begin(what).get(); }

  system_clock time;
  observe::event_log log{time, "g1", observe::log_format::json};

  std::unique_ptr<legacy_client> client; // Uses the log.
};

/// The problem with which the only request to a server with this answer ends: "STATUS CODE EFFECT".
std::string ending_of(
    const std::string& answer,
    http::method method = http::method::get,
    canned_server::after then = canned_server::after::close) {
  canned_server server{answer, then};
  const auto end =
      asking{server.url(), {.deadline = 20s, .answer_bytes_max = 1'024}}.ask(request(method, "/"));
  return end ? "answered"
             : std::to_string(end.error().status) + " " + end.error().code + " "
                   + end.error().texts.front().second;
}

} // namespace

BOOST_AUTO_TEST_SUITE(
    runtime_strangler_legacy_client, *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(a_request_goes_out_as_it_came_and_its_answer_comes_back) {
  canned_server server{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                       "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: "
                       "keep-alive\r\nX-A: 1\r\nx-a: \r\n\r\nok"};
  asking legacy{server.url() + "/old"};

  const auto answer = legacy.ask(request(http::method::post, "/api/a%2Fb/../c?x=%00&y=[1]", "{}"));

  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->status == 201);
  BOOST_TEST(answer->body == "ok");
  const http::field_list fields{{"X-A", "1"}, {"x-a", ""}};
  BOOST_TEST((answer->fields == fields));
  const std::string host = server.url().substr(7);
  BOOST_TEST(
      server.requests(1).front()
      == "POST /old/api/a%2Fb/../c?x=%00&y=[1] HTTP/1.1\r\nHost: " + host
             + "\r\nx-user: ann\r\nx-empty:\r\nx-forwarded-for: 192.0.2.7\r\nx-forwarded-proto: "
               "http\r\nx-forwarded-host: shop.example\r\nvia: 1.1 troupe\r\nContent-Length: "
               "2\r\n\r\n{}");
}

BOOST_AUTO_TEST_CASE(each_method_is_sent_as_itself) {
  canned_server server{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
  asking legacy{server.url()};
  const std::vector<std::pair<http::method, std::string>> all{
      {http::method::get, "GET"},
      {http::method::head, "GET"}, // So that the length of the body is known.
      {http::method::post, "POST"},
      {http::method::put, "PUT"},
      {http::method::patch, "PATCH"},
      {http::method::erase, "DELETE"},
      {http::method::options, "OPTIONS"}};

  for (const auto& each : all) {
    BOOST_TEST(legacy.ask(request(each.first, "/x")).has_value());
  }

  const auto requests = server.requests(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    BOOST_TEST(requests[i].starts_with(all[i].second + " /x HTTP/1.1\r\n"), requests[i]);
  }
}

BOOST_AUTO_TEST_CASE(a_redirect_is_an_answer_and_not_followed) {
  canned_server server{"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"};
  asking legacy{server.url()};

  BOOST_TEST(legacy.ask(request(http::method::get, "/"))->status == 302);
  BOOST_TEST(server.requests(1).size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_is_a_problem_that_says_whether_it_had_an_effect) {
  BOOST_TEST(ending_of("") == "502 legacy_broken none");
  BOOST_TEST(ending_of("", http::method::post) == "502 legacy_broken unknown");
  BOOST_TEST(ending_of("hello") == "502 legacy_broken none");
  BOOST_TEST(
      ending_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx") == "502 legacy_broken none");
  BOOST_TEST(
      ending_of("HTTP/1.1 200 OK\r\nA b: 1\r\nContent-Length: 0\r\n\r\n")
      == "502 legacy_broken none");
  BOOST_TEST(
      ending_of("HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\nContent-Length: 0\r\n\r\n")
      == "502 legacy_broken none");
  BOOST_TEST(
      ending_of("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", http::method::post)
      == "502 legacy_broken unknown");
  BOOST_TEST(
      ending_of("HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n" + std::string(1'025, 'x'))
      == "502 legacy_answer_too_large none");
  BOOST_TEST(
      ending_of("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n")
      == "502 legacy_answer_too_large none");
}

BOOST_AUTO_TEST_CASE(nobody_there_is_a_problem_without_effect) {
  std::string url;
  { url = canned_server{""}.url(); }
  const auto end = asking{url}.ask(request(http::method::post, "/"));

  BOOST_TEST(end.error().code == "legacy_unreachable");
  BOOST_TEST(end.error().texts.front().second == "none");
}

// Where it runs is nothing for its users.
BOOST_AUTO_TEST_CASE(a_problem_names_nothing_of_the_inside) {
  std::string url;
  { url = canned_server{""}.url(); }
  const auto words_of = [](const std::string& of, legacy_options how) {
    return asking{of, how}.ask(request(http::method::get, "/")).error().detail;
  };
  canned_server silent{""};
  canned_server odd{"hello", canned_server::after::close};

  for (const std::string& each :
       {words_of(url, {}), words_of(silent.url(), {.deadline = 50ms}), words_of(odd.url(), {})}) {
    BOOST_TEST(each.find("127.0.0.1") == std::string::npos, each);
    BOOST_TEST(each.find_first_of("0123456789") == std::string::npos, each);
  }
}

BOOST_AUTO_TEST_CASE(a_system_that_is_silent_ends_in_a_timeout) {
  canned_server server{""};
  asking legacy{server.url(), {.deadline = 50ms}};

  const auto end = legacy.ask(request(http::method::post, "/"));

  BOOST_TEST(end.error().status == 504);
  BOOST_TEST(end.error().code == "legacy_timeout");
}

// Kept connections are used again, but not by what must not happen twice: on one that the server
// has just closed libcurl would send it again.
BOOST_AUTO_TEST_CASE(only_what_may_be_repeated_goes_over_a_used_connection) {
  canned_server server{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
  asking legacy{server.url()};

  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(legacy.ask(request(http::method::get, "/")).has_value());
  }
  BOOST_TEST(server.connections() == 1U);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(legacy.ask(request(http::method::post, "/")).has_value());
  }
  BOOST_TEST(server.connections() == 4U);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_was_closed_is_no_failure) {
  canned_server server{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", canned_server::after::close};
  asking legacy{server.url()};

  for (int i = 0; i < 20; ++i) {
    const auto method = i % 2 == 0 ? http::method::get : http::method::post;
    BOOST_TEST(legacy.ask(request(method, "/")).has_value());
  }
  BOOST_TEST(server.requests(20).size() == 20U);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_and_what_waits_too_long_ends) {
  canned_server server{""};
  asking legacy{server.url(), {.deadline = 500ms, .connections = 1, .waiting = 2}};

  auto sent = legacy.begin(request(http::method::post, "/"));
  server.requests(1);
  auto waiting = legacy.begin(request(http::method::post, "/"));
  const auto refused = legacy.ask(request(http::method::post, "/"));

  BOOST_TEST(refused.error().status == 503);
  BOOST_TEST(refused.error().code == "legacy_overloaded");
  BOOST_TEST(refused.error().texts.front().second == "none");
  BOOST_TEST(sent.get().error().texts.front().second == "unknown");
  const auto late = waiting.get();
  BOOST_TEST(late.error().code == "legacy_timeout");
  BOOST_TEST(server.requests(1).size() <= 2U);
}

BOOST_AUTO_TEST_CASE(one_address_leaves_room_for_others) {
  canned_server server{""};
  asking legacy{server.url(), {.deadline = 500ms, .connections = 1, .waiting = 3}};
  const auto begin = [&](const char* who) {
    return legacy.begin(request(http::method::get, "/"), who);
  };

  auto first = begin("2001:db8::1");
  auto second = begin("2001:db8::2");
  const auto third = begin("2001:db8::3").get();
  auto other = begin("2001:db8:0:1::1");

  BOOST_TEST(third.error().code == "legacy_overloaded");
  for (auto* each : {&first, &second, &other}) {
    BOOST_TEST(each->get().error().code == "legacy_timeout");
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_ends_answers_all) {
  canned_server server{""};
  std::vector<std::future<legacy_answer>> ends;
  {
    asking legacy{server.url(), {.connections = 2}};
    for (int i = 0; i < 5; ++i) {
      ends.push_back(legacy.begin(request(http::method::get, "/")));
    }
    server.requests(2);
  }
  for (auto& each : ends) {
    BOOST_TEST(each.get().error().code == "stopping");
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
