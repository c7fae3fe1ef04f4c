#include "runtime/worker/saga_calls.hpp"

#include "runtime/transport/wake.hpp"
#include "tests/worker/process_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

/// Calls of sagas without a broker: each waits for a link until its time is up.
struct saga_calls_fixture {
  saga_calls_fixture() {
    actor_type type = things_type(seen);
    from = std::make_unique<process>(time, "n1", type, things_options(folder));
  }

  saga::outgoing::call call(std::uint64_t token, milliseconds timeout, std::string body = "body") {
    return {
        .saga = saga_id,
        .token = token,
        .id = id,
        .capability = "shop",
        .operation = "reserve",
        .key = {},
        .body = std::move(body),
        .timeout = timeout};
  }

  void add(const saga::outgoing::call& one) { tested.add(*from->front, one, time.now()); }

  /// The answers that the group has got since the last time: their tokens and codes.
  std::vector<std::pair<std::uint64_t, errc>> answers() {
    std::vector<item> taken;
    (void)from->front->queues().all()[0].take(taken);
    std::vector<std::pair<std::uint64_t, errc>> found;
    for (const item& each : taken) {
      BOOST_TEST((each.what == item::kind::saga_answered));
      BOOST_TEST(each.failed);
      found.emplace_back(each.token, wire::read_error(each.body)->code);
    }
    return found;
  }

  using list = std::vector<std::pair<std::uint64_t, errc>>;

  temporary_folder folder;
  manual_clock time;
  probe seen;
  transport::context zmq;
  transport::wake bell;
  transport::peer_loop loop{zmq, time, {{"tcp://127.0.0.1:1"}, {}, 1'000'000}, bell};
  saga_calls tested{loop, 1, time.now()};
  std::unique_ptr<process> from;
  const uuid id{.bytes = {std::byte{1}}};
  uuid saga_id{.bytes = {std::byte{2}}};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_saga_calls, saga_calls_fixture, *utf::label("integration") * utf::timeout(60))

// A coordinator was made again and asks as try 1, while the former one's try 2 is out. The answer
// to what is out must reach the new try, or the saga waits forever.
BOOST_AUTO_TEST_CASE(a_call_that_is_out_is_adopted_with_its_token_and_its_time) {
  add(call(2, 1s));
  time.advance(500ms);

  add(call(1, 1s));

  BOOST_TEST(tested.size() == 1U);
  time.advance(600ms);
  tested.expire(time.now());
  BOOST_TEST(answers().empty());
  time.advance(401ms);
  tested.expire(time.now());
  BOOST_TEST((answers() == list{{1, errc::deadline_exceeded}}));
  BOOST_TEST(tested.size() == 0U);
}

BOOST_AUTO_TEST_CASE(another_request_under_an_id_that_is_out_waits_for_its_end) {
  add(call(1, 1s));

  add(call(2, 1s, "another body"));
  saga_id = uuid{.bytes = {std::byte{3}}};
  add(call(7, 1s)); // Of another saga: the answer to the first is not its own.

  BOOST_TEST((answers() == list{{2, errc::unavailable}, {7, errc::unavailable}}));
  time.advance(1001ms);
  tested.expire(time.now());
  BOOST_TEST((answers() == list{{1, errc::deadline_exceeded}}));
  add(call(8, 1s));
  BOOST_TEST(answers().empty());
}

// Dropped without a word, it would leave its saga waiting forever.
BOOST_AUTO_TEST_CASE(a_call_that_cannot_be_sent_fails) {
  saga::outgoing::call one = call(1, 1s);
  one.key = std::string(300, 'k');

  add(one);

  BOOST_TEST((answers() == list{{1, errc::invalid}}));
  BOOST_TEST(tested.size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
