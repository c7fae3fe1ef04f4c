#include "tests/actors/actor_fixture.hpp"

namespace troupe::shop::test {

config_tree map_of(std::vector<config_tree::entry> entries) {
  config_tree tree{.is = config_tree::kind::map};
  tree.entries = std::move(entries);
  return tree;
}

config_tree scalar_of(std::string text) {
  return {.is = config_tree::kind::scalar, .text = std::move(text)};
}

actor_type type_named(const std::string& name) {
  const registry all{registered_types()};
  const actor_type* found = all.find(name);
  BOOST_REQUIRE(found != nullptr);
  return *found;
}

} // namespace troupe::shop::test
