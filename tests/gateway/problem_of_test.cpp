#include "runtime/gateway/problem_of.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::gateway {

BOOST_AUTO_TEST_SUITE(runtime_gateway_problem_of, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(each_code_has_its_status) {
  const std::vector<std::pair<errc, int>> table{
      {errc::rejected, 422},
      {errc::invalid, 400},
      {errc::conflict, 409},
      {errc::unknown_capability, 502},
      {errc::unknown_operation, 502},
      {errc::unauthenticated, 401},
      {errc::forbidden, 403},
      {errc::overloaded, 503},
      {errc::circuit_open, 503},
      {errc::unavailable, 503},
      {errc::deadline_exceeded, 504},
      {errc::crashed, 500},
      {errc::internal, 500}};

  for (const auto& [code, status] : table) {
    const auto made = problem_of({.code = code, .message = "m"}, uuid{});
    BOOST_TEST_CONTEXT(name_of(code)) {
      BOOST_TEST(made.status == status);
      BOOST_TEST(made.code == name_of(code));
      BOOST_TEST(made.detail == "m");
      const bool says_when =
          std::ranges::count(
              made.numbers, std::pair<std::string, std::int64_t>{"retry_after_ms", 1'000})
          == 1;
      BOOST_TEST(says_when == (status == 503));
    }
  }
}

BOOST_AUTO_TEST_CASE(clients_hear_nothing_of_databases_and_of_who_forced_a_breaker) {
  const auto told = [](errc code, std::vector<std::pair<std::string, std::string>> details) {
    return for_clients({.code = code, .message = "data/x.db", .details = std::move(details)})
        .message;
  };

  BOOST_TEST(
      told(errc::unavailable, {{"fault", "full"}})
      == "The operation is not possible at the moment.");
  BOOST_TEST(
      told(errc::circuit_open, {{"fault", "forced"}})
      == "The operation is not possible at the moment.");
  BOOST_TEST(
      told(errc::conflict, {{"fault", "constraint"}})
      == "The operation conflicts with stored data.");
  BOOST_TEST(
      told(errc::internal, {{"fault", "other"}}) == "The operation failed inside the system.");
  // A saga that was undone since a step could not be done.
  BOOST_TEST(
      told(errc::rejected, {{"fault", "shut"}, {"reason", "unavailable"}})
      == "The operation is not possible at the moment.");
  BOOST_TEST(
      told(errc::rejected, {{"reason", "compensate"}, {"fault", "ordered"}})
      == "The operation was cancelled by an operator.");
  // The business's own word.
  BOOST_TEST(
      told(errc::rejected, {{"fault", "engine"}, {"reason", "not_roadworthy"}}) == "data/x.db");
}

BOOST_AUTO_TEST_CASE(a_reused_id_and_a_reason_have_a_status_of_their_own) {
  const error reused{.code = errc::conflict, .message = {}, .details = {{"reason", "id_reused"}}};
  const error unknown = rejected("unknown_user", "There is no such user.");

  BOOST_TEST(problem_of(reused, uuid{}).status == 422);
  BOOST_TEST(problem_of(unknown, uuid{}, {{"unknown_user", 404}}).status == 404);
  BOOST_TEST(problem_of(unknown, uuid{}, {{"other", 404}}).status == 422);
}

BOOST_AUTO_TEST_CASE(a_problem_says_what_a_program_needs) {
  error why{
      .code = errc::overloaded,
      .possible = effect::unknown,
      .message = "full",
      .retry_after = std::chrono::milliseconds{250},
      .details = {
          {"reason", "queue"},
          {"effect", "forged"},
          {"status", "200"},
          {"retry_after_ms", "soon"}}};
  why.is_final = true;

  const std::string json =
      http::to_json(problem_of(why, *parse_uuid("018f3c1e-7a2b-7c3d-8e4f-5061728394a5")));

  BOOST_TEST(
      json
      == R"({"type":"about:blank","title":"Service Unavailable","status":503,"detail":"full",)"
         R"("code":"overloaded","effect":"unknown",)"
         R"("call_id":"018f3c1e-7a2b-7c3d-8e4f-5061728394a5","final":"true","reason":"queue",)"
         R"("number":8,"retry_after_ms":250})");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
