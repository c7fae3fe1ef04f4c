// Tests of three consumers of the shop: a web page, an invoice printer and a back office. Each test
// records what its consumer relies on: its contract with the shop.

#include "runtime/contract/boost_test.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <curl/curl.h>
#include <filesystem>
#include <string>

namespace {

using namespace troupe::contract;
using nlohmann::json;

constexpr auto ada = "01a206c0-b8fa-7000-8001-65c2ec9e316f";
constexpr auto nobody = "01a206c0-b8fa-7000-8001-000000000000";

std::filesystem::path folder() {
  const char* const given = std::getenv("PACTS");
  return given == nullptr ? "pacts" : given;
}

/// Deletes the contracts of an earlier run: a contract contains what one run of all tests relies
/// on.
struct fresh_contracts {
  fresh_contracts() {
    for (const char* file : {"web-shop.json", "invoices-shop.json", "office-shop.json"}) {
      std::filesystem::remove(folder() / file);
    }
  }
};

BOOST_TEST_GLOBAL_FIXTURE(fresh_contracts);

// The consumers.

std::size_t take(char* from, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(from, size * count);
  return size * count;
}

/// The web page's greeting, over HTTP.
std::string greeting(const std::string& shop, const std::string& user) {
  std::string body;
  CURL* const handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_URL, (shop + "/api/users/" + user).c_str());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, 20L);
  BOOST_REQUIRE(curl_easy_perform(handle) == CURLE_OK);
  curl_easy_cleanup(handle);
  const json read = json::parse(body);
  return read.value("reason", "") == "unknown_user" ? "Who are you?"
                                                    : "Hello " + read["name"].get<std::string>();
}

/// A confirmed order as needed for invoices: some fields of the event.
struct confirmed_order {
  troupe::uuid order_id;
  std::string customer;
  std::int64_t amount_cents = 0;
};

TROUPE_MESSAGE(confirmed_order, order_id, customer, amount_cents)

std::string invoice(const confirmed_order& order) {
  return order.customer + " owes " + std::to_string(order.amount_cents) + " cents";
}

struct get_user {
  troupe::uuid user_id;
};

TROUPE_MESSAGE(get_user, user_id)

struct user {
  std::string email;
};

TROUPE_MESSAGE(user, email)

} // namespace

BOOST_AUTO_TEST_CASE(the_page_greets_a_user_by_name) {
  test_pact shop{"web", "shop", folder()};
  shop.given("user exists", {{"id", ada}, {"name", "Ada"}})
      .upon("a request for a user")
      .request("GET", std::string{"/api/users/"} + ada)
      .will_respond(200)
      .body({{"user_id", ada}, {"name", like("Ada")}});

  BOOST_TEST(greeting(shop.url().value(), ada) == "Hello Ada");
}

BOOST_AUTO_TEST_CASE(the_page_asks_a_stranger_who_they_are) {
  test_pact shop{"web", "shop", folder()};
  shop.upon("a request for a user that is not there")
      .request("GET", std::string{"/api/users/"} + nobody)
      .will_respond(404)
      .field("Content-Type", "application/problem+json")
      .body({{"code", "rejected"}, {"reason", "unknown_user"}});

  BOOST_TEST(greeting(shop.url().value(), nobody) == "Who are you?");
}

BOOST_AUTO_TEST_CASE(a_confirmed_order_becomes_an_invoice) {
  test_pact shop{"invoices", "shop", folder()};
  shop.given("an order of 5 euros is confirmed")
      .upon("a confirmed order")
      .event(
          "order.confirmed",
          {{"order_id", some_uuid(ada)}, {"customer", like("ada")}, {"amount_cents", 500}});

  const auto delivered = shop.deliver<confirmed_order>("a confirmed order", [](const auto& order) {
    BOOST_TEST(invoice(order) == "ada owes 500 cents");
  });
  BOOST_TEST(delivered.has_value());
}

BOOST_AUTO_TEST_CASE(the_office_finds_the_address_of_a_user) {
  test_pact shop{"office", "shop", folder()};
  shop.given("user exists", {{"id", ada}, {"name", "Ada"}})
      .upon("a call for a user")
      .call("users.get", {{"user_id", ada}})
      .will_reply({{"email", matching(".+@.+", "ada@shop.example")}});

  const auto got = shop.call<user>("users.get", get_user{troupe::parse_uuid(ada).value()});
  BOOST_TEST(got.value().email == "ada@shop.example");
}
