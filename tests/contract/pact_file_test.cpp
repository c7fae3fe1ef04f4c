#include "runtime/contract/pact_file.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace utf = boost::unit_test;
using namespace troupe;
using namespace troupe::contract;

namespace {

json one(const char* description, int status) {
  return {
      {"type", "Synchronous/HTTP"},
      {"description", description},
      {"request", {{"method", "GET"}, {"path", "/"}}},
      {"response", {{"status", status}}}};
}

std::string file_with(json interaction) {
  return json{
      {"consumer", {{"name", "web"}}},
      {"provider", {{"name", "shop"}}},
      {"interactions", json::array({std::move(interaction)})},
      {"metadata", {{"pactSpecification", {{"version", "4.0"}}}}}}
      .dump();
}

std::string fault_of(const std::string& text) {
  const auto read = read_pact(text);
  return read ? "" : read.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(contract_pact_file, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_file_is_read) {
  auto interaction = one("a user", 200);
  interaction["providerStates"] = {{{"name", "user exists"}, {"params", {{"id", "123"}}}}};
  interaction["request"]["headers"] = {{"X-One", "a"}, {"X-Two", {"b", "c"}}};

  const auto read = read_pact(file_with(interaction));

  BOOST_REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().message));
  BOOST_TEST(read->consumer == "web");
  BOOST_REQUIRE(read->interactions.size() == 1);
  BOOST_TEST(title_of(read->interactions[0]) == "a user, given user exists");
  BOOST_TEST(read->interactions[0].states[0].params["id"] == "123");
  const auto& exchange = std::get<http_exchange>(read->interactions[0].what);
  BOOST_TEST(exchange.request.fields.at("X-Two").size() == 2);
}

BOOST_AUTO_TEST_CASE(binary_content_is_decoded) {
  auto interaction = one("a picture", 200);
  interaction["response"]["body"] = {
      {"contentType", "image/png"}, {"encoded", "base64"}, {"content", "iVBORw=="}};

  const auto read = read_pact(file_with(interaction));

  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(std::get<http_exchange>(read->interactions[0].what).response.body->bytes == "\x89PNG");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told_with_its_place) {
  auto no_status = one("a", 200);
  no_status["response"]["status"] = "200";
  auto odd_kind = one("a", 200);
  odd_kind["type"] = "Carrier/Pigeon";
  auto odd_rule = one("a", 200);
  odd_rule["response"]["matchingRules"] = {{"body", {{"$.a", {{"matchers", {{{"match", "x"}}}}}}}}};
  auto odd_part = one("a", 200);
  odd_part["response"]["matchingRules"] = {{"cookies", json::object()}};
  auto rules_in_text = one("a", 200);
  rules_in_text["response"]["body"] = {{"contentType", "text/xml"}, {"content", "<a/>"}};
  rules_in_text["response"]["matchingRules"] = {
      {"body", {{"$.a", {{"matchers", {{{"match", "type"}}}}}}}}};

  BOOST_TEST(fault_of("{").find("no JSON") != std::string::npos);
  BOOST_TEST(fault_of("{}") == "metadata.pactSpecification.version: is missing");
  BOOST_TEST(
      fault_of(R"({"metadata":{"pactSpecification":{"version":"2.0.0"}}})")
      == "metadata.pactSpecification.version: version 4 of Pact files is read, not `2.0.0`");
  BOOST_TEST(
      fault_of(file_with(no_status))
      == "interactions[0].response.status: a whole number is wanted");
  BOOST_TEST(
      fault_of(file_with(odd_kind))
      == "interactions[0].type: the kind `Carrier/Pigeon` of interaction is not known here");
  BOOST_TEST(
      fault_of(file_with(odd_rule)).find("interactions[0].response.matchingRules.body['$.a']")
      == 0);
  BOOST_TEST(
      fault_of(file_with(odd_part)).find("interactions[0].response.matchingRules.cookies") == 0);
  BOOST_TEST(fault_of(file_with(rules_in_text)).find("text/xml") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_order_of_tests_does_not_show_in_the_file) {
  const auto first = merged_pact("", "web", "shop", {one("a", 200)});
  const auto second = merged_pact("", "web", "shop", {one("b", 201)});
  BOOST_REQUIRE((first && second));

  const auto ab = merged_pact(*first, "web", "shop", {one("b", 201)});
  const auto ba = merged_pact(*second, "web", "shop", {one("a", 200)});

  BOOST_REQUIRE((ab && ba));
  BOOST_TEST(*ab == *ba);
  BOOST_TEST(merged_pact(*ab, "web", "shop", {one("a", 200)}).value() == *ab);
  BOOST_TEST(read_pact(*ab)->interactions.size() == 2);
}

BOOST_AUTO_TEST_CASE(what_this_program_does_not_know_stays_in_the_file) {
  auto commented = one("a", 200);
  commented["comments"] = {{"text", {"made by hand"}}};

  const auto merged = merged_pact(file_with(commented), "web", "shop", {one("b", 201)});

  BOOST_REQUIRE(merged.has_value());
  BOOST_TEST(merged->find("made by hand") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(two_that_contradict_each_other_are_refused) {
  const auto old = merged_pact("", "web", "shop", {one("a", 200)});

  const auto other = merged_pact(*old, "web", "shop", {one("a", 201)});
  const auto stranger = merged_pact(*old, "web", "bank", {one("a", 200)});

  BOOST_REQUIRE((!other && !stranger));
  BOOST_TEST((other.error().code == errc::conflict));
  BOOST_TEST((stranger.error().code == errc::invalid));
}

BOOST_AUTO_TEST_CASE(a_file_and_its_folder_are_made_and_a_refused_merge_leaves_it_alone) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("troupe-contract-" + std::to_string(::getpid()));
  const auto file = folder / "pacts" / "web-shop.json";
  const auto content_of = [&] {
    std::ifstream in{file};
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  };

  BOOST_TEST(merge_into_file(file, "web", "shop", {one("a", 200)}).has_value());
  BOOST_TEST(merge_into_file(file, "web", "shop", {one("b", 200)}).has_value());
  const std::string before = content_of();
  const auto refused = merge_into_file(file, "web", "shop", {one("a", 500)});

  BOOST_TEST(read_pact(before)->interactions.size() == 2);
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().message.find("web-shop.json") != std::string::npos);
  BOOST_TEST(content_of() == before);

  std::filesystem::remove(file);
  BOOST_REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  const auto pipe = merge_into_file(file, "web", "shop", {one("a", 200)});
  BOOST_REQUIRE(!pipe);
  BOOST_TEST(pipe.error().message.find("nobody writes into this pipe") != std::string::npos);
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_SUITE_END()
