#include "tests/store/items_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

// What a session promises, whichever engine is behind it.
BOOST_AUTO_TEST_SUITE(runtime_store_session, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(each_type_comes_back_as_it_was_bound, items_fixture) {
  session->script(
      "CREATE TABLE every (a INTEGER, b REAL, c TEXT, d BLOB, e BLOB, f INTEGER, g TEXT,"
      " h INTEGER, i TEXT, j TEXT, k BLOB)");
  const std::string text{"Grüße ☃"};
  const std::vector<std::byte> bytes{std::byte{0}, std::byte{255}};
  const uuid id = derived_id({}, "an id");
  const auto lowest = std::numeric_limits<std::int64_t>::min();

  session->execute(
      "INSERT INTO every VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
      lowest,
      2.5,
      text,
      bytes,
      id,
      true,
      null_value{},
      std::optional<int>{},
      std::optional<std::string>{"there"},
      std::string_view{},
      blob{});

  int rows = 0;
  session->query("SELECT *, SUM(f) OVER () FROM every", [&](const row& found) {
    ++rows;
    BOOST_TEST(found.columns() == 12);
    BOOST_TEST(found.integer(0) == lowest);
    BOOST_TEST(found.real(1) == 2.5);
    BOOST_TEST(found.text(2) == text);
    BOOST_TEST(std::equal(bytes.begin(), bytes.end(), found.bytes(3).begin()));
    BOOST_TEST((found.id(4) == id));
    BOOST_TEST(found.integer(5) == 1);
    BOOST_TEST(found.is_null(6));
    BOOST_TEST((found.is_null(7) && found.integer(7) == 0));
    BOOST_TEST(found.text(8) == "there");
    BOOST_TEST((!found.is_null(9) && found.text(9).empty()));
    BOOST_TEST((!found.is_null(10) && found.bytes(10).empty()));
    BOOST_TEST(found.integer(11) == 1);
    BOOST_CHECK_THROW(found.integer(12), database_error);
    BOOST_CHECK_THROW(found.id(0), database_error);
  });
  BOOST_TEST(rows == 1);
}

BOOST_FIXTURE_TEST_CASE(the_count_of_changed_rows_is_that_of_the_statement, items_fixture) {
  insert(1);
  insert(2);

  BOOST_TEST(session->execute("UPDATE items SET name = name || $1", "!") == 2);
  BOOST_TEST(session->execute("SELECT * FROM items") == 0);
  BOOST_TEST(session->execute("DELETE FROM items WHERE id = $1", 7) == 0);
}

BOOST_FIXTURE_TEST_CASE(wrong_parameters_and_statements_are_the_programs_mistake, items_fixture) {
  const auto refused = [this](auto... arguments) {
    return fault_of_call([&] { session->execute(arguments...); });
  };

  BOOST_TEST(refused("SELECT $1") == database_fault::schema);
  BOOST_TEST(refused("SELECT $1", 1, 2) == database_fault::schema);
  BOOST_TEST(refused("SELECT 1; SELECT 2") == database_fault::schema);
  BOOST_TEST(refused("SELECT * FROM nowhere") == database_fault::schema);
  BOOST_TEST(refused("SELECT \"no_column\" FROM items") == database_fault::schema);
  BOOST_TEST(refused("SELEC") == database_fault::schema);
  BOOST_TEST(refused("") == database_fault::schema);
  BOOST_CHECK_NO_THROW(session->execute("SELECT 1; -- and nothing else\n ;"));
}

BOOST_FIXTURE_TEST_CASE(what_belongs_to_the_session_is_refused_to_statements, items_fixture) {
  for (const auto* sql : {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT one"}) {
    BOOST_TEST(fault_of_call([&] { session->execute(sql); }) == database_fault::schema);
    BOOST_TEST(fault_of_call([&] { session->script(sql); }) == database_fault::schema);
  }
}

BOOST_FIXTURE_TEST_CASE(more_statements_than_are_kept_still_work, items_fixture) {
  session.reset();
  options.statements_max = 2;
  session = open();

  session->begin();
  for (int round = 0; round < 3; ++round) {
    for (int number = 0; number < 5; ++number) {
      BOOST_TEST(session->integer_of("SELECT " + std::to_string(number)).value() == number);
    }
  }
  session->commit();
}

BOOST_FIXTURE_TEST_CASE(a_row_callback_may_run_the_same_statement, items_fixture) {
  insert(1);
  insert(2);
  constexpr auto* sql = "SELECT id FROM items ORDER BY id";

  std::vector<std::int64_t> seen;
  session->query(sql, [&](const row& outer) {
    seen.push_back(outer.integer(0));
    session->query(sql, [&](const row& inner) { seen.push_back(inner.integer(0)); });
  });

  BOOST_TEST(seen == (std::vector<std::int64_t>{1, 1, 2, 2, 1, 2}));
}

BOOST_FIXTURE_TEST_CASE(a_throwing_row_callback_leaves_the_session_usable, items_fixture) {
  insert(1);

  BOOST_CHECK_THROW(
      session->query("SELECT id FROM items", [](const row&) { throw std::runtime_error{"no"}; }),
      std::runtime_error);

  BOOST_TEST(session->integer_of("SELECT id FROM items").value() == 1);
  BOOST_CHECK_NO_THROW(session->execute("DROP TABLE parts"));
}

BOOST_FIXTURE_TEST_CASE(a_change_that_returns_rows_is_done_for_all_of_them, items_fixture) {
  insert(1);
  insert(2);
  insert(3);

  BOOST_TEST(session->integer_of("DELETE FROM items RETURNING id").has_value());

  BOOST_TEST(items() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_rollback_undoes_and_a_commit_keeps, items_fixture) {
  session->begin();
  insert(1);
  BOOST_TEST(session->in_transaction());
  session->rollback();
  BOOST_TEST(items() == 0);

  session->begin();
  insert(1);
  session->commit();
  session->rollback();

  BOOST_TEST(!session->in_transaction());
  BOOST_TEST(items() == 1);
}

BOOST_FIXTURE_TEST_CASE(savepoints_nest, items_fixture) {
  session->begin();
  insert(1);
  session->savepoint();
  insert(2);
  session->savepoint();
  insert(3);
  session->rollback_to_savepoint();
  session->release();
  session->savepoint();
  insert(4);
  session->rollback_to_savepoint();
  session->commit();

  BOOST_TEST(items() == 2);
  BOOST_TEST(session->text_of("SELECT max(name) FROM items").value() == "item 2");
}

BOOST_FIXTURE_TEST_CASE(calls_out_of_order_are_refused, items_fixture) {
  BOOST_CHECK_THROW(session->commit(), database_error);
  BOOST_CHECK_THROW(session->savepoint(), database_error);
  session->begin();
  BOOST_CHECK_THROW(session->begin(), database_error);
  BOOST_CHECK_THROW(session->release(), database_error);
  BOOST_CHECK_THROW(session->rollback_to_savepoint(), database_error);
  BOOST_CHECK_NO_THROW(session->commit());
}

BOOST_FIXTURE_TEST_CASE(a_transaction_leaves_with_its_scope, items_fixture) {
  {
    const transaction abandoned{*session};
    insert(1);
  }
  {
    transaction kept{*session};
    insert(2);
    kept.commit();
  }

  BOOST_TEST(items() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
