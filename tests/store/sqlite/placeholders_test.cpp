#include "runtime/store/sqlite/placeholders.hpp"

#include "runtime/store/database.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct rewritten {
  std::string sql;
  int parameters;
};

rewritten rewrite(std::string sql) {
  const auto count = rewrite_placeholders(sql);
  return {sql, count};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_placeholders, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(numbers_keep_their_place_and_may_repeat) {
  const auto found = rewrite("UPDATE t SET a = $2, b = $1 WHERE a = $2 AND c > $10 OR d IN "
                             "($3,$4,$5,$6,$7,$8,$9)");

  BOOST_TEST(
      found.sql
      == "UPDATE t SET a = ?2, b = ?1 WHERE a = ?2 AND c > ?10 OR d IN (?3,?4,?5,?6,?7,?8,?9)");
  BOOST_TEST(found.parameters == 10);
}

BOOST_AUTO_TEST_CASE(literals_names_and_comments_are_left_alone) {
  const std::string sql =
      "SELECT '$1 ''$2''', \"a$3\", b$4 -- $5 ?\n/* $6 : */ FROM t WHERE x = $1";

  const auto found = rewrite(sql);

  BOOST_TEST(found.sql == sql.substr(0, sql.size() - 2) + "?1");
  BOOST_TEST(found.parameters == 1);
}

BOOST_AUTO_TEST_CASE(a_statement_without_placeholders_has_none) {
  BOOST_TEST(rewrite("SELECT 1").parameters == 0);
  BOOST_TEST(rewrite("").parameters == 0);
  BOOST_TEST(rewrite("SELECT 'unclosed $1").parameters == 0);
}

BOOST_AUTO_TEST_CASE(gaps_and_other_styles_are_refused) {
  for (const auto* sql :
       {"SELECT $2",
        "SELECT $1, $3",
        "SELECT $0",
        "SELECT $1000",
        "SELECT $99999999999999999999",
        "SELECT $name",
        "SELECT $",
        "SELECT ?",
        "SELECT ?1",
        "SELECT :name",
        "SELECT @name"}) {
    BOOST_CHECK_EXCEPTION(rewrite(sql), database_error, [](const database_error& met) {
      return met.kind == database_fault::schema;
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
