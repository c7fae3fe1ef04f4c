#include "runtime/store/migrations.hpp"

#include "tests/store/faulty_database.hpp"
#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct migrations_fixture : store_fixture {
  std::unique_ptr<database> session = open();
  manual_clock time;
  std::vector<migration> steps{
      {1,
       "items",
       "CREATE TABLE items (id INTEGER PRIMARY KEY); -- two statements\n"
       "CREATE TABLE parts (id INTEGER PRIMARY KEY);"},
      {2, "prices", "ALTER TABLE items ADD COLUMN price INTEGER NOT NULL DEFAULT 0"}};

  outcome<int> apply(std::string_view component = "orders") {
    return migrate(*session, time, component, steps);
  }

  std::string refusal() {
    const auto result = apply();
    BOOST_REQUIRE(!result);
    BOOST_TEST(result.error().code == errc::invalid);
    return result.error().message;
  }

  std::int64_t versions() {
    return session->integer_of("SELECT count(*) FROM schema_versions").value();
  }
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_migrations, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(steps_are_applied_once_and_in_order, migrations_fixture) {
  BOOST_TEST(apply().value() == 2);
  BOOST_TEST(apply().value() == 0);

  steps.push_back({3, "names", "ALTER TABLE items ADD COLUMN name TEXT"});
  BOOST_TEST(apply().value() == 1);
  BOOST_CHECK_NO_THROW(session->execute("INSERT INTO items VALUES (1, 2, 'three')"));
}

// The step would be half done, and its row missing.
BOOST_FIXTURE_TEST_CASE(a_step_that_ends_its_transaction_is_undone_with_words, migrations_fixture) {
  steps[1].fill = [](database& tables) {
    tables.execute("INSERT INTO items (id) VALUES (1)");
    tables.commit();
  };

  const auto applied = apply();

  BOOST_REQUIRE(!applied);
  BOOST_TEST(has(applied.error().message, "the `fill` of a migration may not call commit()"));
  BOOST_TEST(versions() == 1);
  BOOST_TEST(session->integer_of("SELECT COUNT(*) FROM items").value() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_step_may_fill_its_tables_and_is_undone_with_them, migrations_fixture) {
  BOOST_REQUIRE(apply());
  session->execute("INSERT INTO items (id) VALUES (1)");
  steps.push_back({3, "names", "ALTER TABLE items ADD COLUMN name TEXT", [](database& there) {
                     there.execute("UPDATE items SET name = 'first' WHERE id = 1");
                   }});
  steps.push_back({4, "wrong", "ALTER TABLE items ADD COLUMN size TEXT", [](database& there) {
                     there.execute("UPDATE items SET no_such_column = 1");
                   }});

  BOOST_TEST(!apply().has_value());

  BOOST_TEST(session->text_of("SELECT name FROM items").value_or("") == "first");
  BOOST_TEST(versions() == 3);
  BOOST_CHECK_THROW(session->integer_of("SELECT size FROM items"), database_error);
}

BOOST_FIXTURE_TEST_CASE(
    steps_inside_another_transaction_are_taken_back_with_it, migrations_fixture) {
  const std::vector<migration> all = steps;
  steps.pop_back();
  BOOST_REQUIRE(apply());
  const component whole{"orders", all};
  const component more{"more", all};
  {
    const transaction taken_back{*session};
    BOOST_TEST(migrate_within(*session, time, {&whole, 1}).has_value());
    BOOST_TEST(session->integer_of("SELECT count(price) FROM items").value_or(-1) == 0);
    BOOST_TEST(versions() == 2);
    BOOST_TEST(!migrate_within(*session, time, {&more, 1})); // Its tables are there.
  }

  BOOST_TEST(versions() == 1);
  BOOST_CHECK_THROW(session->integer_of("SELECT count(price) FROM items"), database_error);
  steps = all;
  BOOST_TEST(apply().value() == 1);
}

BOOST_FIXTURE_TEST_CASE(components_do_not_know_of_each_other, migrations_fixture) {
  BOOST_REQUIRE(apply().has_value());
  steps = {{1, "outbox", "CREATE TABLE outbox (seq INTEGER PRIMARY KEY)"}};

  BOOST_TEST(apply("troupe.turn").value() == 1);
  BOOST_TEST(versions() == 3);
}

BOOST_FIXTURE_TEST_CASE(a_step_changed_after_it_was_applied_is_refused, migrations_fixture) {
  BOOST_REQUIRE(apply().has_value());
  steps[0].sql = "CREATE TABLE items (id INTEGER PRIMARY KEY, more TEXT)";

  BOOST_TEST(has(refusal(), "was changed after it was applied"));
}

BOOST_FIXTURE_TEST_CASE(a_newer_database_is_refused, migrations_fixture) {
  BOOST_REQUIRE(apply().has_value());
  steps.pop_back();

  BOOST_TEST(has(refusal(), "newer than the program"));
}

BOOST_FIXTURE_TEST_CASE(a_step_missing_from_the_database_is_refused, migrations_fixture) {
  BOOST_REQUIRE(apply().has_value());
  session->execute("DELETE FROM schema_versions WHERE version = 1");

  BOOST_TEST(has(refusal(), "missing from the database"));
}

BOOST_FIXTURE_TEST_CASE(steps_numbered_with_gaps_are_refused, migrations_fixture) {
  steps[1].version = 3;

  BOOST_TEST(has(refusal(), "must be numbered"));
}

BOOST_FIXTURE_TEST_CASE(a_failing_step_leaves_the_ones_before_it, migrations_fixture) {
  steps.push_back({3, "broken", "CREATE TABLE third (id INTEGER); INSERT INTO nowhere VALUES (1)"});

  const auto result = apply();

  BOOST_REQUIRE(!result);
  BOOST_TEST(has(result.error().message, "migration 3 'broken' of orders failed"));
  BOOST_TEST(versions() == 2);
  BOOST_TEST(!session->in_transaction());
  BOOST_CHECK_THROW(session->execute("SELECT * FROM third"), database_error);
}

BOOST_FIXTURE_TEST_CASE(a_step_cannot_end_its_transaction, migrations_fixture) {
  steps[1].sql = "CREATE TABLE half (id INTEGER); COMMIT; CREATE TABLE other (id INTEGER)";

  BOOST_REQUIRE(!apply());
  BOOST_TEST(versions() == 1);
  BOOST_CHECK_THROW(session->execute("SELECT * FROM half"), database_error);
}

// Whichever call fails, a second try ends at the same schema.
BOOST_FIXTURE_TEST_CASE(any_failing_call_can_be_made_good_by_asking_again, migrations_fixture) {
  using when = faulty_database::when;
  for (const auto moment : {when::before, when::after}) {
    for (int nth = 1;; ++nth) {
      path =
          folder.file((moment == when::before ? "before" : "after") + std::to_string(nth) + ".db");
      session = open();
      faulty_database faulty{*session};
      faulty.fail(nth, moment);

      const auto first = migrate(faulty, time, "orders", steps);
      BOOST_TEST(!session->in_transaction());
      BOOST_TEST(first.has_value() == !faulty.failed());
      BOOST_TEST(apply().has_value());

      BOOST_TEST(versions() == 2);
      BOOST_CHECK_NO_THROW(session->execute("SELECT price FROM items"));
      if (!faulty.failed()) {
        break;
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
