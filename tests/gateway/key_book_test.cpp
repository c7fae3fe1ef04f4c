#include "runtime/gateway/server/key_book.hpp"

#include "runtime/store/sqlite/database.hpp"
#include "runtime/time_text.hpp"
#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <filesystem>
#include <future>
#include <mutex>
#include <string>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;

constexpr auto day = 24h;
constexpr milliseconds kept = 7 * day;

/// Both hands move by themselves.
class two_handed_clock final : public clock {
public:
  instant now() const override { return now_; }

  wall_time wall() const override { return wall_; }

  void jump(std::chrono::hours by) { wall_ += by; }

  void pass(std::chrono::hours by) {
    now_ += by;
    wall_ += by;
  }

private:
  instant now_{1h};
  wall_time wall_{24h * 365 * 55};
};

class loop_in_place final : public http_loop {
public:
  void post(std::function<void()> task) override { task(); }

  void post_after(milliseconds, std::function<void()>) override {}
};

struct key_book_fixture {
  void open() {
    book.reset();
    book = key_book::open(folder.file("gateway.db"), kept, time, loop, most).value();
  }

  /// The word for the end of a first use by `client`: "known" or that of the error.
  std::string told_to(const char* client, const uuid& hash) const {
    std::promise<std::string> told;
    book->first_use(hash, client, [&told](const outcome<wall_time>& born) {
      told.set_value(born ? "known" : std::string{name_of(born.error().code)});
    });
    return told.get_future().get();
  }

  wall_time first_use(const uuid& hash) const {
    std::promise<wall_time> told;
    book->first_use(
        hash, "192.0.2.7", [&told](const outcome<wall_time>& born) { told.set_value(*born); });
    return told.get_future().get();
  }

  /// How many of so many new keys at once are taken.
  std::size_t known_of(const char* client, std::size_t count) const {
    std::promise<void> all;
    std::size_t known = 0;
    std::size_t told = 0;
    std::mutex mutex;
    for (std::size_t i = 0; i < count; ++i) {
      uuid key;
      std::memcpy(key.bytes.data(), &i, sizeof i);
      key.bytes.back() = std::byte{255};
      book->first_use(key, client, [&](const outcome<wall_time>& born) {
        const std::lock_guard lock{mutex};
        known += born ? 1U : 0U;
        if (++told == count) {
          all.set_value();
        }
      });
    }
    all.get_future().get();
    const std::lock_guard lock{mutex};
    return known;
  }

  static uuid hash(unsigned char number) {
    uuid made;
    made.bytes.back() = static_cast<std::byte>(number);
    return made;
  }

  store::temporary_folder folder;
  two_handed_clock time;
  loop_in_place loop;
  std::int64_t most = key_book::bytes_max;
  std::unique_ptr<key_book> book;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_gateway_key_book, key_book_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_key_keeps_its_first_time_and_is_new_once_it_is_old) {
  open();
  const wall_time first = time.wall();
  BOOST_TEST((first_use(hash(1)) == first));
  time.pass(6 * day);
  BOOST_TEST((first_use(hash(1)) == first));
  open();
  BOOST_TEST((first_use(hash(1)) == first));

  time.pass(4 * day);
  (void)first_use(hash(2));
  time.pass(1h);
  BOOST_TEST((first_use(hash(1)) == time.wall()));
}

BOOST_AUTO_TEST_CASE(after_an_orderly_end_the_file_is_whole_by_itself) {
  open();
  const wall_time first = first_use(hash(1));
  book.reset();
  // As an operator copies it who has stopped the system.
  std::filesystem::copy_file(folder.file("gateway.db"), folder.file("copy.db"));
  auto copy = store::open_sqlite(folder.file("copy.db"), {.read_only = true});
  BOOST_REQUIRE(copy);
  BOOST_TEST(
      (*copy)->integer_of("SELECT born FROM keys WHERE hash = $1", hash(1)).value()
      == unix_millis(first));
}

BOOST_AUTO_TEST_CASE(a_clock_that_jumps_forgets_no_key) {
  open();
  const wall_time first = time.wall();
  (void)first_use(hash(1));
  time.pass(1h);
  time.jump(30 * day);
  (void)first_use(hash(2));
  time.pass(1h);
  (void)first_use(hash(2));
  BOOST_TEST((first_use(hash(1)) == first));

  open(); // Nor if it is wrong while the gateway starts.
  time.pass(1h);
  (void)first_use(hash(2));
  BOOST_TEST((first_use(hash(1)) == first));
}

BOOST_AUTO_TEST_CASE(a_file_that_was_made_under_a_wrong_clock_forgets_no_key_of_the_right_one) {
  time.jump(14 * 365 * day);
  open();
  time.jump(-14 * 365 * day);
  const wall_time first = time.wall();
  BOOST_TEST((first_use(hash(1)) == first));
  time.pass(1h);
  (void)first_use(hash(2)); // Whatever is due is forgotten with it.
  BOOST_TEST((first_use(hash(1)) == first));
  open();
  time.pass(1h);
  (void)first_use(hash(2));
  BOOST_TEST((first_use(hash(1)) == first));

  for (int i = 0; i < 9; ++i) {
    time.pass(1 * day);
    (void)first_use(hash(2));
  }
  (void)first_use(hash(3));
  BOOST_TEST((first_use(hash(1)) == time.wall())); // The trial is over.
}

BOOST_AUTO_TEST_CASE(a_client_fills_no_disk_and_takes_no_place_of_others) {
  most = 60 * 4'096; // Some 2,000 keys beside what a new file has.
  open();
  BOOST_TEST(told_to("2001:db8::1", hash(1)) == "known");
  const std::size_t taken = known_of("2001:db8::1", 1'500);

  BOOST_TEST(taken > 500U);
  BOOST_TEST(taken < 1'300U);
  BOOST_TEST(told_to("2001:db8::2", hash(2)) == "overloaded"); // The same /64.
  BOOST_TEST(told_to("2001:db8::1", hash(1)) == "known");
  // By chance some share a place with the one that has too many.
  int known = 0;
  for (unsigned char i = 0; i < 8; ++i) {
    const std::string other = "192.0.2." + std::to_string(i);
    known += told_to(other.c_str(), hash(static_cast<unsigned char>(10 + i))) == "known" ? 1 : 0;
  }
  BOOST_TEST(known >= 5);
}

BOOST_AUTO_TEST_CASE(a_full_file_knows_its_keys_and_takes_no_more) {
  open();
  BOOST_TEST(told_to("192.0.2.7", hash(1)) == "known");
  most = 1;
  open();

  BOOST_TEST(told_to("192.0.2.7", hash(1)) == "known");
  BOOST_TEST(told_to("192.0.2.7", hash(2)) == "overloaded");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
