#include "runtime/gateway/server/call_book.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <stdexcept>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;

/// Keeps what is to be done later until `pass` comes to it.
class manual_loop final : public http_loop {
public:
  void post(std::function<void()> task) override { task(); }

  void post_after(milliseconds after, std::function<void()> task) override {
    alarms.emplace_back(time.now() + after, std::move(task));
  }

  void pass(milliseconds by) {
    const instant until = time.now() + by;
    for (;;) {
      const auto next = std::ranges::min_element(
          alarms, [](const auto& a, const auto& b) { return a.first < b.first; });
      if (next == alarms.end() || next->first > until) {
        break;
      }
      time.advance(next->first - time.now());
      const auto task = std::move(next->second);
      alarms.erase(next);
      task();
    }
    time.advance(until - time.now());
  }

  manual_clock time;
  std::deque<std::pair<instant, std::function<void()>>> alarms;
};

class noting_exchange final : public http::exchange {
public:
  explicit noting_exchange(int& status) : status_{status} {}

  bool respond(http::response answer) override {
    status_ = answer.status;
    return true;
  }

  http::stream open_stream(http::response, http::stream_listener) override {
    throw std::logic_error{"no stream is asked for"};
  }

private:
  int& status_;
};

struct call_book_fixture {
  http::responder into(int& status) const {
    return http::responder{std::make_shared<noting_exchange>(status)};
  }

  static uuid id(unsigned char number) {
    uuid made;
    made.bytes.back() = static_cast<std::byte>(number);
    return made;
  }

  manual_loop loop;
  call_book book{loop.time, loop};
  int first = 0;
  int second = 0;
  int third = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_gateway_call_book, call_book_fixture, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(each_hears_the_answer_or_in_his_own_time_where_to_come_again) {
  book.open(id(1), 7);
  book.wait(id(1), into(first), 5'000ms);
  book.wait(id(1), into(second), 200ms);
  book.wait(id(1), into(third), std::nullopt);

  loop.pass(199ms);
  BOOST_TEST(second == 0);
  loop.pass(1ms);
  BOOST_TEST(second == 202);
  loop.pass(4'799ms);
  BOOST_TEST(first == 0);
  loop.pass(1ms);
  BOOST_TEST(first == 202);

  book.end(id(1), {.status = 201});
  BOOST_TEST(third == 201);
  book.wait(id(1), into(first), 1'000ms);
  BOOST_TEST(first == 201);
}

// Clients choose how long they wait: 136 years, if they like.
BOOST_AUTO_TEST_CASE(nothing_is_left_of_calls_that_have_ended_however_long_somebody_would_wait) {
  for (int i = 0; i < 10'000; ++i) {
    book.open(id(1), 7);
    book.wait(id(1), into(first), std::chrono::seconds{4'294'967'295});
    book.wait(id(1), into(second), std::chrono::seconds{4'294'967'295 - i});
    book.end(id(1), {.status = 201});
  }

  BOOST_TEST(first == 201);
  BOOST_TEST(loop.alarms.size() <= 2U);
  loop.pass(2 * call_book::look_interval);
  BOOST_TEST(loop.alarms.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
