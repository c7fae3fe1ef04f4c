#include "runtime/store/postgres/rows.hpp"

#include "tests/store/postgres/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

BOOST_AUTO_TEST_SUITE(
    runtime_store_postgres_rows,
    *utf::label("integration") * utf::timeout(300) * utf::precondition(has_postgres))

// The number of the statement's message is all there is to lay a late error at the right door. Rows
// that went as one statement name the first of theirs; the same again goes row by row.
BOOST_FIXTURE_TEST_CASE(an_error_found_late_names_its_message, session_fixture) {
  const auto blamed = [&] {
    session->begin();
    for (std::size_t message = 0; message < 5; ++message) {
      session->belongs_to(message);
      insert(message == 3 ? 1 : static_cast<std::int64_t>(message));
    }
    session->belongs_to(5U);
    std::size_t found = 99;
    try {
      items();
    } catch (const database_error& late) {
      BOOST_TEST(late.kind == database_fault::constraint);
      found = late.of_message.value_or(98);
    }
    session->rollback();
    return found;
  };

  BOOST_TEST(blamed() == 0U);
  BOOST_TEST(blamed() == 3U);
  BOOST_TEST(blamed() == 3U);
  BOOST_TEST(items() == 0);
  session->begin();
  insert(1);
  session->commit();
  BOOST_TEST(blamed() == 0U); // They go together again.
}

// A statement counts the rows that it has changed, and the last row of several must not pass for
// all.
BOOST_FIXTURE_TEST_CASE(rows_that_go_together_are_those_that_were_given, session_fixture) {
  session->script("CREATE TABLE every (a INTEGER, b REAL, c TEXT, d BLOB, e INTEGER PRIMARY KEY)");
  const std::string large(std::size_t{20} * 1024, 'x');
  session->begin();
  const std::vector<std::byte> bytes{std::byte{0}, std::byte{255}};
  for (std::int64_t id = 0; id < 1'000; ++id) {
    const bool is_null = id % 3 == 0;
    const affected one = session->execute(
        "INSERT INTO every VALUES ($1, $2, $3, $4, $5)",
        is_null ? value{null_value{}} : value{-id},
        is_null ? value{null_value{}} : value{0.5},
        id == 500 ? std::string_view{large} : std::string_view{},
        is_null ? value{null_value{}} : value{blob{bytes}},
        id);
    if (id % 300 == 0) {
      BOOST_TEST(one == 1);
    }
  }
  session->commit();

  BOOST_TEST(
      session
          ->integer_of("SELECT count(*) FROM every WHERE CASE WHEN e % 3 = 0"
                       " THEN a IS NULL AND b IS NULL AND d IS NULL"
                       " ELSE a = -e AND b = 0.5 AND d = '\\x00ff' END"
                       " AND length(c) = CASE e WHEN 500 THEN 20480 ELSE 0 END")
          .value()
      == 1'000);
}

// Each in the order of the program: a foreign key is looked at by every statement.
BOOST_FIXTURE_TEST_CASE(other_statements_come_behind_the_rows_before_them, session_fixture) {
  session->begin();
  for (std::int64_t id = 0; id < 300; ++id) {
    insert(2 * id);
    insert(2 * id + 1);
    session->execute("INSERT INTO parts VALUES ($1, $2)", id, 2 * id + 1);
    session->savepoint();
    insert(10'000);
    session->rollback_to_savepoint();
  }
  session->execute("UPDATE items SET name = 'last' WHERE id = $1", 599);
  session->commit();

  BOOST_TEST(items() == 600);
  BOOST_TEST(session->integer_of("SELECT id FROM items WHERE name = 'last'").value() == 599);
}

// Whatever is sent in a transaction that an earlier statement has undone is passed over by the
// server.
BOOST_FIXTURE_TEST_CASE(
    rows_go_together_also_after_a_transaction_that_was_undone, session_fixture) {
  insert(1);
  const auto add_part = [&](std::int64_t item) {
    session->execute("INSERT INTO parts VALUES ($1, $2)", 1, item);
  };
  add_part(1); // All is prepared by now.
  session->begin();
  add_part(1);
  insert(2);
  insert(3);
  BOOST_TEST(fault_of_call([&] { session->commit(); }) == database_fault::constraint);

  session->begin();
  insert(2);
  insert(3);
  session->commit();
  BOOST_TEST(items() == 3);
}

// A trigger may leave rows out: how many each statement has changed is found by sending each by
// itself.
BOOST_FIXTURE_TEST_CASE(rows_that_a_trigger_leaves_out_are_not_counted, session_fixture) {
  session->script("CREATE FUNCTION odd_only() RETURNS trigger LANGUAGE plpgsql AS "
                  "'BEGIN RETURN CASE WHEN NEW.id % 2 = 1 THEN NEW END; END'");
  session->script(
      "CREATE TRIGGER odd_only BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION odd_only()");
  const auto run = [&] {
    session->begin();
    std::vector<affected> each;
    for (std::int64_t id = 0; id < 4; ++id) {
      each.push_back(insert(id));
    }
    std::vector<std::int64_t> counts(each.begin(), each.end());
    session->commit();
    return counts;
  };

  BOOST_TEST(fault_of_call(run) == database_fault::constraint);
  session->rollback();
  const std::vector<std::int64_t> expected{0, 1, 0, 1};
  BOOST_TEST(run() == expected, boost::test_tools::per_element());
  session->script("DELETE FROM items");
  BOOST_TEST(run() == expected, boost::test_tools::per_element()); // For good, and for each commit.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
