#include "runtime/actor/registry.hpp"

#include <boost/test/unit_test.hpp>

#include <array>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

struct question {};

TROUPE_MESSAGE(question)

struct door_options {
  std::string key = "under the mat";
};

TROUPE_MESSAGE(door_options, key)

std::optional<config_problem> problem_of(const door_options& options) {
  return options.key.empty() ? std::optional{config_problem{"`key` is empty", "name one"}}
                             : std::nullopt;
}

/// Opens something in its constructor, but not in a trial.
class door final : public actor {
public:
  explicit door(const context& context) {
    trials += context.is_trial ? 1 : 0;
    opened += context.is_trial ? 0 : 1;
    BOOST_TEST(context.config<door_options>().key == "under the mat");
    command("knock", [](const question& asked, turn&) { return asked; });
    query("is_open", [](const question& asked) { return asked; });
    on("bell.*", [](const question&, turn&) {});
  }

  static inline int trials = 0;
  static inline int opened = 0;
};

/// Cannot be made without its config.
class demanding final : public actor {
public:
  explicit demanding(const context&) { throw std::runtime_error{"no url"}; }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_actor_registry, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_type_answers_and_hears_what_its_actor_declares) {
  const std::vector<std::string> operations{"knock", "is_open"};
  const std::vector<std::string> events{"bell.*"};

  const auto type = type_of<door, door_options>("door");

  BOOST_TEST(type.operations == operations, boost::test_tools::per_element());
  BOOST_TEST(type.events == events, boost::test_tools::per_element());
  BOOST_TEST(door::trials == 1);
  BOOST_TEST(door::opened == 0);
}

BOOST_AUTO_TEST_CASE(a_type_whose_actor_cannot_be_tried_is_refused_by_name) {
  const auto names_it = [](const std::logic_error& thrown) {
    const std::string what = thrown.what();
    return what.find("`demanding`") != std::string::npos
           && what.find("no url") != std::string::npos;
  };

  BOOST_CHECK_EXCEPTION(type_of<demanding>("demanding"), std::logic_error, names_it);
}

BOOST_AUTO_TEST_CASE(a_config_of_the_right_types_may_still_have_a_problem) {
  config_tree tree{.is = config_tree::kind::map, .at = {3, 5}};
  tree.entries.push_back({"key", {3, 6}, {.is = config_tree::kind::scalar, .at = {3, 11}}});
  std::vector<fault> faults;

  type_of<door, door_options>("door").check_config(tree, faults);

  BOOST_REQUIRE(faults.size() == 1U);
  BOOST_TEST(faults[0].what == "`key` is empty");
  BOOST_TEST((faults[0].at == file_position{3, 5}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
