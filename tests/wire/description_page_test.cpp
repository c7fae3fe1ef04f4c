#include "runtime/wire/description_page.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

constexpr std::size_t plenty = 1U << 20U;

std::vector<capability_description> shop() {
  return {
      {"users", {}, {.actor = "users"}},
      {"notes", {"note.*"}, {.actor = "notes"}},
      {"orders", {}, {.actor = "orders"}}};
}

std::string names_of(const description_page& page) {
  std::string names;
  for (const capability_description& each : page.capabilities) {
    names += each.capability + " ";
  }
  return names + page.next.value_or("");
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_description_page, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(descriptions_come_by_name) {
  BOOST_TEST(names_of(page_of(shop(), {}, plenty)) == "notes orders users ");
  BOOST_TEST(names_of(page_of(shop(), {.after = "notes"}, plenty)) == "orders users ");
  BOOST_TEST(names_of(page_of(shop(), {.after = "users"}, plenty)) == "");
}

BOOST_AUTO_TEST_CASE(one_can_be_asked_for) {
  BOOST_TEST(names_of(page_of(shop(), {.capability = "orders"}, plenty)) == "orders ");
  BOOST_TEST(names_of(page_of(shop(), {.capability = "order"}, plenty)) == "");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_comes_with_the_next_page) {
  const std::size_t one = 1'024 + encoded(shop()[1]).size();

  BOOST_TEST(names_of(page_of(shop(), {}, 0)) == "notes notes");
  BOOST_TEST(names_of(page_of(shop(), {}, one)) == "notes notes");
  BOOST_TEST(names_of(page_of(shop(), {.after = "notes"}, plenty)) == "orders users ");
  BOOST_TEST(names_of(page_of(shop(), {.after = "orders"}, 0)) == "users ");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire
