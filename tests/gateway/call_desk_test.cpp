#include "runtime/gateway/server/call_desk.hpp"

#include "tests/client/fake_broker.hpp"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;
using test::fake_broker;

std::optional<outcome<std::string>> echo(const wire::header_view&, std::string_view body) {
  return std::string{body};
}

/// A loop that runs a task when the test says so.
class stepped_loop {
public:
  void post(std::function<void()> task) {
    {
      const std::lock_guard lock{mutex_};
      tasks_.push_back(std::move(task));
    }
    posted_.notify_all();
  }

  /// Runs the next task, waiting for one; false if none comes.
  bool step() {
    std::unique_lock lock{mutex_};
    if (!posted_.wait_for(lock, 20s, [this] { return !tasks_.empty(); })) {
      return false;
    }
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    return true;
  }

  std::size_t waiting() {
    const std::lock_guard lock{mutex_};
    return tasks_.size();
  }

private:
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> tasks_;
};

struct desk_fixture {
  std::unique_ptr<call_desk> open() {
    auto made = call_desk::open(
        {.brokers = {broker.endpoint()}}, [this](auto task) { loop.post(std::move(task)); });
    BOOST_REQUIRE(made.has_value());
    return std::move(*made);
  }

  uuid call(call_desk& desk) {
    const auto made = desk.call(
        {.capability = "shop", .operation = "buy", .body = "\xa2hi", .deadline = 20s},
        [this](const client::completion& ended) {
          BOOST_TEST(ended.answer.has_value());
          told.insert(ended.id);
        });
    BOOST_REQUIRE(made.has_value());
    return *made;
  }

  fake_broker broker{echo};
  stepped_loop loop;
  std::multiset<uuid> told;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_gateway_server_call_desk, desk_fixture, *utf::label("integration") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_call_that_comes_alone_leaves_after_the_pass_it_came_in) {
  const auto desk = open();
  const uuid id = call(*desk);

  BOOST_TEST(loop.waiting() == 1U);
  BOOST_REQUIRE(loop.step());
  BOOST_REQUIRE(broker.wait_for_calls(1));
  BOOST_REQUIRE(loop.step());

  BOOST_TEST(told.count(id) == 1U);
  BOOST_TEST(desk->under_way() == 0U);
}

// Each pass brings another call: nothing would leave forever.
BOOST_AUTO_TEST_CASE(calls_leave_in_their_order_after_four_passes_that_bring_more) {
  const auto desk = open();
  std::vector<uuid> ids;
  for (int pass = 0; pass < 4; ++pass) {
    ids.push_back(call(*desk));
    BOOST_REQUIRE(loop.step());
  }

  BOOST_REQUIRE(broker.wait_for_calls(ids.size()));
  BOOST_TEST((broker.calls() == ids));
  while (desk->under_way() > 0) {
    BOOST_REQUIRE(loop.step());
  }
  BOOST_TEST((told == std::multiset<uuid>{ids.begin(), ids.end()}));
}

// What was begun before the loop ended is finished, though nobody hears of it any more.
BOOST_AUTO_TEST_CASE(closing_sends_and_finishes_what_waits_for_a_loop_that_has_ended) {
  const auto desk = open();
  (void)call(*desk);
  (void)call(*desk);

  desk->close(20s);

  BOOST_TEST(broker.calls().size() == 2U);
  BOOST_TEST(told.empty());
}

BOOST_AUTO_TEST_CASE(closing_does_not_wait_for_questions) {
  fake_broker silent{[](const auto&, auto) { return std::optional<outcome<std::string>>{}; }};
  auto desk = call_desk::open(
      {.brokers = {silent.endpoint()}}, [this](auto task) { loop.post(std::move(task)); });
  BOOST_REQUIRE(desk.has_value());
  const auto asked = (*desk)->ask(
      {.capability = "shop", .operation = "look", .body = "\xa2hi", .deadline = 60s},
      [](const client::completion&) {});
  BOOST_REQUIRE(asked.has_value());
  BOOST_REQUIRE(loop.step());
  BOOST_REQUIRE(silent.wait_for_calls(1));

  const auto began = std::chrono::steady_clock::now();
  (*desk)->close(40s);

  BOOST_TEST((std::chrono::steady_clock::now() - began < 20s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
