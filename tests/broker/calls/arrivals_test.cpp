#include "tests/broker/calls/router_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::broker {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_broker_calls_arrivals, *utf::label("unit") * utf::timeout(30))

using logins = std::vector<std::uint32_t>;

BOOST_FIXTURE_TEST_CASE(a_call_goes_to_a_worker_and_its_answer_back, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));

  call(1, 77);
  reply(1, 1, "result");

  BOOST_TEST(receivers(1) == logins{1}, boost::test_tools::per_element());
  BOOST_REQUIRE(ended.size() == 1U);
  BOOST_TEST((ended[0].to == origin{77}));
  BOOST_TEST(ended[0].body == "result");
  BOOST_TEST(tested.size() == 0U);
  BOOST_TEST(!tested.has_timers());
}

BOOST_FIXTURE_TEST_CASE(an_unknown_capability_is_refused_with_the_nearest_name, router_fixture) {
  call(1, 0, 1s, {}, "ordres");

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::unknown_capability));
  BOOST_TEST(refusal(1)->message.find("`orders`") != std::string::npos);
}

// The comparison with all names is a loop's time, which one caller must not take from all others.
BOOST_FIXTURE_TEST_CASE(
    of_many_unknown_capabilities_at_once_one_gets_the_nearest_name, router_fixture) {
  call(1, 0, 1s, {}, "ordres");
  call(2, 0, 1s, {}, "oders");
  advance(10ms);
  call(3, 0, 1s, {}, "rders");

  BOOST_REQUIRE((refusal(2) && refusal(3)));
  BOOST_TEST(refusal(2)->message == "there is no capability `oders`");
  BOOST_TEST(refusal(3)->message.find("`orders`") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(the_capability_of_a_node_leads_to_that_node, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n2", 2));

  call(1, 0, 1s, {}, "troupe.node.n2");
  call(2, 0, 1s, {}, "troupe.node.n2");

  BOOST_TEST(receivers(1) == logins{2}, boost::test_tools::per_element());
  BOOST_TEST(receivers(2) == logins{2}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(the_same_call_again_attaches, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));

  call(1, 11);
  call(1, 12);
  call(1, 12); // The same peer once more: one answer is enough.
  reply(1, 1);

  BOOST_TEST(receivers(1).size() == 1U);
  BOOST_TEST(answers(1) == 2U);
}

BOOST_FIXTURE_TEST_CASE(the_same_id_with_other_content_is_a_conflict, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 11);

  call(1, 12, 1s, {}, "orders", "another body");
  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::conflict));
  BOOST_TEST(refusal(1)->detail("reason") == "id_reused");

  forget_all();
  call(1, 13, 1s, {}, "users");
  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::conflict));
}

BOOST_FIXTURE_TEST_CASE(the_same_id_with_another_operation_is_a_conflict, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 11);
  std::string header;
  wire::append_call_header(header, {.id = id(1), .to = "orders", .op = "cancel", .ttl = 1'000});

  tested.call(origin{12}, *wire::scan_header(header), header, "body", now, out);

  BOOST_REQUIRE(out.errors.size() == 1U);
  BOOST_TEST((out.errors[0].code == errc::conflict));
  BOOST_TEST(out.errors[0].detail("reason") == "id_reused");
}

BOOST_FIXTURE_TEST_CASE(at_most_sixteen_wait_for_one_call, router_fixture) {
  for (std::uint64_t from = 1; from <= 17; ++from) {
    call(1, from);
  }

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::overloaded));
  BOOST_TEST(refusal(1)->retry_after.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_call_without_time_is_refused_at_once, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));

  call(1, 0, 0ms);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::deadline_exceeded));
  BOOST_TEST((refusal(1)->possible == effect::none));
  BOOST_TEST(delivered.empty());
}

BOOST_FIXTURE_TEST_CASE(a_call_nobody_took_expires_without_effect, router_fixture) {
  call(1, 0, 100ms);

  advance(90ms);
  BOOST_TEST(ended.empty());
  advance(20ms);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::deadline_exceeded));
  BOOST_TEST((refusal(1)->possible == effect::none));
  BOOST_TEST(tested.size() == 0U);
}

BOOST_FIXTURE_TEST_CASE(
    a_delivered_call_expires_with_unknown_effect_and_keeps_its_credit, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  call(1, 0, 100ms);
  call(2, 0, 5s);

  advance(110ms);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->possible == effect::unknown));
  BOOST_TEST(receivers(2).empty()); // The worker is still busy with the first.
  reply(1, 1);
  BOOST_TEST(answers(1) == 0U);
  BOOST_TEST(receivers(2).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(
    asking_again_attaches_to_the_call_that_outlived_its_waiters, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 11, 100ms);
  advance(110ms);
  forget_all();

  call(1, 12, 1s);
  reply(1, 1);

  BOOST_TEST(delivered.empty());
  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(tested.size() == 0U);
}

BOOST_FIXTURE_TEST_CASE(each_waiter_has_its_own_deadline, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 11, 100ms);
  call(1, 12, 500ms);

  advance(110ms);
  BOOST_REQUIRE(ended.size() == 1U);
  BOOST_TEST((ended[0].to == origin{11}));
  reply(1, 1);

  BOOST_REQUIRE(ended.size() == 2U);
  BOOST_TEST((ended[1].to == origin{12}));
  BOOST_TEST(!ended[1].why);
}

// The worker was told of the first asker's time alone, and the second one did as the error says.
BOOST_FIXTURE_TEST_CASE(who_asks_again_does_not_get_the_end_of_the_first_try, router_fixture) {
  const error too_late{.code = errc::deadline_exceeded, .message = "before it was begun"};
  BOOST_REQUIRE(join("n1", 1));
  call(1, 11, 100ms);
  advance(110ms);
  call(1, 12, 500ms);
  BOOST_REQUIRE(ended.size() == 1U);

  refuse_with(1, 1, too_late);

  BOOST_TEST(ended.size() == 1U);
  BOOST_REQUIRE(delivered.size() == 2U);
  BOOST_TEST(delivered[1].ttl == 500U);

  // Nobody has asked for more time since.
  refuse_with(1, 1, too_late);
  BOOST_REQUIRE(ended.size() == 2U);
  BOOST_TEST((ended[1].to == origin{12}));
  BOOST_TEST((ended[1].why || !ended[1].body.empty() || delivered.size() == 2U));
}

BOOST_FIXTURE_TEST_CASE(the_worker_is_told_the_time_that_is_left, router_fixture) {
  call(1, 0, 500ms);
  advance(200ms);

  BOOST_REQUIRE(join("n1", 1));

  BOOST_REQUIRE(delivered.size() == 1U);
  BOOST_TEST(delivered[0].ttl == 300U);
}

// A client in another language packs `ttl` as small as it goes: no room to patch it in place.
BOOST_FIXTURE_TEST_CASE(a_header_with_a_narrow_ttl_is_written_anew, router_fixture) {
  std::string header;
  wire::append_call_header(
      header, {.id = id(1), .to = "orders", .op = "place", .key = "k", .ttl = 0x01020304});
  const std::size_t at = header.find('\xce');
  header.replace(at, 5, std::string{"\xcd\x01\xf4", 3}); // 500 in two bytes.
  const auto scanned = wire::scan_header(header);
  BOOST_REQUIRE(scanned);
  BOOST_REQUIRE(scanned->ttl_at == 0U);

  tested.call(origin{1}, *scanned, header, "body", now, out);
  out.clear();
  advance(100ms);
  BOOST_REQUIRE(join("n1", 1));

  BOOST_REQUIRE(delivered.size() == 1U);
  BOOST_TEST(delivered[0].ttl == 400U);
}

BOOST_FIXTURE_TEST_CASE(the_number_of_calls_is_bounded, router_fixture) {
  router_options options = usual();
  options.calls_max = 2;
  router_fixture small{options};
  small.call(1);
  small.call(2);

  small.call(3);

  BOOST_REQUIRE(small.refusal(3));
  BOOST_TEST((small.refusal(3)->code == errc::overloaded));
}

BOOST_FIXTURE_TEST_CASE(a_full_queue_refuses_and_names_a_time, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  for (std::uint64_t number = 1; number <= 5; ++number) {
    call(number);
  }

  call(6);

  BOOST_REQUIRE(refusal(6));
  BOOST_TEST((refusal(6)->code == errc::overloaded));
  BOOST_TEST((refusal(6)->retry_after >= 10ms));
  BOOST_TEST(tested.size() == 5U);
}

BOOST_FIXTURE_TEST_CASE(a_draining_broker_refuses_new_calls_and_ends_old_ones, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1);
  tested.drain();

  call(2);
  call(1, 99);
  reply(1, 1);

  BOOST_REQUIRE(refusal(2));
  BOOST_TEST((refusal(2)->code == errc::unavailable));
  BOOST_TEST(refusal(2)->retry_after.has_value());
  BOOST_TEST(answers(1) == 2U);
  BOOST_TEST(tested.waited_for() == 0U);
}

BOOST_FIXTURE_TEST_CASE(
    a_pending_call_gives_its_credit_back_and_is_answered_later, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  BOOST_REQUIRE(join("n2", 2, 0));
  call(1, 0, 5s);
  pending(1, 1);

  call(2);
  BOOST_TEST(receivers(2).size() == 1U);
  reply(2, 1, "later"); // Any worker may give the answer.

  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(answers(2) == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_late_reply_is_counted_and_dropped, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));

  reply(1, 1);
  reply(9, 1);

  BOOST_TEST(ended.empty());
  BOOST_TEST(tested.counts().late_replies == 1U);
  BOOST_TEST(tested.counts().stray_replies == 1U);
}

router_options with_memory(std::size_t calls, std::size_t awaiting) {
  router_options options = router_fixture::usual();
  options.call_bytes_max = calls;
  options.awaiting_bytes_max = awaiting;
  return options;
}

BOOST_AUTO_TEST_CASE(more_bytes_of_calls_than_the_broker_may_hold_are_refused) {
  router_fixture broker{with_memory(3'000, 3'000)};
  const std::string large(2'000, 'x');

  broker.call(1, 0, 1s, {}, "orders", large);
  broker.call(2, 0, 1s, {}, "orders", large);
  broker.call(3, 0, 1s, {}, "orders", large);

  BOOST_TEST(!broker.refusal(2));
  BOOST_REQUIRE(broker.refusal(3));
  BOOST_TEST((broker.refusal(3)->code == errc::overloaded));
  BOOST_TEST(broker.refusal(3)->message.find("limits: {memory") != std::string::npos);
  broker.advance(2s); // They end by their deadline.
  broker.call(4, 0, 1s, {}, "orders", large);
  BOOST_TEST(!broker.refusal(4));
}

// A pending call uses no credit and stays until its deadline, which may be weeks away.
BOOST_AUTO_TEST_CASE(pending_calls_are_shared_by_peers_and_those_beyond_are_told_to_ask_again) {
  router_fixture broker{with_memory(1U << 20U, 10'000)};
  BOOST_REQUIRE(broker.join("n1", 1, 50));
  const std::string large(1'500, 'x');
  constexpr std::uint64_t alice = 1'001;
  constexpr std::uint64_t bob = 1'002;

  for (std::uint64_t number = 1; number <= 4; ++number) {
    broker.call(number, alice, 1h, {}, "orders", large);
    broker.pending(1, number);
  }
  broker.call(5, bob, 1h, {}, "orders", large);
  broker.pending(1, 5);

  BOOST_TEST(!broker.refusal(1));
  BOOST_TEST(!broker.refusal(2));
  BOOST_REQUIRE(broker.refusal(4));
  BOOST_TEST((broker.refusal(4)->code == errc::overloaded));
  BOOST_TEST((broker.refusal(4)->possible == effect::unknown));
  BOOST_TEST(broker.refusal(4)->retry_after.has_value());
  BOOST_TEST(!broker.refusal(5));
  // A repeat is delivered, and answered by the inbox.
  broker.call(4, alice, 1h, {}, "orders", large);
  broker.reply(1, 4);
  BOOST_TEST(broker.answers(4) == 1U);
  // What is answered makes room.
  broker.reply(1, 1);
  broker.reply(1, 2);
  broker.call(6, alice, 1h, {}, "orders", large);
  broker.pending(1, 6);
  BOOST_TEST(!broker.refusal(6));
}

BOOST_FIXTURE_TEST_CASE(pending_calls_of_a_client_that_left_are_dropped, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 50));
  call(1, 77, 1h);
  call(2, 77, 1h);
  call(2, 78, 1h);
  pending(1, 1);
  pending(1, 2);

  tested.client_left(origin{77});

  BOOST_TEST(tested.size() == 1U);
  reply(1, 1);
  reply(1, 2);
  BOOST_TEST(answers(1) == 0U);
  BOOST_TEST(answers(2) == 1U);
}

BOOST_FIXTURE_TEST_CASE(only_who_was_given_a_call_or_has_its_database_answers_it, router_fixture) {
  wire::hello other = hello("n2", 2, 5);
  other.serves = {{.capability = "users", .credit = 2, .inbox = true, .replicas = 1}};
  wire::hello memory = hello("n3", 0, 6);
  memory.serves[0].inbox = false;
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join(2, other));
  BOOST_REQUIRE(join(3, memory));
  call(1);
  BOOST_TEST(receivers(1) == logins{1}, boost::test_tools::per_element());

  reply(2, 1, "forged");
  pending(2, 1);
  reply(3, 1, "forged");

  BOOST_TEST(answers(1) == 0U);
  BOOST_TEST(tested.counts().stray_replies == 3U);
  BOOST_TEST(has_event("stray_reply"));
  reply(1, 1, "right");
  BOOST_TEST(answers(1) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
