#include "runtime/observe/metrics_text.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

std::string sample_text(metrics_format format) {
  metrics_text text{format};
  text.counter("calls", "Calls.");
  text.sample({{"capability", "a\"b\\c\nd"}, {"node", "n1"}}, 7);
  text.gauge("depth", "Depth.");
  text.sample({}, 0);
  return text.finish();
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_observe_metrics_text, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(prometheus_names_a_counter_as_its_sample) {
  BOOST_TEST(
      sample_text(metrics_format::prometheus)
      == "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
         "calls_total{capability=\"a\\\"b\\\\c\\nd\",node=\"n1\"} 7\n"
         "# HELP depth Depth.\n# TYPE depth gauge\ndepth 0\n");
}

BOOST_AUTO_TEST_CASE(openmetrics_names_the_family_and_has_an_end) {
  BOOST_TEST(
      sample_text(metrics_format::openmetrics)
      == "# HELP calls Calls.\n# TYPE calls counter\n"
         "calls_total{capability=\"a\\\"b\\\\c\\nd\",node=\"n1\"} 7\n"
         "# HELP depth Depth.\n# TYPE depth gauge\ndepth 0\n# EOF\n");
}

BOOST_AUTO_TEST_CASE(a_histogram_is_cumulative_buckets_a_sum_in_seconds_and_a_count) {
  using namespace std::chrono_literals;
  histogram took;
  took.record(10us);
  took.record(11us);
  took.record(1h);
  metrics_text text{metrics_format::prometheus};
  text.histogram("took_seconds", "Times.");
  text.sample({{"capability", "users"}}, took);
  text.gauge("age_seconds", "Age.");
  text.sample({}, std::chrono::nanoseconds{1500ms});

  const std::string written = text.finish();

  BOOST_TEST(
      written.starts_with("# HELP took_seconds Times.\n# TYPE took_seconds histogram\n"
                          "took_seconds_bucket{capability=\"users\",le=\"1e-05\"} 1\n"
                          "took_seconds_bucket{capability=\"users\",le=\"2e-05\"} 2\n"
                          "took_seconds_bucket{capability=\"users\",le=\"4e-05\"} 2\n"),
      written);
  BOOST_TEST(
      written.ends_with("took_seconds_bucket{capability=\"users\",le=\"10.48576\"} 2\n"
                        "took_seconds_bucket{capability=\"users\",le=\"+Inf\"} 3\n"
                        "took_seconds_sum{capability=\"users\"} 3600.000021\n"
                        "took_seconds_count{capability=\"users\"} 3\n"
                        "# HELP age_seconds Age.\n# TYPE age_seconds gauge\nage_seconds 1.5\n"),
      written);
}

BOOST_AUTO_TEST_CASE(who_asks_chooses_the_format) {
  BOOST_TEST((format_for("*/*") == metrics_format::prometheus));
  BOOST_TEST(
      (format_for("application/openmetrics-text;version=1.0.0,*/*;q=0.1")
       == metrics_format::openmetrics));
  BOOST_TEST(
      (format_for("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5")
       == metrics_format::prometheus));
  BOOST_TEST((format_for("application/openmetrics-text;q=0") == metrics_format::prometheus));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::observe
