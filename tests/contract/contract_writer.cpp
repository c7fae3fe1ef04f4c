// A consumer of a shop, as a program: writes its contracts into the folder it is given. Each
// matcher is an interaction of its own, GET /matchers/NAME.

#include "nodes/commands/contract/http_client.hpp"
#include "runtime/contract/consumer_pact.hpp"

#include <fmt/format.h>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace troupe;
using namespace troupe::contract;
using namespace std::chrono_literals;

constexpr auto an_id = "6fb0a1f6-3d6c-4c4e-9a11-1f0b0f0f0f0f";

struct confirmed {
  uuid order_id;
  std::string customer;
  std::int64_t amount_cents = 0;
};

TROUPE_MESSAGE(confirmed, order_id, customer, amount_cents)

struct user {
  std::string name;
  std::string email;
};

TROUPE_MESSAGE(user, name, email)

std::vector<std::pair<std::string, json>> matchers() {
  return {
      {"equality", exactly("same")},
      {"type", like("text")},
      {"number", number(1)},
      {"integer", integer(1)},
      {"decimal", decimal(1.5)},
      {"boolean", boolean(true)},
      {"null", null()},
      {"regex", matching("o\\d+", "o1")},
      {"include", including("da", "Ada")},
      {"uuid", some_uuid(an_id)},
      {"datetime", date_time("yyyy-MM-dd'T'HH:mm:ssX", "2026-11-29T10:00:00Z")},
      {"min", each_like({{"sku", like("a")}}, 2)},
      {"max", each_like(like(1), 1, 2)},
      {"nested", each_like({{"sku", matching("^[a-z]+$", "a")}})},
      {"containing", containing({{{"kind", "a"}, {"n", integer(1)}}})},
      {"each_value", each_value_like({{"ada", 1}})},
      {"each_key", each_key_matching("k\\d", {{"k1", "x"}})},
      {"plain", {{"a", 1}}}};
}

bool tell(const outcome<void>& done) {
  if (!done) {
    fmt::print(stderr, "{}\n", done.error().message);
  }
  return done.has_value();
}

/// Does over HTTP what was described; every path once.
bool ask_all(consumer_pact& pact, const std::vector<std::string>& paths) {
  const auto url = pact.url();
  if (!url) {
    return tell(failure{url.error()});
  }
  for (const std::string& each : paths) {
    if (const auto answer = send_http(*url, {"GET", each}, 20s); !answer) {
      return tell(failure{answer.error()});
    }
  }
  return tell(pact.finish());
}

bool write_http(const char* folder) {
  consumer_pact pact{"web", "shop", folder};
  pact.given("user exists", json{{"id", "123"}})
      .upon("a request for user 123")
      .request("GET", "/users/123")
      .will_respond(200)
      .body({{"id", "123"}, {"name", like("Ada")}, {"email", like("ada@shop.example")}});
  std::vector<std::string> paths{"/users/123"};
  for (auto& [name, example] : matchers()) {
    paths.push_back("/matchers/" + name);
    pact.upon("the matcher " + name)
        .request("GET", paths.back())
        .will_respond(200)
        .body({{"value", example}});
  }
  return ask_all(pact, paths);
}

bool write_event(const char* folder) {
  consumer_pact pact{"mailer", "shop", folder};
  pact.given("an order is confirmed")
      .upon("a confirmed order")
      .event(
          "order.confirmed",
          {{"order_id", some_uuid(an_id)},
           {"customer", like("ada")},
           {"amount_cents", integer(500)}});
  return tell(pact.deliver<confirmed>("a confirmed order", [](const confirmed&) {}))
         && tell(pact.finish());
}

bool write_call(const char* folder) {
  consumer_pact pact{"web", "users", folder};
  pact.given("user exists", json{{"email", "ada@shop.example"}})
      .upon("a registration")
      .call("users.register", {{"name", like("Bob")}, {"email", like("bob@shop.example")}})
      .will_reply({{"name", like("Bob")}, {"email", including("@", "bob@shop.example")}});
  const auto reply = pact.call<user>("users.register", user{"Bob", "bob@shop.example"});
  return tell(reply.map([](const user&) {})) && tell(pact.finish());
}

} // namespace

int main(int count, char** words) {
  return count == 2 && write_http(words[1]) && write_event(words[1]) && write_call(words[1]) ? 0
                                                                                             : 1;
}
