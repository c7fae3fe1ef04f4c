#include "runtime/strangler/flag_file.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

struct folder_fixture {
  folder_fixture()
      : folder{std::filesystem::temp_directory_path() / ("flags-" + std::to_string(::getpid()))} {}

  ~folder_fixture() { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
  std::string path = (folder / "data" / "g1.flags").string();
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_strangler_flag_file, folder_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(flags_are_kept_and_read_again) {
  BOOST_TEST(kept_flags(path).value().has_value() == false);

  BOOST_REQUIRE(keep_flags(path, {{"billing", 2'500}}));
  BOOST_REQUIRE(keep_flags(path, {{"billing", 10'000}, {"users", 0}}));

  const flag_values expected{{"billing", 10'000}, {"users", 0}};
  BOOST_TEST((kept_flags(path).value() == expected));
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_no_flags) {
  BOOST_REQUIRE(keep_flags(path, {{"billing", 2'500}}));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  BOOST_TEST((kept_flags(path).error().code == errc::invalid));

  std::filesystem::resize_file(path, 0);
  BOOST_TEST((kept_flags(path).error().code == errc::invalid));
}

BOOST_AUTO_TEST_CASE(a_pipe_that_nobody_writes_is_no_flags) {
  BOOST_REQUIRE(keep_flags(path, {{"billing", 2'500}}));
  std::filesystem::remove(path);
  BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);

  const auto read = kept_flags(path);

  BOOST_REQUIRE(!read);
  BOOST_TEST(read.error().message == path + " holds no flags: nobody writes into this pipe");
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_said) {
  std::filesystem::create_directories(folder);
  std::ofstream{folder / "data"} << "a file";

  BOOST_TEST((keep_flags(path, {}).error().code == errc::unavailable));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
