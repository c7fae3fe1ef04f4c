#include "runtime/security/key_file.hpp"

#include "tests/security/key_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <unistd.h>

namespace troupe::security {

namespace utf = boost::unit_test;

namespace {

mode_t mode_of(const std::string& file) {
  struct stat facts {};

  BOOST_REQUIRE(::stat(file.c_str(), &facts) == 0);
  return facts.st_mode & 07777U;
}

/// Checks that a file is refused with this code, and that the message names it and says `part`.
template <class Read>
void check_refused(const Read& read, const std::string& file, errc code, const std::string& part) {
  const auto done = read(file);
  BOOST_REQUIRE(!done);
  BOOST_TEST(name_of(done.error().code) == name_of(code));
  BOOST_TEST(done.error().message.find(file) != std::string::npos, done.error().message);
  BOOST_TEST(done.error().message.find(part) != std::string::npos, done.error().message);
}

std::string some_key() {
  return transport::to_z85(transport::make_curve_pair().public_key);
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_security_key_file, *utf::label("unit") * utf::timeout(20))

BOOST_FIXTURE_TEST_CASE(what_is_written_is_read_again, key_folder) {
  const auto first = transport::make_curve_pair();
  const auto second = transport::make_curve_pair();

  BOOST_REQUIRE(write_secret_key(file("a.key"), "a", first.secret_key));
  BOOST_REQUIRE(write_public_keys(file("a.pub"), "a", {first.public_key, second.public_key}));

  const auto secret = read_secret_key(file("a.key"));
  BOOST_REQUIRE(secret);
  BOOST_TEST(secret->bytes == first.secret_key.bytes);
  BOOST_TEST(transport::public_key_of(*secret) == first.public_key);
  const auto known = read_public_keys(file("a.pub"));
  BOOST_REQUIRE(known);
  BOOST_REQUIRE(known->size() == 2U);
  BOOST_TEST(known->front() == first.public_key);
  BOOST_TEST(known->back() == second.public_key);
}

BOOST_FIXTURE_TEST_CASE(a_secret_key_is_for_its_user_alone_whatever_the_umask, key_folder) {
  const mode_t before = ::umask(0);

  make("a");
  make("a"); // Over the first one.

  ::umask(before);
  BOOST_TEST(mode_of(file("a.key")) == 0600U);
  BOOST_TEST(mode_of(file("a.pub")) == 0644U);
}

BOOST_FIXTURE_TEST_CASE(nothing_but_the_two_files_is_left, key_folder) {
  make("a");
  BOOST_TEST(!write_secret_key(file("none/a.key"), "a", {}));

  std::set<std::string> names;
  for (const auto& each : std::filesystem::directory_iterator{path}) {
    names.insert(each.path().filename().string());
  }

  BOOST_TEST(names == (std::set<std::string>{"a.key", "a.pub"}));
}

// Who can make a link in the folder must not choose which file is overwritten.
BOOST_FIXTURE_TEST_CASE(a_link_is_replaced_and_its_target_is_not, key_folder) {
  write("precious", "mine");
  std::filesystem::create_symlink(file("precious"), file("a.key"));

  const auto pair = transport::make_curve_pair();
  BOOST_REQUIRE(write_secret_key(file("a.key"), "a", pair.secret_key));

  std::string text;
  std::ifstream{file("precious")} >> text;
  BOOST_TEST(text == "mine");
  BOOST_TEST(!std::filesystem::is_symlink(file("a.key")));
}

BOOST_FIXTURE_TEST_CASE(a_secret_key_that_others_may_read_is_refused, key_folder) {
  make("a");
  for (const mode_t mode : {0640U, 0604U, 0660U, 0644U, 0601U}) {
    BOOST_REQUIRE(::chmod(file("a.key").c_str(), mode) == 0);
    check_refused(read_secret_key, file("a.key"), errc::forbidden, "chmod 600");
  }
}

BOOST_FIXTURE_TEST_CASE(what_a_link_leads_to_is_what_is_checked, key_folder) {
  make("a");
  BOOST_REQUIRE(::chmod(file("a.key").c_str(), 0644) == 0);
  std::filesystem::create_symlink(file("a.key"), file("b.key"));

  check_refused(read_secret_key, file("b.key"), errc::forbidden, "chmod 600");
}

BOOST_FIXTURE_TEST_CASE(example_keys_of_the_manual_are_refused, key_folder) {
  check_refused(
      read_public_keys,
      write("a.pub", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n"),
      errc::invalid,
      "example key");
  check_refused(
      read_public_keys,
      write("b.pub", some_key() + "\nYne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\n"),
      errc::invalid,
      "line 2");
  check_refused(
      read_secret_key,
      write("a.key", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6\n"),
      errc::invalid,
      "example key");
  check_refused(
      read_secret_key,
      write("b.key", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\n"),
      errc::invalid,
      "example key");
  check_refused(
      read_public_keys,
      write("c.pub", "0000000000000000000000000000000000000000\n"),
      errc::invalid,
      "example key");
}

BOOST_FIXTURE_TEST_CASE(broken_files_are_refused_in_words_that_quote_no_key, key_folder) {
  const std::string key = some_key();
  check_refused(read_public_keys, write("empty.pub", ""), errc::invalid, "has 0 keys");
  check_refused(
      read_public_keys,
      write("many.pub", key + "\n" + some_key() + "\n" + some_key()),
      errc::invalid,
      "has 3 keys");
  check_refused(
      read_secret_key, write("two.key", key + "\n" + some_key()), errc::invalid, "has 2 secret");
  check_refused(
      read_secret_key, write("short.key", key.substr(1)), errc::invalid, "no key in line 1");
  check_refused(
      read_secret_key, write("long.key", "# a\n\n" + key + "0"), errc::invalid, "no key in line 3");
  check_refused(
      read_secret_key,
      write("zero.key", std::string{key}.replace(39, 1, 1, '\0')),
      errc::invalid,
      "no key in line 1");
  check_refused(
      read_secret_key,
      write("odd.key", std::string{key}.replace(0, 1, 1, '"')),
      errc::invalid,
      "no key in line 1");
  check_refused(
      read_public_keys, write("large.pub", std::string(5'000, '#')), errc::invalid, "too large");
  check_refused(read_public_keys, path, errc::invalid, "no file of keys");
  check_refused(read_secret_key, file("none.key"), errc::unavailable, "No such file");
  BOOST_TEST(
      read_secret_key(file("short.key")).error().message.find(key.substr(1, 8))
      == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_pipe_without_a_writer_is_refused_at_once, key_folder) {
  BOOST_REQUIRE(::mkfifo(file("a.key").c_str(), 0600) == 0);

  check_refused(read_secret_key, file("a.key"), errc::invalid, "no file of keys");
}

BOOST_FIXTURE_TEST_CASE(a_folder_that_others_may_write_is_refused, key_folder) {
  BOOST_TEST(check_key_folder(path).has_value());
  for (const mode_t mode : {0770U, 0707U, 0777U}) {
    BOOST_REQUIRE(::chmod(path.c_str(), mode) == 0);
    const auto checked = check_key_folder(path);
    BOOST_REQUIRE(!checked);
    BOOST_TEST(checked.error().message.find("chmod go-w") != std::string::npos);
  }
  BOOST_REQUIRE(::chmod(path.c_str(), 0700) == 0);
  BOOST_TEST(name_of(check_key_folder(file("none")).error().code) == "unavailable");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::security
