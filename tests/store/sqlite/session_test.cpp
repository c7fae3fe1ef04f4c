#include "tests/store/items_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

BOOST_AUTO_TEST_SUITE(runtime_store_sqlite_session, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(text_with_a_nul_comes_back_whole, items_fixture) {
  const std::string text{"nul\0inside", 10};

  BOOST_TEST(session->text_of("SELECT $1", text).value() == text);
}

BOOST_FIXTURE_TEST_CASE(what_belongs_to_the_session_is_refused_to_statements, items_fixture) {
  for (const auto* sql :
       {"ATTACH 'x.db' AS x", "PRAGMA synchronous = OFF", "PRAGMA journal_mode = DELETE"}) {
    BOOST_TEST(fault_of_call([&] { session->execute(sql); }) == database_fault::schema);
    BOOST_TEST(fault_of_call([&] { session->script(sql); }) == database_fault::schema);
  }
  BOOST_CHECK_NO_THROW(session->execute("PRAGMA table_info(items)"));
}

BOOST_FIXTURE_TEST_CASE(a_buffer_used_again_for_another_statement_is_noticed, items_fixture) {
  std::string sql = "SELECT 1";
  BOOST_TEST(session->integer_of(sql).value() == 1);

  sql.back() = '2';

  BOOST_TEST(session->integer_of(sql).value() == 2);
}

BOOST_FIXTURE_TEST_CASE(a_constraint_undoes_only_its_statement, items_fixture) {
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

BOOST_FIXTURE_TEST_CASE(another_writer_makes_begin_busy_within_bounds, items_fixture) {
  options.busy_timeout = std::chrono::milliseconds{20};
  const auto other = open();
  session->begin();

  BOOST_TEST(fault_of_call([&] { other->begin(); }) == database_fault::busy);
  BOOST_TEST(!other->in_transaction());
  session->commit();
  BOOST_CHECK_NO_THROW(other->begin());
}

// A reader that stays holds up the checkpoint, and must not make it run after every commit.
BOOST_FIXTURE_TEST_CASE(checkpoints_bound_the_wal_and_pass_readers_by, items_fixture) {
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
