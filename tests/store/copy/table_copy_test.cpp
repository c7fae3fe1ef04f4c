#include "runtime/store/copy/table_copy.hpp"

#include "tests/store/postgres/postgres_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

constexpr std::string_view tables = R"sql(
CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  name TEXT,
  weight REAL,
  body BLOB);
CREATE TABLE pairs (
  one BLOB NOT NULL,
  other TEXT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (other, one)) WITHOUT ROWID;
CREATE TABLE notes (
  text TEXT,
  n BIGINT);
)sql";

/// The same tables in a file and in a schema.
struct copy_fixture : postgres_fixture {
  std::unique_ptr<database> file =
      std::move(*open_sqlite(folder.file("orders.db"), {.capability = "orders"}));
  std::unique_ptr<postgres_session> server = open();
  table_space in_file{file.get(), {}};
  table_space on_server{server.get(), schema};

  copy_fixture() {
    file->script(tables);
    server->script(tables);
  }

  /// Rows with everything that both engines take, more than are read at once.
  static void fill(database& session) {
    transaction writing{session};
    for (std::int64_t id = 1; id <= 1'500; ++id) {
      const std::string body(static_cast<std::size_t>(id % 300), static_cast<char>(id));
      session.execute(
          "INSERT INTO items (id, name, weight, body) VALUES ($1, $2, $3, $4)",
          id * 3,
          id % 7 == 0 ? std::optional<std::string>{}
                      : std::optional{"N\u00e4me " + std::to_string(id)},
          static_cast<double>(id) / 7,
          blob{std::as_bytes(std::span{body})});
      session.execute(
          "INSERT INTO pairs (one, other, n) VALUES ($1, $2, $3)",
          derived_id({}, std::to_string(id)),
          std::string(static_cast<std::size_t>(id % 3), 'B') + "a",
          std::numeric_limits<std::int64_t>::min() + id);
      if (id % 10 == 0) {
        session.execute("INSERT INTO notes (text, n) VALUES ($1, NULL)", id % 20 == 0 ? "x" : "");
      }
    }
    writing.commit();
  }

  std::vector<table> both() const {
    const auto found = shared_tables(content_of(in_file), content_of(on_server));
    BOOST_REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
    return *found;
  }

  static std::vector<table> content_of(const table_space& space) {
    std::vector<table> all = tables_of(space);
    std::erase_if(all, [](const table& each) { return each.name == "troupe_meta"; });
    return all;
  }

  const table& named(const std::vector<table>& all, const std::string& name) const {
    return *std::ranges::find(all, name, &table::name);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(
    runtime_store_table_copy,
    *utf::label("integration") * utf::timeout(120) * utf::precondition(has_postgres))

BOOST_FIXTURE_TEST_CASE(tables_are_copied_there_and_back_and_are_equal, copy_fixture) {
  fill(*file);

  for (const table& each : both()) {
    copy_table(in_file, on_server, each);
    const table_comparison found = compare_table(in_file, on_server, each);
    BOOST_TEST(found.difference == "");
    BOOST_TEST(found.rows == (each.name == "notes" ? 150U : 1'500U));
  }

  file->script("DELETE FROM items; DELETE FROM pairs; DELETE FROM notes");
  for (const table& each : both()) {
    copy_table(on_server, in_file, each);
    BOOST_TEST(compare_table(on_server, in_file, each).difference == "");
  }
}

BOOST_FIXTURE_TEST_CASE(a_copy_that_was_cut_short_goes_on_behind_its_last_row, copy_fixture) {
  fill(*file);
  const auto all = both();
  for (const table& each : all) {
    copy_table(in_file, on_server, each);
  }
  server->execute("DELETE FROM items WHERE id > 1000");
  server->execute("DELETE FROM pairs WHERE other = 'a'");

  BOOST_TEST(copy_table(in_file, on_server, named(all, "items")) == 1'500U - 333U);
  BOOST_TEST(copy_table(in_file, on_server, named(all, "pairs")) == 500U);
  for (const table& each : all) {
    BOOST_TEST(compare_table(in_file, on_server, each).difference == "");
  }
}

BOOST_FIXTURE_TEST_CASE(numbers_go_on_behind_the_highest_that_was_copied, copy_fixture) {
  file->execute("INSERT INTO items (id) VALUES (41)");
  const auto all = both();

  copy_table(in_file, on_server, named(all, "items"));
  server->execute("INSERT INTO items (name) VALUES ('next')");
  BOOST_TEST(server->integer_of("SELECT id FROM items WHERE name = 'next'").value() == 42);
  server->execute("DELETE FROM items");
  file->execute("DELETE FROM items");
  copy_table(in_file, on_server, named(all, "items"));
  server->execute("INSERT INTO items (name) VALUES ('first')");
  BOOST_TEST(server->integer_of("SELECT id FROM items").value() == 1);
}

BOOST_FIXTURE_TEST_CASE(whatever_differs_is_found_and_named, copy_fixture) {
  fill(*file);
  const auto all = both();
  for (const table& each : all) {
    copy_table(in_file, on_server, each);
  }
  const auto difference = [&](const std::string& name, const std::string& sql) {
    server->execute(sql);
    return compare_table(in_file, on_server, named(all, name)).difference;
  };

  BOOST_TEST(
      difference("items", "UPDATE items SET weight = weight + 0.0000001 WHERE id = 4500")
      == "items at the row id=4500: the column weight differs");
  BOOST_TEST(
      difference("items", "UPDATE items SET name = '' WHERE name IS NULL AND id = 21")
      == "items at the row id=21: the column name differs");
  BOOST_TEST(
      difference("items", "DELETE FROM items WHERE id = 3")
      == "items at the row id=3: it is on one side alone");
  BOOST_TEST(
      difference("pairs", "INSERT INTO pairs VALUES ('\\x00', 'zz', 1)")
      == "pairs at the row other=zz, one=00: it is on one side alone");
  BOOST_TEST(
      difference("notes", "UPDATE notes SET n = 1 WHERE text = ''")
      == "notes at the row without a key: the column n differs");
}

BOOST_FIXTURE_TEST_CASE(a_value_that_the_server_does_not_take_is_named_with_its_row, copy_fixture) {
  file->execute("INSERT INTO items (id, name) VALUES (7, 'a' || char(0) || 'b')");
  const auto all = both();

  try {
    copy_table(in_file, on_server, named(all, "items"));
    BOOST_ERROR("it was taken");
  } catch (const database_error& met) {
    BOOST_TEST(std::string{met.what()}.find("at the row id=7") != std::string::npos);
  }
  BOOST_TEST(columns_of_mixed_types(in_file, named(all, "items")).empty());
  file->execute("UPDATE items SET body = 'text', weight = 'much'");
  const auto mixed = columns_of_mixed_types(in_file, named(all, "items"));
  BOOST_TEST((mixed == std::vector<std::string>{"weight", "body"}));
}

BOOST_FIXTURE_TEST_CASE(tables_that_are_not_the_same_are_not_copied, copy_fixture) {
  file->script("CREATE TABLE more (id INTEGER PRIMARY KEY)");
  BOOST_TEST(!shared_tables(content_of(in_file), content_of(on_server)));
  server->script("CREATE TABLE more (id INTEGER PRIMARY KEY, n BIGINT)");
  BOOST_TEST(!shared_tables(content_of(in_file), content_of(on_server)));
  file->script("ALTER TABLE more ADD COLUMN n TEXT");
  BOOST_TEST(!shared_tables(content_of(in_file), content_of(on_server)));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
