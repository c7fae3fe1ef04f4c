#include "runtime/gateway/server/key_book.hpp"

#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <future>

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
    book = key_book::open(folder.file("gateway.db"), kept, time, loop).value();
  }

  wall_time first_use(const uuid& hash) const {
    std::promise<wall_time> told;
    book->first_use(hash, [&told](const outcome<wall_time>& born) { told.set_value(*born); });
    return told.get_future().get();
  }

  static uuid hash(unsigned char number) {
    uuid made;
    made.bytes.back() = static_cast<std::byte>(number);
    return made;
  }

  store::temporary_folder folder;
  two_handed_clock time;
  loop_in_place loop;
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

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
