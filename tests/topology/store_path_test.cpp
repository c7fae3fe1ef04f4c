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

BOOST_AUTO_TEST_CASE(a_server_s_address_stays_as_it_is) {
  for (const auto* store :
       {"postgresql://db/shop",
        "postgresql://troupe@h1:5433,h2,h3:5432/shop",
        "postgresql:///shop?host=/run/postgresql&user=troupe",
        "postgresql://h1/shop?user=ann@server",
        "postgresql://[::1]:5433,[::1]/shop",
        "postgresql://h1/shop?sslmode=verify-full&sslrootcert=/etc/ca.pem"}) {
    BOOST_TEST_CONTEXT(store) {
      BOOST_TEST(!check_store(store).has_value());
      BOOST_TEST(store_for(store, {"orders"}, "folder").value() == store);
      BOOST_TEST(is_on_server(store));
      BOOST_TEST(check_is_file(store, "a file").has_value());
    }
  }
  BOOST_TEST(!is_on_server("sqlite:postgresql:"));
  BOOST_TEST(!check_is_file("sqlite:data/j.db", "a file").has_value());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_server_s_address_is_told) {
  const auto told = [](std::string_view store) {
    const auto wrong = check_store(store);
    BOOST_REQUIRE_MESSAGE(wrong.has_value(), store);
    BOOST_TEST(!wrong->remedy.empty());
    return wrong->what;
  };

  BOOST_TEST(
      told("postgres://db/shop") == "is not how the place of a PostgreSQL database is written");
  BOOST_TEST(
      told("postgresql:db/shop") == "is not how the place of a PostgreSQL database is written");
  BOOST_TEST(told("postgresql://db") == "names no database");
  BOOST_TEST(told("postgresql://db/") == "names no database");
  BOOST_TEST(told("postgresql://db/shop/orders") == "names no database");
  BOOST_TEST(told("postgresql:///shop") == "names no host");
  BOOST_TEST(told("postgresql://db/{capability}") == "has braces");
  BOOST_TEST(told("postgresql://ann:secret@db/shop") == "has a password in it");
  for (const auto* secret :
       {"postgresql://ann:secret@db/shop", "postgres://a:secret@db", "pg://a:secret@b"}) {
    BOOST_TEST(told_of_store(secret, "is wrong") == "is wrong");
  }
  BOOST_TEST(told_of_store("sqlite:", "is wrong") == "(`sqlite:`) is wrong");
  BOOST_TEST(told("postgresql://db/shop?password=secret") == "has a password in it");
  BOOST_TEST(told("postgresql://db:x/shop") == "has a port that is no number (or a password)");
  BOOST_TEST(
      told("postgresql://db/shop?options=-cfsync%3Doff")
      == "has the option `options`, which is none of how its server is reached");
}

// Its characters may be those that end a part of an address.
BOOST_AUTO_TEST_CASE(no_part_of_a_password_is_repeated) {
  for (const auto* store :
       {"postgresql://u:pa?ss@h/db",
        "postgresql://u:pa?ss=1@h/db",
        "postgresql://u:pa?ss&more@h/db",
        "postgresql://u:pa?sslmode=ss@h/db&ss",
        "postgresql://u:pa?s$s",
        "postgresql://u:pa?ss/@h/db",
        "postgresql://u:pa/ss@h/db",
        "postgresql://u:pa/ss@h",
        "postgresql://u:pa/@ss",
        "postgresql://u:pa#ss@h/db",
        "postgresql://u@x@ss:pa@h/db",
        "postgresql://u:pa/db",
        "postgresql://h1,u:pa/db"}) {
    BOOST_TEST_CONTEXT(store) {
      const auto wrong = check_store(store);
      BOOST_REQUIRE(wrong.has_value());
      for (const std::string& each : {told_of_store(store, wrong->what), wrong->remedy}) {
        const bool is_told =
            each.find("pa?") != std::string::npos || each.find(":pa") != std::string::npos
            || each.find("`ss") != std::string::npos || each.find("s$s") != std::string::npos
            || each.find("ss@") != std::string::npos;
        BOOST_TEST(!is_told, each);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
