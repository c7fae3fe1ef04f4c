#include "runtime/gateway/server/token_route.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;

/// Answers all.
class open_route final : public route_handler {
public:
  void handle(route_request, const http::responder& answers) override {
    answers.respond(http::response{.status = 200});
  }
};

class noting_exchange final : public http::exchange {
public:
  explicit noting_exchange(http::response& to) : to_{to} {}

  bool respond(http::response answer) override {
    to_ = std::move(answer);
    return true;
  }

  http::stream open_stream(http::response, http::stream_listener) override { std::abort(); }

private:
  http::response& to_;
};

struct token_fixture {
  std::string token(std::string service) const {
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::seconds>(time.wall().time_since_epoch()).count();
    return security::write_token(
        {.service = std::move(service),
         .issuer = "shop",
         .audience = "shop",
         .issued = now,
         .expires = now + 600,
         .id = "0190-1"},
        *keys.signing());
  }

  /// With the signature of another token: the right form, and a key that there is.
  std::string forged(int number) const {
    const std::string good = token("billing");
    const std::string other = token("b" + std::to_string(number));
    return other.substr(0, other.rfind('.')) + good.substr(good.rfind('.'));
  }

  int ask(std::string shown, const char* from = "192.0.2.7") {
    route_request request;
    request.asked.peer.host = from;
    request.asked.fields = {{"x-service-token", std::move(shown)}};
    route.handle(std::move(request), http::responder{std::make_shared<noting_exchange>(answer)});
    return answer.status;
  }

  manual_clock time;
  security::token_keys keys = security::token_keys::make(security::token_algorithm::ed25519);
  security::checked_tokens tokens{keys, {.issuer = "shop", .audience = "shop"}};
  token_audit refusals{[](const auto&) {}};
  http::response answer;
  token_route route{{tokens, refusals, time}, "GET /count", std::make_unique<open_route>()};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_gateway_token_route, token_fixture, *utf::label("unit") * utf::timeout(30))

// Each costs a look at a signature, on the thread of all routes; `kid` is known to everybody.
BOOST_AUTO_TEST_CASE(whoever_shows_wrong_signatures_waits) {
  BOOST_TEST(ask(token("billing")) == 200);
  const std::string known = token("billing");
  for (int i = 0; i < 10; ++i) {
    BOOST_TEST(ask(forged(i)) == 403);
  }

  BOOST_TEST(ask(forged(10)) == 429);
  BOOST_TEST(answer.body.find("too_many_bad_tokens") != std::string::npos, answer.body);
  BOOST_TEST(ask(token("shipping")) == 429); // Nobody knows it yet.
  BOOST_TEST(ask(known) == 200);
  BOOST_TEST(ask(forged(10), "192.0.2.8") == 403);
  time.advance(100ms);
  BOOST_TEST(ask(forged(10)) == 403);
  BOOST_TEST(ask(forged(11)) == 429);
  time.advance(1s);
  BOOST_TEST(ask(token("shipping")) == 200);
}

// Finding that out costs nothing, and services whose time is over are no strangers.
BOOST_AUTO_TEST_CASE(other_bad_tokens_are_refused_at_once_and_cost_no_wait) {
  const std::string expired = token("billing");
  time.advance(std::chrono::hours{1});
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST(ask(i % 2 == 0 ? "x" : expired) == 403);
  }
  BOOST_TEST(ask(token("billing")) == 200);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
