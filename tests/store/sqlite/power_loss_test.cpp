#include "tests/store/sqlite/forgetful_vfs.hpp"
#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

constexpr int rounds = 30;
/// Of each transaction, so that it spans pages and can be found half-written.
constexpr int rows_per_round = 12;

struct power_fixture : store_fixture {
  forgetful_vfs disk;
  std::vector<std::string> fsync_errors;

  power_fixture() { use(disk); }

  void use(const forgetful_vfs& other) {
    options.vfs = other.name();
    options.checkpoint_pages = 20;
    options.truncate_pages = 60;
    options.on_fatal = [this](const std::string& what) { fsync_errors.push_back(what); };
  }

  /// Commits numbered rounds until the end or the first error; the last number confirmed, or -1.
  int write_rounds(int first = 0) {
    int confirmed = first - 1;
    try {
      auto opened = try_open();
      if (!opened) {
        return confirmed;
      }
      auto& session = **opened;
      session.execute("CREATE TABLE IF NOT EXISTS log (round INTEGER, part INTEGER, body TEXT, "
                      "PRIMARY KEY (round, part))");
      for (int round = first; round < first + rounds; ++round) {
        transaction writing{session};
        for (int part = 0; part < rows_per_round; ++part) {
          session.execute(
              "INSERT INTO log VALUES ($1, $2, $3)", round, part, std::string(700, 'b'));
        }
        writing.commit();
        confirmed = round;
        session.checkpoint();
      }
    } catch (const database_error&) {
      // The power is gone.
    }
    return confirmed;
  }

  /// What is found after a restart: sound, every round whole, and none after a gap.
  int last_round_found() {
    auto opened = try_open();
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    auto& session = **opened;
    BOOST_TEST(session.text_of("PRAGMA integrity_check").value() == "ok");
    if (session.integer_of("SELECT count(*) FROM sqlite_schema WHERE name = 'log'") == 0) {
      return -1;
    }
    const auto last = session.integer_of("SELECT max(round) FROM log").value_or(-1);
    BOOST_TEST(
        session.integer_of("SELECT count(*) FROM log").value() == (last + 1) * rows_per_round);
    return static_cast<int>(last);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_power_loss, *utf::label("integration") * utf::timeout(240))

// Power loss keeps every confirmed commit.
BOOST_FIXTURE_TEST_CASE(what_commit_returned_for_survives_power_loss, power_fixture) {
  const auto confirmed = write_rounds();
  BOOST_REQUIRE(confirmed == rounds - 1);
  disk.crash();
  disk.restart(forgetful_vfs::unsynced::lost);

  BOOST_TEST(last_round_found() == confirmed);
}

// The counter-check: this test bench does notice commits that are not synced.
BOOST_FIXTURE_TEST_CASE(without_fsync_confirmed_commits_are_lost, power_fixture) {
  options.durable = false;
  options.checkpoint_pages = 100'000;
  options.truncate_pages = 200'000;
  const auto confirmed = write_rounds();
  BOOST_REQUIRE(confirmed == rounds - 1);
  disk.crash();
  disk.restart(forgetful_vfs::unsynced::lost);

  auto opened = try_open();
  const bool lost =
      !opened || (*opened)->integer_of("SELECT count(*) FROM sqlite_schema WHERE name = 'log'") == 0
      || (*opened)->integer_of("SELECT max(round) FROM log").value_or(-1) < confirmed;
  BOOST_TEST(lost);
}

// The power goes before every single operation on the disk, opening included.
BOOST_AUTO_TEST_CASE(power_loss_at_every_operation_keeps_every_confirmed_round) {
  std::uint64_t crashes = 0;
  for (const auto fate : {forgetful_vfs::unsynced::lost, forgetful_vfs::unsynced::reordered}) {
    // Every operation while the files are being made; further on a stride that shares no factor
    // with the pattern of a commit.
    for (std::uint64_t nth = 1;; nth += nth < 60 ? 1 : 7) {
      BOOST_TEST_CONTEXT("operation " << nth << ", fate " << static_cast<int>(fate)) {
        power_fixture fixture;
        forgetful_vfs disk{nth};
        fixture.use(disk);
        disk.crash_before(nth);
        const auto confirmed = fixture.write_rounds();
        const bool crashed = disk.crashed();
        disk.crash();
        disk.restart(fate);

        const auto found = fixture.last_round_found();
        // The round that was being committed may be there, whole.
        BOOST_TEST_INFO("found " << found << ", confirmed " << confirmed);
        BOOST_TEST((found == confirmed || found == confirmed + 1));
        BOOST_TEST(fixture.write_rounds(found + 1) == found + rounds);
        if (!crashed) {
          break;
        }
        ++crashes;
      }
    }
  }
  BOOST_TEST(crashes > 150U);
}

// The owner is told of an fsync error, and nothing is confirmed after it.
BOOST_FIXTURE_TEST_CASE(after_an_fsync_error_the_session_only_refuses, power_fixture) {
  BOOST_REQUIRE(write_rounds() == rounds - 1);
  auto session = open();
  disk.fail_sync(1);

  session->begin();
  session->execute("INSERT INTO log VALUES (1000, 0, 'x')");
  BOOST_TEST(fault_of_call([&] { session->commit(); }) == database_fault::fsync);

  BOOST_TEST(disk.sync_failed());
  BOOST_TEST(fsync_errors.size() == 1U);
  BOOST_CHECK_THROW(session->begin(), database_error);
  BOOST_CHECK_THROW(session->integer_of("SELECT count(*) FROM log"), database_error);
  session.reset();
  disk.crash();
  disk.restart(forgetful_vfs::unsynced::lost);
  BOOST_TEST(last_round_found() == rounds - 1);
}

BOOST_FIXTURE_TEST_CASE(an_fsync_error_in_a_checkpoint_counts_as_one, power_fixture) {
  BOOST_REQUIRE(write_rounds() == rounds - 1);
  auto session = open();
  session->begin();
  for (int n = 0; n < 200; ++n) {
    session->execute("INSERT INTO log VALUES (1000, $1, $2)", n, std::string(700, 'c'));
  }
  session->commit();
  disk.fail_sync(1);

  BOOST_TEST(fault_of_call([&] { session->checkpoint(); }) == database_fault::fsync);

  BOOST_TEST(fsync_errors.size() == 1U);
}

// A full disk: the session refuses to write, goes on reading, and recovers when space returns.
BOOST_FIXTURE_TEST_CASE(a_full_disk_is_refused_in_words_and_recovered_from, power_fixture) {
  BOOST_REQUIRE(write_rounds() == rounds - 1);
  auto session = open();
  const auto fill = [&](std::int64_t round) {
    transaction writing{*session};
    for (int part = 0; part < 2000; ++part) {
      session->execute("INSERT INTO log VALUES ($1, $2, $3)", round, part, std::string(700, 'f'));
    }
    writing.commit();
  };
  disk.limit_growth(100'000);

  BOOST_TEST(fault_of_call([&] { fill(1000); }) == database_fault::full);

  BOOST_TEST(!session->in_transaction());
  BOOST_TEST(session->integer_of("SELECT count(*) FROM log").value() == rounds * rows_per_round);
  BOOST_CHECK_NO_THROW(session->checkpoint());
  disk.unlimit_growth();
  BOOST_CHECK_NO_THROW(fill(1000));
  BOOST_TEST(session->integer_of("SELECT count(*) FROM log WHERE round = 1000").value() == 2000);
}

// The index of a WAL is a file, too, which grows by 32 KiB for each 4,096 pages.
BOOST_FIXTURE_TEST_CASE(a_disk_without_room_for_the_index_of_the_wal_is_full, power_fixture) {
  BOOST_REQUIRE(write_rounds() == rounds - 1);
  auto session = open();
  const auto fill = [&] {
    transaction writing{*session};
    for (int part = 0; part < 4'200; ++part) {
      session->execute("INSERT INTO log VALUES (1000, $1, $2)", part, std::string(3'000, 'f'));
    }
    writing.commit();
  };
  disk.set_index_full(true);

  BOOST_TEST(fault_of_call(fill) == database_fault::full);

  BOOST_TEST(session->integer_of("SELECT count(*) FROM log").value() == rounds * rows_per_round);
  disk.set_index_full(false);
  BOOST_CHECK_NO_THROW(fill());
  BOOST_TEST(session->integer_of("SELECT count(*) FROM log WHERE round = 1000").value() == 4'200);
}

// Some errors make SQLite drop the whole transaction: what follows must not run outside of one.
BOOST_FIXTURE_TEST_CASE(nothing_slips_out_of_a_transaction_that_an_error_undid, power_fixture) {
  BOOST_REQUIRE(write_rounds() == rounds - 1);
  options.cache_kib = 64;
  auto session = open();
  session->begin();
  disk.limit_growth(0);
  const auto fault = fault_of_call([&] {
    for (int part = 0; part < 5000; ++part) {
      session->execute("INSERT INTO log VALUES (1000, $1, $2)", part, std::string(700, 'f'));
    }
  });
  disk.unlimit_growth();

  BOOST_TEST(fault == database_fault::full);
  BOOST_TEST(session->in_transaction());
  // Whether or not SQLite kept the transaction: only a whole one may ever be seen.
  try {
    session->execute("INSERT INTO log VALUES (1001, 0, 'after')");
  } catch (const database_error&) {
  }
  session->rollback();
  BOOST_TEST(session->integer_of("SELECT count(*) FROM log WHERE round >= 1000").value() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
