#include "tests/supervision/group_bench.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

group_spec sound() {
  return {.policy = {}, .children = children_named("ab")};
}

std::string fault_of(const group_spec& spec) {
  const auto made = group_policy::make(spec, 1);
  BOOST_REQUIRE(!made);
  BOOST_TEST(name_of(made.error().code) == "invalid");
  return made.error().message;
}

bool mentions(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_supervision_group_spec, *utf::label("unit") * utf::timeout(30))

// S1: Troupe's own defaults (options), Erlang's for a child.
BOOST_AUTO_TEST_CASE(the_defaults_are_sound) {
  BOOST_TEST(group_policy::make(sound(), 1).has_value());
  BOOST_TEST((child_spec{}.when == restart::permanent));
  BOOST_TEST((options{}.on_failure == strategy::one_for_one));
}

// S2
BOOST_AUTO_TEST_CASE(a_group_without_children_is_sound) {
  BOOST_TEST(group_policy::make({}, 1).has_value());
}

// S2
BOOST_AUTO_TEST_CASE(an_id_used_twice_is_refused) {
  auto spec = sound();
  spec.children.push_back(child_named('a'));

  BOOST_TEST(mentions(fault_of(spec), "child id 1 is used twice (a)"));
}

// S2: intensity >= 0, period > 0.
BOOST_AUTO_TEST_CASE(a_policy_out_of_range_is_refused) {
  const auto faults_with = [](auto change) {
    auto spec = sound();
    change(spec);
    return fault_of(spec);
  };

  BOOST_TEST(
      mentions(faults_with([](group_spec& s) { s.policy.max_restarts = -1; }), "max_restarts"));
  BOOST_TEST(
      mentions(faults_with([](group_spec& s) { s.policy.max_restarts = 1'001; }), "max_restarts"));
  BOOST_TEST(mentions(faults_with([](group_spec& s) { s.policy.within = 0ms; }), "within"));
  BOOST_TEST(
      mentions(faults_with([](group_spec& s) { s.policy.backoff_min = -1ms; }), "backoff_min"));
  BOOST_TEST(mentions(
      faults_with([](group_spec& s) { s.policy.backoff_max = 10ms; }),
      "backoff_min must not be above backoff_max"));
  BOOST_TEST(mentions(faults_with([](group_spec& s) { s.policy.shutdown = -1ms; }), "shutdown"));
  BOOST_TEST(mentions(faults_with([](group_spec& s) { s.policy.cool_down = 0ms; }), "cool_down"));
  BOOST_TEST(mentions(faults_with([](group_spec& s) { s.policy.start = 0ms; }), "start"));
  BOOST_TEST(mentions(faults_with([](group_spec& s) { s.children[0].name.clear(); }), "name"));
  BOOST_TEST(mentions(
      faults_with([](group_spec& s) { s.children[1].shutdown = 2h; }), "shutdown of child b"));
}

// S2: intensity 0 is sound.
BOOST_AUTO_TEST_CASE(no_restart_at_all_is_sound) {
  auto spec = sound();
  spec.policy.max_restarts = 0;

  BOOST_TEST(group_policy::make(spec, 1).has_value());
}

// A person fixes a file once, not once per fault.
BOOST_AUTO_TEST_CASE(every_fault_is_said_at_once) {
  auto spec = sound();
  spec.policy.max_restarts = -1;
  spec.policy.within = 0ms;
  spec.children[1].id = spec.children[0].id;

  const auto said = fault_of(spec);

  BOOST_TEST(mentions(said, "max_restarts"));
  BOOST_TEST(mentions(said, "within"));
  BOOST_TEST(mentions(said, "used twice"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
