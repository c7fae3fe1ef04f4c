#include "tests/broker/events/service_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

/// A journal with dead letters of `mail`, and people whose orders come again: the broker died, or
/// the link was lost, before they heard the answer.
struct letters_fixture : service_fixture {
  std::vector<uuid> letters;

  void begin_with(std::size_t count) {
    open();
    journal_batch batch;
    for (std::size_t i = 0; i < count; ++i) {
      letters.push_back(give_up(batch).id);
    }
    must_write(batch);
    journal.reset();
    start();
  }

  /// Gives an order under an id of the test's, and waits for its answer.
  template <wire::message Answer, wire::message Request>
  Answer order(const uuid& id, std::string_view operation, const Request& request) {
    answers.erase(id);
    refusals.erase(id);
    wire::header_view header;
    header.id = id;
    header.op = operation;
    header.ttl = 600'000;
    service->call(alice, header, wire::encoded(request), connection_of(alice), time.now());
    return answer_of<Answer>(id);
  }

  void restart() {
    service.reset();
    start();
  }

  /// `mail` comes up, and its database has handled position 1, with a dead letter that it was not
  /// told of.
  void tell_of_the_first() {
    assigned.clear();
    wire::hello hello;
    hello.node = "n1";
    hello.serves.push_back({.capability = "mail", .credit = 1, .events = 10});
    service->joined(n1, hello, time.now());
    BOOST_REQUIRE(assigned.size() == 1U);
    wire::assigned state{"mail", assigned[0].epoch, {}, {}};
    for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
      state.partitions.push_back({i, 0, {}});
    }
    const auto answer = ask(ask_positions{{1}});
    const event& first = *answer.events.at(0);
    wire::partition_state& part = state.partitions[wire::partition_of(first.key, first.id)];
    part.handled = 1;
    part.waiting.push_back({1, 3, true, "rejected", "no", 0});
    reports.clear();
    say(wire::kind::assigned, state);
    run_until([&] { return has_report("event_buried"); });
    publish("noise"); // The batch before it is on disk.
  }

  std::size_t left() {
    return answer_of<wire::letters_found>(call("dead_letters", wire::get_dead_letters{}))
        .letters.size();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_broker_letter_orders, letters_fixture, *utf::label("integration") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(an_order_to_retry_that_comes_again_is_answered_again) {
  begin_with(2);
  wire::retry_dead_letter one;
  one.id = letters[0];
  const uuid id = ids.next(time.wall());
  const auto give = [&] {
    return order<wire::letters_retried>(id, "retry_dead_letter", one).retried;
  };

  BOOST_TEST(give() == 1U);
  BOOST_TEST(give() == 1U);
  restart();
  BOOST_TEST(give() == 1U);

  BOOST_TEST(positions("*").size() == 3U); // Two, and one of them again.
  BOOST_TEST(left() == 1U);
  const uuid other = call("retry_dead_letter", one);
  run_until([&] { return refusals.contains(other); });
  BOOST_TEST(refusals[other].detail("reason") == "no_dead_letter");
}

BOOST_AUTO_TEST_CASE(an_order_to_drop_that_comes_again_is_answered_again) {
  begin_with(1);
  const uuid id = ids.next(time.wall());
  const auto give = [&](const uuid& under) {
    return order<wire::letter_dropped>(
               under, "drop_dead_letter", wire::drop_dead_letter{letters[0]})
        .dropped;
  };

  BOOST_TEST(give(id));
  restart();
  BOOST_TEST(give(id));
  BOOST_TEST(!give(ids.next(time.wall())));
}

// The broker dies after the first page: what the order has done before counts in its answer.
BOOST_AUTO_TEST_CASE(an_order_for_many_goes_on_where_it_was_cut_off) {
  constexpr std::size_t count = 501; // A page has 500.
  begin_with(count);
  wire::header_view header;
  header.id = ids.next(time.wall());
  header.op = "retry_dead_letters";
  header.ttl = 600'000;
  const wire::change_dead_letters all;
  service->call(alice, header, wire::encoded(all), connection_of(alice), time.now());
  run_until([&] { return !ask(ask_dead_letter{letters[0]}).what; });
  BOOST_REQUIRE(!answers.contains(header.id));
  restart();

  const auto again = order<wire::letters_retried>(header.id, "retry_dead_letters", all);

  BOOST_TEST(again.retried == count);
  BOOST_TEST(left() == 0U);
  BOOST_TEST(order<wire::letters_retried>(header.id, "retry_dead_letters", all).retried == count);
}

// The worker died before it heard of the letter, and an earlier event of its partition holds the
// cursor back, so that no cursor says that the letter was there.
BOOST_AUTO_TEST_CASE(a_letter_that_was_dropped_is_not_made_again_by_an_old_worker) {
  open();
  journal_batch batch;
  dead_letter& letter = give_up(batch);
  letter.id = derived_id(letter.what->id, "mail:1");
  const wire::drop_dead_letter drop{letter.id};
  must_write(batch);
  journal.reset();
  start();
  BOOST_TEST(answer_of<wire::letter_dropped>(call("drop_dead_letter", drop)).dropped);
  restart();

  tell_of_the_first();

  BOOST_TEST(left() == 0U);
  BOOST_TEST(has_report("dead_letter_decided"));
}

BOOST_AUTO_TEST_CASE(a_letter_that_was_never_written_is_made_at_the_next_assignment) {
  open();
  fill("order.created", 1);
  journal.reset();
  start();

  tell_of_the_first();

  BOOST_TEST(left() == 1U);
  BOOST_TEST(!has_report("dead_letter_decided"));
}

BOOST_AUTO_TEST_CASE(orders_that_are_long_past_are_forgotten) {
  open();
  const uuid first = ids.next(time.wall());
  must_write({.letter_orders = {{first, 1}}});
  constexpr std::size_t kept = 65'536;
  journal_batch batch;
  for (std::size_t i = 0; i < kept - 1; ++i) {
    batch.letter_orders.push_back({ids.next(time.wall()), 1});
  }
  must_write(batch);
  BOOST_TEST(ask(ask_dead_letter{first, first}).changed == 1U);

  must_write({.letter_orders = {{ids.next(time.wall()), 1}}});

  BOOST_TEST(ask(ask_dead_letter{first, first}).changed == 0U);
}

BOOST_AUTO_TEST_CASE(large_events_that_wait_are_fetched_page_by_page) {
  std::vector<subscription_options> later;
  std::swap(what.subscriptions, later);
  start();
  std::vector<uuid> asked;
  for (int i = 0; i < 6; ++i) {
    wire::header_view header;
    header.id = ids.next(time.wall());
    header.op = "order.created";
    header.key = "k";
    asked.push_back(header.id);
    service->publish(alice, header, std::string(1'000'000, 'x'), time.now());
  }
  run_until([&] { return answers.size() == asked.size(); });
  std::swap(what.subscriptions, later);
  what.subscriptions[0].start = 6;
  restart();
  wire::hello hello;
  hello.node = "n1";
  hello.serves.push_back({.capability = "mail", .credit = 1, .events = 10});
  service->joined(n1, hello, time.now());
  BOOST_REQUIRE(assigned.size() == 1U);
  wire::assigned state{"mail", assigned[0].epoch, {}, {}};
  wire::partition_state& part = state.partitions.emplace_back();
  part.partition = wire::partition_of("k", {});
  part.handled = 6;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    part.waiting.push_back({i, i == 1 ? 1U : 0U, false, "", "", 0});
  }

  say(wire::kind::assigned, state);
  run_until([&] { return !delivered.empty(); }); // None goes before all are there.

  BOOST_TEST(delivered == std::vector<std::uint64_t>{1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
