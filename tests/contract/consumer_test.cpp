#include "nodes/commands/contract/http_client.hpp"
#include "runtime/contract/boost_test.hpp"
#include "runtime/contract/pact_file.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

namespace utf = boost::unit_test;
using namespace troupe;
using namespace troupe::contract;
using namespace std::chrono_literals;

namespace {

struct order_confirmed {
  uuid order_id;
  std::string customer;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(order_confirmed, order_id, customer, cents)

struct get_user {
  uuid user_id;
};

TROUPE_MESSAGE(get_user, user_id)

struct user {
  std::string name;
};

TROUPE_MESSAGE(user, name)

constexpr auto an_id = "6fb0a1f6-3d6c-4c4e-9a11-1f0b0f0f0f0f";

struct folder_fixture {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("troupe-consumer-" + std::to_string(::getpid()));

  ~folder_fixture() { std::filesystem::remove_all(folder); }

  std::string content_of(const consumer_pact& pact) const {
    std::ifstream in{pact.file()};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  /// What a consumer gets; of a status other than 200, that.
  static std::string
  get(const std::string& url,
      const std::string& path,
      const std::vector<std::pair<std::string, std::string>>& query = {}) {
    const auto answer = send_http(url, {"GET", path, query}, 20s);
    BOOST_REQUIRE_MESSAGE(answer.has_value(), (answer ? "" : answer.error().message));
    return answer->status == 200 ? answer->body
                                 : std::to_string(answer->status) + " " + answer->body;
  }

  static std::string url_of(consumer_pact& pact) {
    const auto url = pact.url();
    BOOST_REQUIRE_MESSAGE(url.has_value(), (url ? "" : url.error().message));
    return *url;
  }

  /// The guide's example.
  static void describe_user(consumer_pact& pact) {
    pact.given("user exists", {{"id", "123"}})
        .upon("a request for user 123")
        .request("GET", "/users/123")
        .will_respond(200)
        .body({{"id", "123"}, {"name", like("Ada")}, {"tags", each_like("x")}});
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    contract_consumer, folder_fixture, *utf::label("integration") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_contract_is_written_once_its_consumer_has_done_what_it_said) {
  consumer_pact pact{"web", "shop", folder};
  describe_user(pact);

  const json got = json::parse(get(url_of(pact), "/users/123"));
  const auto written = pact.finish();

  BOOST_REQUIRE_MESSAGE(written.has_value(), (written ? "" : written.error().message));
  BOOST_TEST(got["name"] == "Ada");
  const json file = json::parse(content_of(pact));
  const json& one = file["interactions"][0];
  BOOST_TEST(one["providerStates"][0]["name"] == "user exists");
  BOOST_TEST(one["response"]["body"]["content"]["tags"][0] == "x");
  BOOST_TEST(one["response"]["matchingRules"]["body"]["$.name"]["matchers"][0]["match"] == "type");
  BOOST_TEST(one["response"]["matchingRules"]["body"]["$.tags"]["matchers"][0]["min"] == 1);
  BOOST_TEST(read_pact(file.dump()).has_value());
}

BOOST_AUTO_TEST_CASE(nothing_is_written_of_a_request_that_was_not_made) {
  consumer_pact pact{"web", "shop", folder};
  describe_user(pact);

  url_of(pact);
  const auto written = pact.finish();

  BOOST_REQUIRE(!written);
  BOOST_TEST(written.error().message.find("did not take place") != std::string::npos);
  BOOST_TEST(!std::filesystem::exists(pact.file()));
}

BOOST_AUTO_TEST_CASE(a_request_that_nobody_spoke_of_is_told_with_its_differences) {
  consumer_pact pact{"web", "shop", folder};
  describe_user(pact);
  const std::string url = url_of(pact);

  get(url, "/users/123");
  const std::string stranger = get(url, "/users/124", {{"full", "1"}});
  const auto written = pact.finish();

  BOOST_TEST(stranger.substr(0, 4) == "500 ");
  BOOST_TEST(stranger.find("path: wanted \"/users/123\", got \"/users/124\"") != std::string::npos);
  BOOST_TEST(stranger.find("parameter full: is not expected") != std::string::npos);
  BOOST_TEST(!written);
  BOOST_TEST(!std::filesystem::exists(pact.file()));
}

BOOST_AUTO_TEST_CASE(an_event_is_handed_to_the_handler_as_its_message) {
  consumer_pact pact{"mailer", "shop", folder};
  pact.upon("a confirmed order")
      .event(
          "order.confirmed",
          {{"order_id", some_uuid(an_id)}, {"customer", like("ada")}, {"cents", integer(500)}});
  order_confirmed got;

  const auto delivered = pact.deliver<order_confirmed>(
      "a confirmed order", [&](const order_confirmed& event) { got = event; });

  BOOST_REQUIRE_MESSAGE(delivered.has_value(), (delivered ? "" : delivered.error().message));
  BOOST_TEST(to_string(got.order_id) == an_id);
  BOOST_TEST(got.cents == 500);
  BOOST_TEST(pact.finish().has_value());
  BOOST_TEST(
      json::parse(content_of(pact))["interactions"][0]["metadata"]["topic"] == "order.confirmed");
}

BOOST_AUTO_TEST_CASE(an_event_that_the_consumer_cannot_read_or_handle_leaves_no_contract) {
  consumer_pact pact{"mailer", "shop", folder};
  pact.upon("a confirmed order").event("order.confirmed", {{"order_id", "7"}, {"customer", "ada"}});
  consumer_pact refused{"mailer", "shop", folder};
  refused.upon("a user").event("user.registered", {{"name", "Ada"}});

  const auto unread = pact.deliver<order_confirmed>("a confirmed order", [](const auto&) {});
  const auto unhandled = refused.deliver<user>(
      "a user", [](const user&) -> outcome<void> { return failure{rejected("no", "no")}; });

  BOOST_TEST(!unread);
  BOOST_TEST(!unhandled);
  BOOST_TEST(!pact.finish());
  BOOST_TEST(!refused.finish());
  BOOST_TEST(!std::filesystem::exists(pact.file()));
}

BOOST_AUTO_TEST_CASE(a_call_is_answered_as_was_described_and_any_other_is_told) {
  consumer_pact pact{"web", "users", folder};
  pact.given("user exists")
      .upon("a call for a user")
      .call("users.get", {{"user_id", some_uuid(an_id)}})
      .will_reply({{"name", like("Ada")}});

  const auto got = pact.call<user>("users.get", get_user{parse_uuid(an_id).value()});
  BOOST_TEST(pact.finish().has_value());
  const auto stranger = pact.call<user>("users.get", user{"x"});

  BOOST_REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
  BOOST_TEST(got->name == "Ada");
  BOOST_REQUIRE(!stranger);
  BOOST_TEST(stranger.error().message.find("$.user_id: is missing") != std::string::npos);
  BOOST_TEST(!pact.finish());
}

BOOST_AUTO_TEST_CASE(a_case_of_boost_test_writes_by_itself) {
  const auto file = folder / "web-shop.json";
  {
    test_pact pact{"web", "shop", folder};
    describe_user(pact);
    get(url_of(pact), "/users/123");
    BOOST_TEST(!std::filesystem::exists(file));
  }

  BOOST_TEST(std::filesystem::exists(file));
}

BOOST_AUTO_TEST_CASE(a_case_that_throws_writes_nothing) {
  const auto file = folder / "web-shop.json";
  try {
    test_pact pact{"web", "shop", folder};
    describe_user(pact);
    get(url_of(pact), "/users/123");
    throw std::runtime_error{"the consumer is broken"};
  } catch (const std::runtime_error&) {
  }

  BOOST_TEST(!std::filesystem::exists(file));
}

BOOST_AUTO_TEST_CASE(each_kind_of_example_has_its_rule) {
  const auto made = split(
      {{"a", like({{"b", 1}, {"c", exactly("d")}})},
       {"l", each_like({{"n", integer(1)}}, 2, 5)},
       {"m", each_key_matching("^k", {{"k1", decimal(1.5)}})},
       {"v", each_value_like({{"x", 1}})},
       {"some", containing({{{"n", integer(1)}}, "x"})},
       {"plain", {1, boolean(true), null()}},
       {"unit price", number(1)},
       {"at", date_time("yyyy-MM-dd", "2026-11-29")},
       {"s", including("a", "Ada")}});

  BOOST_TEST(
      made.content == json::parse(R"({"a":{"b":1,"c":"d"},"at":"2026-11-29","l":[{"n":1},{"n":1}],
      "m":{"k1":1.5},"plain":[1,true,null],"s":"Ada","some":[{"n":1},"x"],"unit price":1,"v":{"x":1}})"));
  BOOST_TEST(
      made.rules["$.l"]["matchers"][0] == json::parse(R"({"match":"type","min":2,"max":5})"));
  BOOST_TEST(made.rules["$.l[*].n"]["matchers"][0]["match"] == "integer");
  BOOST_TEST(made.rules["$.m.*"]["matchers"][0]["match"] == "decimal");
  BOOST_TEST(made.rules["$['unit price']"]["matchers"][0]["match"] == "number");
  BOOST_TEST(
      made.rules["$.some"]["matchers"][0]["variants"][0]["rules"]["$.n"]["matchers"][0]["match"]
      == "integer");
  BOOST_TEST(made.rules["$.plain[1]"]["matchers"][0]["match"] == "boolean");
  BOOST_TEST(!made.rules.contains("$.plain[0]"));
}

BOOST_AUTO_TEST_SUITE_END()
