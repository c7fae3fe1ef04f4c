#include "runtime/strangler/feature.hpp"

#include "runtime/strangler/flag_file.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

/// A feature whose flags come from a file, as no broker answers.
struct feature_fixture {
  feature_fixture()
      : folder{std::filesystem::temp_directory_path() / ("feature-" + std::to_string(::getpid()))} {
    options.name = "billing";
    options.by = *request_key::parse("{header.x-user}");
    options.override_field = "x-side";
    options.share = 10'000;
  }

  ~feature_fixture() { std::filesystem::remove_all(folder); }

  flag_follower flags_of(const flag_values& values) {
    BOOST_REQUIRE(keep_flags(path, values));
    return flags();
  }

  flag_follower flags() {
    return {
        [](std::string_view, const std::string&) -> outcome<std::string> {
          return failure{error{.code = errc::unavailable, .message = "no broker"}};
        },
        path,
        log};
  }

  static http::request asked_with(const std::string& field, const std::string& value) {
    http::request asked;
    asked.fields = {{field, value}};
    return asked;
  }

  std::filesystem::path folder;
  std::string path = (folder / "g1.flags").string();
  system_clock time;
  observe::event_log log{time, "g1", observe::log_format::json};
  feature_options options;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_strangler_feature, feature_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(the_flag_decides_where_it_was_set_and_the_topology_elsewhere) {
  const auto set = flags_of({{"billing", 0}});
  BOOST_TEST((feature{options, 0, set}.side_of({}, {}) == side::legacy));

  const auto others = flags_of({{"users", 0}});
  BOOST_TEST((feature{options, 0, others}.side_of({}, {}) == side::modern));
}

BOOST_AUTO_TEST_CASE(without_any_knowledge_nobody_answers) {
  const auto unknown = flags();
  const feature one{options, 0, unknown};

  BOOST_TEST(one.side_of({}, {}).error().code == "flags_unknown");
  BOOST_TEST(one.side_of({}, {}).error().status == 503);
  BOOST_TEST((one.side_of(asked_with("x-side", "legacy"), {}) == side::legacy));
}

BOOST_AUTO_TEST_CASE(the_override_field_decides_for_its_request) {
  const auto set = flags_of({{"billing", 0}});
  const feature one{options, 0, set};

  BOOST_TEST((one.side_of(asked_with("x-side", "modern"), {}) == side::modern));
  BOOST_TEST((one.side_of(asked_with("x-side", "legacy"), {}) == side::legacy));
  BOOST_TEST(one.side_of(asked_with("x-side", "both"), {}).error().status == 400);
  options.override_field.clear();
  BOOST_TEST(
      (feature{options, 0, set}.side_of(asked_with("x-side", "modern"), {}) == side::legacy));
}

BOOST_AUTO_TEST_CASE(a_share_goes_by_the_key) {
  const auto set = flags_of({{"billing", 5'000}});
  const feature one{options, 0, set};

  BOOST_TEST((one.side_of(asked_with("x-user", "user-0"), {}) == side::legacy));
  BOOST_TEST((one.side_of(asked_with("x-user", "user-5"), {}) == side::modern));
  BOOST_TEST((one.side_of({}, {}) == side::legacy));
}

BOOST_AUTO_TEST_CASE(what_reads_is_compared_by_sample_and_up_to_a_number) {
  const auto set = flags_of({});
  feature none{options, 0, set};
  BOOST_TEST(!none.begins_comparison(http::method::get));

  options.compare = compare_options{.sample = 0.25, .in_flight = 2};
  feature one{options, 0, set};
  BOOST_TEST(!one.begins_comparison(http::method::post));
  int begun = 0;
  for (int i = 0; i < 8; ++i) {
    begun += one.begins_comparison(http::method::get) ? 1 : 0;
  }
  BOOST_TEST(begun == 2);
  for (int i = 0; i < 4; ++i) {
    BOOST_TEST(!one.begins_comparison(http::method::get));
  }
  BOOST_TEST(one.counts().not_compared == 1U);
  one.end_comparison();
  for (int i = 0; i < 4; ++i) {
    begun += one.begins_comparison(http::method::head) ? 1 : 0;
  }
  BOOST_TEST(begun == 3);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
