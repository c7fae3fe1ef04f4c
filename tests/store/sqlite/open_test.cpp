#include "runtime/store/sqlite/online_copy.hpp"
#include "runtime/store/sqlite/turnstile.hpp"
#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <sqlite3.h>
#include <string>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct open_fixture : store_fixture {
  void fill(int rows) {
    const auto session = open();
    session->execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)");
    transaction writing{*session};
    for (int n = 0; n < rows; ++n) {
      session->execute("INSERT INTO items VALUES ($1, $2)", n, std::string(100, 'x'));
    }
    writing.commit();
  }

  /// Brings everything into the main file and leaves no WAL.
  void settle() {
    sqlite3* raw = nullptr;
    BOOST_REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
    BOOST_REQUIRE(
        sqlite3_exec(raw, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr)
        == SQLITE_OK);
    sqlite3_close(raw);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_sqlite_open, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(a_new_database_is_set_up_for_durability, open_fixture) {
  const auto session = open();

  // The pragmas themselves are verified by every opening, which fails otherwise.
  BOOST_TEST(session->integer_of("SELECT count(*) FROM troupe_meta").value() == 1);
  BOOST_TEST(session->text_of("SELECT capability FROM troupe_meta").value() == "orders");
  BOOST_TEST(std::filesystem::exists(path + "-wal"));
  BOOST_TEST((session->instance() != uuid{}));
}

BOOST_FIXTURE_TEST_CASE(the_instance_stays_with_the_file, open_fixture) {
  const auto first = open()->instance();

  BOOST_TEST((open()->instance() == first));
  std::filesystem::remove(path);
  std::filesystem::remove(path + "-wal");
  std::filesystem::remove(path + "-shm");
  std::filesystem::remove(path + ".lock"); // It remembers the first.
  BOOST_TEST((open()->instance() != first));
}

BOOST_FIXTURE_TEST_CASE(closing_leaves_the_wal_for_whoever_holds_the_lock, open_fixture) {
  fill(10);

  BOOST_TEST(std::filesystem::file_size(path + "-wal") > 0U);
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM items").value() == 10);
}

BOOST_FIXTURE_TEST_CASE(a_file_of_another_capability_is_refused, open_fixture) {
  fill(1);
  options.capability = "payments";

  const auto refused = refusal();

  BOOST_TEST(refused.code == errc::invalid);
  BOOST_TEST(refused.message.find("'orders'") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_strangers_database_is_left_alone, open_fixture) {
  std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
  sqlite3* raw = nullptr;
  BOOST_REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
  sqlite3_exec(raw, "CREATE TABLE theirs (id INTEGER)", nullptr, nullptr, nullptr);
  sqlite3_close(raw);
  const auto before = read_file(path);

  BOOST_TEST(refusal().code == errc::invalid);
  BOOST_TEST((read_file(path) == before));
}

BOOST_FIXTURE_TEST_CASE(a_file_that_is_no_database_is_named_and_kept, open_fixture) {
  const std::string content(5000, 'r');
  write_file(path, content);

  BOOST_TEST(refusal().detail("fault") == "corrupt");
  BOOST_TEST((read_file(path) == content));
}

BOOST_FIXTURE_TEST_CASE(damage_in_a_page_is_found_at_opening, open_fixture) {
  fill(2000);
  settle();
  const auto size = std::filesystem::file_size(path);
  const auto whole = read_file(path);

  // The headers of pages: of the schema, of an inner page and of leaves.
  int found = 0;
  for (std::size_t page = 2; page * 4096 < size; page += 7) {
    write_file(path, whole);
    flip_bit(path, page * 4096);
    const auto opened = try_open();
    found += !opened && opened.error().detail("fault") == "corrupt" ? 1 : 0;
    BOOST_TEST(!opened.has_value());
  }

  BOOST_TEST(found > 3);
}

BOOST_FIXTURE_TEST_CASE(a_file_cut_short_is_found_at_opening, open_fixture) {
  fill(2000);
  settle();
  const auto whole = read_file(path);
  write_file(path, whole.substr(0, whole.size() / 2));

  BOOST_TEST(refusal().detail("fault") == "corrupt");
}

// SQLite would delete the WAL of a database that is empty or gone.
BOOST_FIXTURE_TEST_CASE(a_lost_main_file_does_not_cost_its_wal, open_fixture) {
  fill(10);
  const auto wal = read_file(path + "-wal");
  std::filesystem::remove(path);

  BOOST_TEST(refusal().detail("fault") == "corrupt");
  write_file(path, "");
  BOOST_TEST(refusal().detail("fault") == "corrupt");

  BOOST_TEST((read_file(path + "-wal") == wal));
}

// SQLite would begin a new WAL, as if nothing had been committed since the last copy.
BOOST_FIXTURE_TEST_CASE(a_lost_wal_is_missed_until_a_person_gives_it_up, open_fixture) {
  fill(10);
  const auto wal = read_file(path + "-wal");
  std::filesystem::remove(path + "-wal");

  BOOST_TEST(refusal().detail("fault") == "corrupt");
  BOOST_TEST(refusal().message.find("pages of confirmed commits") != std::string::npos);
  write_file(path + "-wal", wal);
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM items").value() == 10);

  settle();
  std::filesystem::remove(path + "-wal");
  std::filesystem::remove(path + "-shm");
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM items").value() == 10);
}

// SQLite has WAL and index beside the file that a link leads to.
BOOST_FIXTURE_TEST_CASE(of_a_link_the_files_beside_its_target_are_missed, open_fixture) {
  fill(10);
  const std::string target = folder.file("large/orders.db");
  std::filesystem::create_directories(folder.file("large"));
  for (const std::string part : {"", "-wal", "-shm"}) {
    std::filesystem::rename(path + part, target + part);
  }
  std::filesystem::create_symlink(target, path);
  const auto wal = read_file(target + "-wal");
  std::filesystem::remove(target + "-wal");

  BOOST_TEST(refusal().message.find(target + "-wal was removed") != std::string::npos);

  write_file(target + "-wal", wal);
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM items").value() == 10);
}

BOOST_FIXTURE_TEST_CASE(a_wal_that_somebody_still_has_is_waited_for, open_fixture) {
  fill(10);
  const auto other = open();
  std::filesystem::remove(path + "-wal");

  BOOST_TEST((refusal().code == errc::unavailable));
  BOOST_TEST(!std::filesystem::exists(path + "-wal"));
}

BOOST_FIXTURE_TEST_CASE(after_an_orderly_end_the_file_alone_is_whole, open_fixture) {
  fill(10);
  open()->checkpoint_all();
  const auto alone = read_file(path);
  std::filesystem::remove_all(std::filesystem::path{path}.parent_path());
  write_file(path, alone);

  BOOST_TEST(open()->integer_of("SELECT count(*) FROM items").value() == 10);
}

// Begun again without a word, it would look as if nothing had ever been there.
BOOST_FIXTURE_TEST_CASE(a_database_that_was_there_is_told_from_a_new_one, open_fixture) {
  fill(10);
  open()->checkpoint_all();
  const auto whole = read_file(path);
  for (const std::string what : {"missing", "empty"}) {
    if (what == "missing") {
      std::filesystem::remove(path);
    } else {
      write_file(path, "");
    }
    BOOST_TEST(refusal().detail("fault") == "corrupt");
    BOOST_TEST(refusal().message.find("was here before") != std::string::npos);
    BOOST_TEST((!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0));
  }

  write_file(path, whole);
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM items").value() == 10);

  std::filesystem::remove(path);
  std::filesystem::remove(path + ".lock"); // As the refusal says.
  BOOST_TEST(!!try_open());
}

BOOST_FIXTURE_TEST_CASE(a_copy_without_its_wal_is_refused, open_fixture) {
  fill(10);
  const auto alone = read_file(path);
  std::filesystem::remove_all(std::filesystem::path{path}.parent_path());
  write_file(path, alone);

  BOOST_TEST(refusal().message.find("without its WAL") != std::string::npos);
  BOOST_TEST((read_file(path) == alone));
}

BOOST_FIXTURE_TEST_CASE(a_database_whose_making_was_cut_short_is_made, open_fixture) {
  fill(1);
  const auto no_tables = read_file(path);
  std::filesystem::remove_all(std::filesystem::path{path}.parent_path());
  write_file(path, no_tables);
  write_file(path + ".lock", "");

  BOOST_TEST(!!try_open());
}

BOOST_FIXTURE_TEST_CASE(another_database_in_its_place_is_taken, open_fixture) {
  fill(1);
  const auto before = open()->instance();
  std::filesystem::remove_all(std::filesystem::path{path}.parent_path());
  fill(2);
  open()->checkpoint_all();
  const auto other = read_file(path);
  std::filesystem::remove_all(std::filesystem::path{path}.parent_path());
  fill(1);
  for (const std::string part : {"-wal", "-shm"}) {
    std::filesystem::remove(path + part);
  }
  write_file(path, other);

  BOOST_TEST((open()->instance() != before));
  std::filesystem::remove(path);
  BOOST_TEST(refusal().message.find("was here before") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(an_online_copy_is_of_one_moment_and_whole, open_fixture) {
  fill(10);
  const auto writer = open();
  auto copy = online_copy::open(path);
  BOOST_REQUIRE(!!copy);
  writer->execute("DELETE FROM items WHERE id < 5");

  const auto to = folder.file("copy.db");
  BOOST_REQUIRE(!!copy->write(to));

  BOOST_TEST(copy->session().integer_of("SELECT count(*) FROM items").value() == 10);
  BOOST_TEST(!!check_copy(to));
  BOOST_TEST(!std::filesystem::exists(to + "-wal"));
  path = to;
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM items").value() == 10);
  BOOST_TEST(!copy->write(to)); // It does not write over anything.
}

// By hand a copy is brought back easily without a thought of the WAL, which SQLite would play over
// it: the copy would be undone, or a mixture of pages.
BOOST_FIXTURE_TEST_CASE(a_copy_beside_the_wal_of_another_file_is_refused, open_fixture) {
  fill(10);
  const auto saved = folder.file("saved.db");
  BOOST_REQUIRE(online_copy::open(path)->write(saved));
  open()->execute("INSERT INTO items VALUES (10, 'later')");
  const auto wal = read_file(path + "-wal");
  const auto index = read_file(path + "-shm");
  write_file(path, read_file(saved));

  const error refused = refusal();

  BOOST_TEST(refused.code == errc::internal);
  BOOST_TEST(refused.detail("fault") == "corrupt");
  BOOST_TEST(refused.message.find("delete " + path + "-wal") != std::string::npos);
  BOOST_TEST((read_file(path + "-wal") == wal));
  BOOST_TEST((read_file(path) == read_file(saved)));
  std::filesystem::remove(path + "-wal");
  std::filesystem::remove(path + "-shm");
  {
    const auto session = open();
    BOOST_TEST(session->integer_of("SELECT count(*) FROM items").value() == 10);
    session->execute("INSERT INTO items VALUES (10, 'again')");
  }
  BOOST_TEST(std::filesystem::file_size(path + "-wal") > 0U);
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM items").value() == 11); // Its own WAL.
}

// A reader of the file system of a backup, which may be mounted to be read only, needs no WAL.
BOOST_FIXTURE_TEST_CASE(a_copy_is_read_without_files_beside_it, open_fixture) {
  fill(10);
  const auto saved = folder.file("saved.db");
  BOOST_REQUIRE(online_copy::open(path)->write(saved));
  sqlite_options reading;
  reading.read_only = true;

  const auto session = open_sqlite(saved, reading).value();

  BOOST_TEST(session->integer_of("SELECT count(*) FROM items").value() == 10);
  BOOST_TEST(!std::filesystem::exists(saved + "-wal"));
  BOOST_TEST(!std::filesystem::exists(saved + "-shm"));
}

BOOST_FIXTURE_TEST_CASE(an_emptied_meta_table_is_refused, open_fixture) {
  { open()->execute("DELETE FROM troupe_meta"); }

  BOOST_TEST(refusal().detail("fault") == "corrupt");
}

BOOST_FIXTURE_TEST_CASE(a_missing_file_is_not_made_where_it_must_be_there, open_fixture) {
  options.create = false;

  BOOST_TEST(refusal().message.find("cannot open the lock files") != std::string::npos);
  std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
  BOOST_TEST(refusal().code == errc::invalid);
  BOOST_TEST(!std::filesystem::exists(path));
}

BOOST_FIXTURE_TEST_CASE(a_reader_sees_commits_and_cannot_write, open_fixture) {
  fill(3);
  const auto writer = open();
  options.read_only = true;
  options.capability.clear();
  const auto reader = open();

  writer->begin();
  writer->execute("DELETE FROM items WHERE id = 0");
  BOOST_TEST(reader->integer_of("SELECT count(*) FROM items").value() == 3);
  writer->commit();
  BOOST_TEST(reader->integer_of("SELECT count(*) FROM items").value() == 2);
  BOOST_CHECK_THROW(reader->execute("DELETE FROM items"), database_error);
}

BOOST_FIXTURE_TEST_CASE(opening_waits_for_the_turnstile_within_bounds, open_fixture) {
  fill(1);
  auto gate = turnstile::open(path);
  BOOST_REQUIRE(gate.has_value());
  BOOST_REQUIRE(gate->lock(milliseconds{100}).has_value());
  options.lock_patience = milliseconds{30};

  BOOST_TEST(refusal().code == errc::unavailable);
  gate->unlock();
  BOOST_TEST(try_open().has_value());
}

BOOST_FIXTURE_TEST_CASE(options_out_of_range_are_refused, open_fixture) {
  const auto refused = [this](auto change) {
    auto options_before = options;
    change(options);
    const auto code = refusal().code;
    options = options_before;
    return code;
  };

  BOOST_TEST(refused([](sqlite_options& o) { o.capability.clear(); }) == errc::invalid);
  BOOST_TEST(refused([](sqlite_options& o) { o.cache_kib = 1; }) == errc::invalid);
  BOOST_TEST(refused([](sqlite_options& o) { o.statements_max = 0; }) == errc::invalid);
  BOOST_TEST(refused([](sqlite_options& o) { o.truncate_pages = 10; }) == errc::invalid);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
