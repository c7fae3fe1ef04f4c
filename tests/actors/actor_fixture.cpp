#include "tests/actors/actor_fixture.hpp"

#include "actors/shop.hpp"

namespace troupe::shop::test {

actor_type type_named(const std::string& name) {
  const registry all{shop_actor_types()};
  const actor_type* found = all.find(name);
  BOOST_REQUIRE(found != nullptr);
  return *found;
}

} // namespace troupe::shop::test
