#include "runtime/descriptor.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe {

BOOST_AUTO_TEST_SUITE(runtime_descriptor, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(all_is_written_and_the_file_closed_at_the_end) {
  std::array<int, 2> ends{};
  BOOST_REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const descriptor from{ends[0]};
  {
    const descriptor to{ends[1]};
    BOOST_TEST(to.is_open());
    BOOST_TEST(to.write_all("some bytes"));
  }
  std::array<char, 32> read{};

  BOOST_TEST(::read(from.number(), read.data(), read.size()) == 10);
  BOOST_TEST(std::string{read.data()} == "some bytes");
  BOOST_TEST(::read(from.number(), read.data(), read.size()) == 0); // The end: nobody writes.
}

BOOST_AUTO_TEST_CASE(what_fails_says_why) {
  const descriptor full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
  BOOST_REQUIRE(full.is_open());

  const bool is_written = full.write_all("x");
  const int why_not_written = errno;
  const bool is_synced = sync_folder("/no/such/folder");
  const int why_not_synced = errno;

  BOOST_TEST(!is_written);
  BOOST_TEST(why_not_written == ENOSPC);
  BOOST_TEST(!is_synced);
  BOOST_TEST(why_not_synced == ENOENT);
  BOOST_TEST(!descriptor{-1}.is_open());
  BOOST_TEST(sync_folder(std::filesystem::temp_directory_path().string()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
