#include "topology/store_path.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

BOOST_AUTO_TEST_SUITE(topology_store_path, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(the_capability_is_filled_in_wherever_the_path_asks_for_it) {
  const capability_name orders{"orders"};

  BOOST_TEST(
      store_for("sqlite:data/{capability}.db", orders, "").value() == "sqlite:data/orders.db");
  BOOST_TEST(
      store_for("sqlite:{capability}/{capability}.db", orders, "").value()
      == "sqlite:orders/orders.db");
}

BOOST_AUTO_TEST_CASE(a_relative_path_starts_at_the_folder_and_an_absolute_one_stays) {
  const capability_name orders{"orders"};

  BOOST_TEST(store_for("sqlite:a.db", orders, "shops/one").value() == "sqlite:shops/one/a.db");
  BOOST_TEST(store_for("sqlite:../a.db", orders, "shops/one").value() == "sqlite:shops/a.db");
  BOOST_TEST(store_for("sqlite:/var/a.db", orders, "shops/one").value() == "sqlite:/var/a.db");
}

BOOST_AUTO_TEST_CASE(none_is_no_store) {
  BOOST_TEST(!check_store("none").has_value());
  BOOST_TEST(!store_for("none", capability_name{"orders"}, "").has_value());
}

BOOST_AUTO_TEST_CASE(what_names_no_file_is_refused) {
  for (const auto* store :
       {"",
        "data.db",
        "sqlite",
        "sqlite:",
        "sqlite:data/",
        "sqlite::memory:",
        "sqlite:a.db?mode=ro",
        "sqlite:{node}.db",
        "sqlite:{capability",
        "mysql://here/shop"}) {
    BOOST_TEST_CONTEXT(store) {
      const auto wrong = check_store(store);
      BOOST_REQUIRE(wrong.has_value());
      BOOST_TEST(!wrong->remedy.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(postgresql_is_refused_as_not_yet_there) {
  const auto wrong = check_store("postgresql://db/shop");

  BOOST_REQUIRE(wrong.has_value());
  BOOST_TEST(wrong->what.find("not in this release") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
