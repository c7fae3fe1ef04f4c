#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct session_fixture : store_fixture {
  std::unique_ptr<database> session = open();

  session_fixture() {
    session->script("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
                    "CREATE TABLE parts (id INTEGER PRIMARY KEY, "
                    "item INTEGER NOT NULL REFERENCES items (id));");
  }

  std::int64_t items() { return session->integer_of("SELECT count(*) FROM items").value_or(-1); }

  void insert(std::int64_t id) {
    session->execute("INSERT INTO items VALUES ($1, $2)", id, "item " + std::to_string(id));
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_sqlite_session, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(each_type_comes_back_as_it_was_bound, session_fixture) {
  session->execute("CREATE TABLE every (a, b, c, d, e, f, g, h, i, j, k)");
  const std::string text{"nul\0inside", 10};
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
  session->query("SELECT * FROM every", [&](const row& found) {
    ++rows;
    BOOST_TEST(found.columns() == 11);
    BOOST_TEST(found.integer(0) == lowest);
    BOOST_TEST(found.real(1) == 2.5);
    BOOST_TEST(found.text(2) == text);
    BOOST_TEST(std::equal(bytes.begin(), bytes.end(), found.bytes(3).begin()));
    BOOST_TEST((found.id(4) == id));
    BOOST_TEST(found.integer(5) == 1);
    BOOST_TEST(found.is_null(6));
    BOOST_TEST(found.is_null(7));
    BOOST_TEST(found.text(8) == "there");
    BOOST_TEST((!found.is_null(9) && found.text(9).empty()));
    BOOST_TEST((!found.is_null(10) && found.bytes(10).empty()));
    BOOST_CHECK_THROW(found.integer(11), database_error);
    BOOST_CHECK_THROW(found.id(0), database_error);
  });
  BOOST_TEST(rows == 1);
}

BOOST_FIXTURE_TEST_CASE(the_count_of_changed_rows_is_that_of_the_statement, session_fixture) {
  insert(1);
  insert(2);

  BOOST_TEST(session->execute("UPDATE items SET name = name || $1", "!") == 2);
  BOOST_TEST(session->execute("CREATE TABLE other (id INTEGER)") == 0);
  BOOST_TEST(session->execute("SELECT * FROM items") == 0);
  BOOST_TEST(session->execute("DELETE FROM items WHERE id = $1", 7) == 0);
}

BOOST_FIXTURE_TEST_CASE(wrong_parameters_and_statements_are_the_programs_mistake, session_fixture) {
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

BOOST_FIXTURE_TEST_CASE(what_belongs_to_the_session_is_refused_to_statements, session_fixture) {
  for (const auto* sql :
       {"BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT one",
        "ATTACH 'x.db' AS x",
        "PRAGMA synchronous = OFF",
        "PRAGMA journal_mode = DELETE"}) {
    BOOST_TEST(fault_of_call([&] { session->execute(sql); }) == database_fault::schema);
    BOOST_TEST(fault_of_call([&] { session->script(sql); }) == database_fault::schema);
  }
  BOOST_CHECK_NO_THROW(session->execute("PRAGMA table_info(items)"));
}

BOOST_FIXTURE_TEST_CASE(a_buffer_used_again_for_another_statement_is_noticed, session_fixture) {
  std::string sql = "SELECT 1";
  BOOST_TEST(session->integer_of(sql).value() == 1);

  sql.back() = '2';

  BOOST_TEST(session->integer_of(sql).value() == 2);
}

BOOST_FIXTURE_TEST_CASE(more_statements_than_are_kept_still_work, session_fixture) {
  session.reset();
  options.statements_max = 2;
  session = open();

  for (int round = 0; round < 3; ++round) {
    for (int number = 0; number < 5; ++number) {
      BOOST_TEST(session->integer_of("SELECT " + std::to_string(number)).value() == number);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_row_callback_may_run_the_same_statement, session_fixture) {
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

BOOST_FIXTURE_TEST_CASE(a_throwing_row_callback_leaves_the_session_usable, session_fixture) {
  insert(1);

  BOOST_CHECK_THROW(
      session->query("SELECT id FROM items", [](const row&) { throw std::runtime_error{"no"}; }),
      std::runtime_error);

  BOOST_TEST(session->integer_of("SELECT id FROM items").value() == 1);
  BOOST_CHECK_NO_THROW(session->execute("DROP TABLE parts"));
}

BOOST_FIXTURE_TEST_CASE(a_change_that_returns_rows_is_done_for_all_of_them, session_fixture) {
  insert(1);
  insert(2);
  insert(3);

  BOOST_TEST(session->integer_of("DELETE FROM items RETURNING id").has_value());

  BOOST_TEST(items() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_rollback_undoes_and_a_commit_keeps, session_fixture) {
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

BOOST_FIXTURE_TEST_CASE(savepoints_nest, session_fixture) {
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

BOOST_FIXTURE_TEST_CASE(calls_out_of_order_are_refused, session_fixture) {
  BOOST_CHECK_THROW(session->commit(), database_error);
  BOOST_CHECK_THROW(session->savepoint(), database_error);
  session->begin();
  BOOST_CHECK_THROW(session->begin(), database_error);
  BOOST_CHECK_THROW(session->release(), database_error);
  BOOST_CHECK_THROW(session->rollback_to_savepoint(), database_error);
  BOOST_CHECK_NO_THROW(session->commit());
}

BOOST_FIXTURE_TEST_CASE(a_constraint_undoes_only_its_statement, session_fixture) {
  session->begin();
  insert(1);

  BOOST_TEST(fault_of_call([&] { insert(1); }) == database_fault::constraint);
  BOOST_TEST(
      fault_of_call([&] { session->execute("INSERT INTO items VALUES (2, $1)", null_value{}); })
      == database_fault::constraint);
  BOOST_TEST(
      fault_of_call([&] { session->execute("INSERT INTO parts VALUES (1, 99)"); })
      == database_fault::constraint);
  session->commit();

  BOOST_TEST(items() == 1);
}

BOOST_FIXTURE_TEST_CASE(a_transaction_leaves_with_its_scope, session_fixture) {
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

BOOST_FIXTURE_TEST_CASE(another_writer_makes_begin_busy_within_bounds, session_fixture) {
  options.busy_timeout = std::chrono::milliseconds{20};
  const auto other = open();
  session->begin();

  BOOST_TEST(fault_of_call([&] { other->begin(); }) == database_fault::busy);
  BOOST_TEST(!other->in_transaction());
  session->commit();
  BOOST_CHECK_NO_THROW(other->begin());
}

// A reader that stays holds up the checkpoint, and must not make it run after every commit.
BOOST_FIXTURE_TEST_CASE(checkpoints_bound_the_wal_and_pass_readers_by, session_fixture) {
  session.reset();
  options.checkpoint_pages = 50;
  options.truncate_pages = 200;
  session = open();
  const auto wal_size = [this] { return std::filesystem::file_size(path + "-wal"); };
  const auto write = [this](int commits) {
    for (int n = 0; n < commits; ++n) {
      session->execute("UPDATE items SET name = $1", "round " + std::to_string(n));
      session->checkpoint();
    }
  };
  insert(1);

  write(500);
  BOOST_TEST(wal_size() < 60U * 4200U);

  auto reading = options;
  reading.read_only = true;
  auto reader = open_sqlite(path, reading);
  BOOST_REQUIRE(reader.has_value());
  const auto before = (*reader)->text_of("SELECT name FROM items");
  (*reader)->query("SELECT name FROM items", [&](const row& found) {
    write(300);
    BOOST_TEST(found.text(0) == before.value());
  });
  BOOST_TEST(wal_size() > 200U * 4096U);
  write(200);
  BOOST_TEST(wal_size() < 60U * 4200U);
}

BOOST_AUTO_TEST_CASE(errors_say_what_the_caller_can_do) {
  const auto code = [](database_fault fault) { return database_error{fault, "x"}.to_error().code; };
  const auto possible = [](database_fault fault) {
    return database_error{fault, "x"}.to_error().possible;
  };

  BOOST_TEST(code(database_fault::constraint) == errc::conflict);
  BOOST_TEST(code(database_fault::full) == errc::unavailable);
  BOOST_TEST(code(database_fault::busy) == errc::unavailable);
  BOOST_TEST(code(database_fault::corrupt) == errc::internal);
  BOOST_TEST((possible(database_fault::busy) == effect::none));
  BOOST_TEST((possible(database_fault::io) == effect::unknown));
  BOOST_TEST((possible(database_fault::fsync) == effect::unknown));
}

// A commit to a file that nobody finds any more would be lost, however well it is flushed.
BOOST_FIXTURE_TEST_CASE(
    nothing_is_committed_to_a_file_that_was_deleted_or_replaced, store_fixture) {
  std::vector<std::string> told;
  options.on_fatal = [&](const std::string& why) { told.push_back(why); };
  for (const bool is_replaced : {false, true}) {
    told.clear();
    path = folder.file(is_replaced ? "replaced.db" : "deleted.db");
    auto session = open();
    session->script("CREATE TABLE IF NOT EXISTS things (n INTEGER)");
    std::filesystem::rename(path, path + ".old");
    if (is_replaced) {
      std::filesystem::copy_file(path + ".old", path);
    }
    session->begin();
    session->execute("INSERT INTO things VALUES (1)");

    BOOST_CHECK_THROW(session->commit(), database_error);

    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(told[0].find(path) != std::string::npos);
    BOOST_CHECK_THROW(session->begin(), database_error);
  }
}

// The connection has the file as long as it lives: what was confirmed is saved, and nothing more
// is.
BOOST_FIXTURE_TEST_CASE(a_wal_that_was_removed_is_saved_and_ends_the_session, store_fixture) {
  std::vector<std::string> told;
  options.on_fatal = [&](const std::string& why) { told.push_back(why); };
  path = folder.file("removed.db");
  auto session = open();
  session->script("CREATE TABLE things (n INTEGER)");
  const auto insert = [&] {
    session->begin();
    session->execute("INSERT INTO things VALUES (1)");
    session->commit();
  };
  for (int i = 0; i < 10; ++i) {
    insert();
  }
  std::filesystem::remove(path + "-wal");

  BOOST_CHECK_THROW(insert(), database_error);

  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].find("copied back") != std::string::npos);
  BOOST_CHECK_THROW(session->begin(), database_error);
  session.reset();
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM things").value() == 11);
}

BOOST_FIXTURE_TEST_CASE(a_wal_or_an_index_that_was_replaced_ends_the_session, store_fixture) {
  std::vector<std::string> told;
  options.on_fatal = [&](const std::string& why) { told.push_back(why); };
  for (const std::string which : {"-wal", "-shm"}) {
    told.clear();
    path = folder.file("replaced" + which + ".db");
    auto session = open();
    session->begin();
    session->script("CREATE TABLE things (n INTEGER)");
    session->commit();
    std::filesystem::rename(path + which, path + ".old");
    std::filesystem::copy_file(path + ".old", path + which);
    session->begin();
    session->execute("INSERT INTO things VALUES (1)");

    BOOST_CHECK_THROW(session->commit(), database_error);

    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(told[0].find("replaced") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
