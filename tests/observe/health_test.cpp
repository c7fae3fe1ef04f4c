#include "runtime/observe/health.hpp"

#include "runtime/observe/loop_question.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

using namespace std::chrono_literals;

const health good{"", {{"journal", ""}}};
const health warning{"", {{"journal", ""}, {"broker.b1", "away"}}};
const health unready{"it is being drained", {{"journal", ""}}};

std::string told(const health& of, health_words words = health_words::plain) {
  return to_json(of, 1'234'567ns, words, wall_time{1s});
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_observe_health, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told_with_its_check) {
  BOOST_TEST(
      told(warning)
      == R"({"status":"unhealthy","checks":{"journal":{"status":"healthy","responseTime":1.235},)"
         R"("broker.b1":{"status":"unhealthy","responseTime":1.235,"error":"away"}},)"
         R"("timestamp":"1970-01-01T00:00:01.000Z"})");
}

BOOST_AUTO_TEST_CASE(a_node_that_is_not_ready_is_not_healthy) {
  BOOST_TEST(!unready.is_healthy());
  BOOST_TEST(told(unready).starts_with(R"({"status":"unhealthy")"));
  BOOST_TEST(told(good).starts_with(R"({"status":"healthy")"));
}

BOOST_AUTO_TEST_CASE(the_standard_words_know_a_warning) {
  BOOST_TEST(told(good, health_words::standard).starts_with(R"({"status":"pass")"));
  BOOST_TEST(told(warning, health_words::standard).starts_with(R"({"status":"warn")"));
  BOOST_TEST(told(unready, health_words::standard).starts_with(R"({"status":"fail")"));
  BOOST_TEST(told(not_live(800ms), health_words::standard).starts_with(R"({"status":"fail")"));
}

BOOST_AUTO_TEST_CASE(the_standard_form_is_that_of_the_draft) {
  BOOST_TEST(
      told(warning, health_words::standard)
      == R"({"status":"warn","checks":{)"
         R"("journal":[{"status":"pass","observedValue":1.235,"observedUnit":"ms"}],)"
         R"("broker.b1":[{"status":"fail","observedValue":1.235,"observedUnit":"ms",)"
         R"("output":"away"}]},"timestamp":"1970-01-01T00:00:01.000Z"})");
  BOOST_TEST(told(unready, health_words::standard)
                 .starts_with(R"({"status":"fail","output":"it is being drained","checks")"));
}

// Whoever reads the standard takes 503 for a failure, whatever the word is.
BOOST_AUTO_TEST_CASE(a_warning_is_no_failure) {
  BOOST_TEST(status_of(good, health_words::standard) == 200);
  BOOST_TEST(status_of(warning, health_words::standard) == 200);
  BOOST_TEST(status_of(unready, health_words::standard) == 503);
  BOOST_TEST(status_of(warning, health_words::plain) == 503);
  BOOST_TEST(status_of(good, health_words::plain) == 200);
}

BOOST_AUTO_TEST_CASE(a_question_is_answered_once_to_all_who_ask) {
  loop_question<int> asked;
  int made = 0;
  int heard = 0;
  const auto make = [&] { return ++made; };

  asked.answer(make);
  BOOST_TEST(made == 0);
  for (int i = 0; i < 2; ++i) {
    asked.ask([&heard](int answer) { heard += answer; });
  }
  BOOST_TEST(asked.is_asked());
  asked.answer(make);
  asked.answer(make);

  BOOST_TEST(made == 1);
  BOOST_TEST(heard == 2);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::observe
