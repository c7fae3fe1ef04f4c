#include "runtime/store/sqlite/wal_check.hpp"

#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

constexpr std::size_t header_size = 32;
constexpr std::size_t frame_size = 24 + 4096;

/// A database whose last commits are only in its WAL, one frame each.
struct wal_fixture : store_fixture {
  std::string wal = path + "-wal";
  std::string whole;
  std::size_t frames = 0;

  wal_fixture() {
    {
      const auto session = open();
      session->execute("CREATE TABLE log (n INTEGER PRIMARY KEY)");
      for (int n = 0; n < 20; ++n) {
        session->execute("INSERT INTO log VALUES ($1)", n);
      }
    }
    whole = read_file(wal);
    frames = (whole.size() - header_size) / frame_size;
    BOOST_REQUIRE(frames > 20U);
  }

  bool sound() { return check_wal(wal).has_value(); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_wal_check, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(a_whole_wal_is_sound, wal_fixture) {
  BOOST_TEST(sound());
  BOOST_TEST(check_wal(folder.file("missing-wal")).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_torn_end_is_sound, wal_fixture) {
  for (const auto cut : {1U, 100U, 4119U, 4120U, 4121U, 10'000U}) {
    write_file(wal, whole.substr(0, whole.size() - cut));
    BOOST_TEST(sound());
  }
  // Lost writes leave zeros.
  write_file(wal, whole.substr(0, whole.size() - frame_size) + std::string(3 * frame_size, '\0'));
  BOOST_TEST(sound());
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM log").value() == 19);
}

// Without the check SQLite would serve the commits before the damage, in silence.
BOOST_FIXTURE_TEST_CASE(a_bit_flipped_in_the_middle_is_refused, wal_fixture) {
  for (std::size_t frame = 0; frame + 3 < frames; ++frame) {
    for (const auto place : {0U, 5U, 9U, 17U, 23U, 24U, 2000U, 4119U}) {
      write_file(wal, whole);
      flip_bit(wal, header_size + frame * frame_size + place);
      BOOST_TEST_CONTEXT("frame " << frame << ", byte " << place) {
        BOOST_TEST(!sound());
      }
    }
  }
  BOOST_TEST(refusal().detail("fault") == "corrupt");
}

BOOST_FIXTURE_TEST_CASE(a_bit_flipped_in_the_header_is_refused, wal_fixture) {
  for (std::size_t place = 0; place < header_size; ++place) {
    write_file(wal, whole);
    flip_bit(wal, place);
    BOOST_TEST_CONTEXT("byte " << place) {
      BOOST_TEST(!sound());
    }
  }
}

// A WAL that was started over keeps older frames behind the newer ones.
BOOST_FIXTURE_TEST_CASE(frames_from_before_a_restart_are_no_damage, wal_fixture) {
  options.checkpoint_pages = 5;
  {
    const auto session = open();
    for (int n = 100; n < 130; ++n) {
      session->execute("INSERT INTO log VALUES ($1)", n);
      session->checkpoint();
    }
  }

  BOOST_TEST(sound());
  BOOST_TEST(open()->integer_of("SELECT count(*) FROM log").value() == 50);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
