#include "runtime/client/client.hpp"

#include "tests/client/fake_broker.hpp"

#include <boost/test/unit_test.hpp>

#include <semaphore>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;
using troupe::effect;
using troupe::errc;
using troupe::error;
using troupe::failure;
using troupe::milliseconds;
using troupe::outcome;
using troupe::uuid;
using troupe::client::call_request;
using troupe::client::client;
using troupe::client::completion;
using troupe::test::fake_broker;

namespace {

struct word {
  std::string text;
};
TROUPE_MESSAGE(word, text)

using answer = std::optional<outcome<std::string>>;

answer echo(const troupe::wire::header_view&, std::string_view body) {
  return std::string{body};
}

answer silence(const troupe::wire::header_view&, std::string_view) {
  return std::nullopt;
}

struct client_fixture {
  std::unique_ptr<client>
  open(std::vector<std::string> brokers, std::size_t outstanding_max = 65'536) {
    troupe::client::options settings;
    settings.brokers = std::move(brokers);
    settings.heartbeat = {50ms, 300ms};
    settings.outstanding_max = outstanding_max;
    auto made = client::open(settings);
    BOOST_REQUIRE(made.has_value());
    return std::move(*made);
  }

  static call_request request(milliseconds deadline = 20s) {
    call_request call{.capability = "shop", .operation = "buy", .body = "\xa2hi"};
    call.deadline = deadline;
    return call;
  }

  /// Takes completions until there are `count`.
  static std::vector<completion> collect(client& from, std::size_t count) {
    std::vector<completion> all;
    std::vector<completion> some;
    while (all.size() < count && from.completions(some, 30s) > 0) {
      std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    BOOST_REQUIRE(all.size() == count);
    return all;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_client_client,
    client_fixture,
    *boost::unit_test::label("integration") * boost::unit_test::timeout(240))

BOOST_AUTO_TEST_CASE(a_call_is_answered) {
  fake_broker broker{echo};
  const auto calls = open({broker.endpoint()});

  const auto reply = calls->call<word>("shop", "buy", word{"hello"});

  BOOST_REQUIRE(reply.has_value());
  BOOST_TEST(reply->text == "hello");
  BOOST_TEST((calls->links() == std::vector{true}));
}

// It has been carried out: "invalid, effect none" would have it asked for again under another id.
BOOST_AUTO_TEST_CASE(an_answer_of_another_type_does_not_say_that_nothing_happened) {
  fake_broker broker{[](const troupe::wire::header_view&, std::string_view) -> answer {
    return std::string{"\x81\xa4word\x01"};
  }};
  const auto calls = open({broker.endpoint()});

  const auto reply = calls->call<word>("shop", "buy", word{"hello"});

  BOOST_REQUIRE(!reply.has_value());
  BOOST_TEST((reply.error().code == errc::internal));
  BOOST_TEST((reply.error().possible == effect::unknown));
  BOOST_TEST(reply.error().message.find("field `text`") != std::string::npos);
}

// The thread is the parent's: to wait for it, or for an answer, would be for ever.
BOOST_AUTO_TEST_CASE(the_child_of_a_fork_hangs_nowhere_and_leaves_the_parents_link_alone) {
  fake_broker broker{echo};
  auto calls = open({broker.endpoint()});
  BOOST_REQUIRE(calls->call(request()).has_value());

  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    const auto refused = calls->call(request());
    calls->close(1s);
    calls.reset();
    ::_exit(!refused && refused.error().code == errc::unavailable ? 0 : 1);
  }
  int status = -1;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);

  BOOST_TEST(status == 0);
  BOOST_TEST(calls->call(request()).has_value());
}

BOOST_AUTO_TEST_CASE(completions_carry_the_token_and_the_id_of_their_call) {
  fake_broker broker{echo};
  const auto calls = open({broker.endpoint()});
  std::vector<call_request> many(1000, request());
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i].token = i;
    many[i].key = i % 2 == 0 ? "k" : "";
  }
  std::vector<uuid> ids;

  BOOST_REQUIRE(calls->submit(many, &ids) == many.size());
  const auto done = collect(*calls, many.size());

  std::set<std::uint64_t> tokens;
  for (const completion& each : done) {
    BOOST_REQUIRE(each.answer.has_value());
    BOOST_REQUIRE((each.id == ids[each.token]));
    BOOST_REQUIRE(each.answer->bytes == "\xa2hi");
    tokens.insert(each.token);
  }
  BOOST_TEST(tokens.size() == many.size());
}

BOOST_AUTO_TEST_CASE(calls_that_were_added_leave_in_their_order_once_they_are_flushed) {
  fake_broker broker{echo};
  const auto calls = open({broker.endpoint()});
  std::vector<uuid> ids;
  const auto note = [&](const outcome<uuid>& made) {
    BOOST_REQUIRE(made.has_value());
    ids.push_back(*made);
  };

  note(calls->add(request()));
  note(calls->add(request()));
  calls->flush();
  (void)collect(*calls, 2);
  note(calls->add(request()));
  note(calls->submit(request()));
  (void)collect(*calls, 2);

  BOOST_TEST((broker.calls() == ids));
}

BOOST_AUTO_TEST_CASE(who_waits_for_news_gets_every_completion) {
  fake_broker broker{echo};
  std::counting_semaphore<> told{0};
  troupe::client::options settings;
  settings.brokers = {broker.endpoint()};
  settings.news = [&told] { told.release(); };
  const auto calls = client::open(settings).value();
  constexpr std::size_t count = 500;
  for (std::size_t i = 0; i < count; ++i) {
    BOOST_REQUIRE(calls->submit(request()).has_value());
  }

  std::size_t taken = 0;
  std::vector<completion> done;
  while (taken < count && told.try_acquire_for(30s)) {
    taken += calls->completions(done, 0ms);
  }

  BOOST_TEST(taken == count);
}

// Many frames: none may outgrow what the other side takes.
BOOST_AUTO_TEST_CASE(a_megabyte_of_calls_made_before_the_login_arrives) {
  fake_broker broker{echo};
  broker.stop();
  const auto calls = open({broker.endpoint()});
  const std::string body(60'000, 'x');
  call_request large = request();
  large.body = body;

  for (int i = 0; i < 100; ++i) {
    BOOST_REQUIRE(calls->submit(large).has_value());
  }
  broker.start();

  for (const completion& each : collect(*calls, 100)) {
    BOOST_REQUIRE(each.answer.has_value());
    BOOST_REQUIRE(each.answer->bytes.size() == body.size());
  }
}

BOOST_AUTO_TEST_CASE(an_error_comes_as_it_was_sent) {
  fake_broker broker{[](const auto&, std::string_view) -> answer {
    return failure{troupe::rejected("out_of_stock", "there is none left")};
  }};
  const auto calls = open({broker.endpoint()});

  const auto reply = calls->call(request());

  BOOST_REQUIRE(!reply.has_value());
  BOOST_TEST((reply.error().code == errc::rejected));
  BOOST_TEST(reply.error().detail("reason") == "out_of_stock");
}

BOOST_AUTO_TEST_CASE(a_refused_login_is_tried_again) {
  fake_broker broker{echo};
  broker.refuse_logins(2);
  const auto calls = open({broker.endpoint()});

  BOOST_TEST(calls->call(request()).has_value());
  BOOST_TEST(broker.wait_for_refusals(2));
  BOOST_TEST(calls->last_trouble().find("not today") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_call_that_no_broker_let_in_says_which_refused_and_why) {
  fake_broker broker{echo};
  broker.refuse_logins(1'000);
  const auto calls = open({broker.endpoint()});
  BOOST_REQUIRE(broker.wait_for_refusals(1));

  auto what = request();
  what.deadline = 300ms;
  const auto reply = calls->call(what);

  BOOST_REQUIRE(!reply.has_value());
  BOOST_TEST((reply.error().code == errc::deadline_exceeded));
  BOOST_TEST(!reply.error().detail("login_refused").empty());
  BOOST_TEST(reply.error().message.find("not today") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(calls_in_flight_survive_the_death_of_the_broker_under_their_ids) {
  std::atomic<bool> answers{false};
  fake_broker broker{[&](const auto& header, std::string_view body) -> answer {
    return answers ? echo(header, body) : std::nullopt;
  }};
  const auto calls = open({broker.endpoint()});
  std::vector<uuid> ids;
  std::vector<call_request> some(50, request());
  BOOST_REQUIRE(calls->submit(some, &ids) == 50U);
  BOOST_REQUIRE(broker.wait_for_calls(50));

  broker.stop();
  answers = true;
  broker.start();

  for (const completion& each : collect(*calls, 50)) {
    BOOST_TEST(each.answer.has_value());
  }
  const auto seen = broker.calls();
  BOOST_REQUIRE(seen.size() == 100U);
  BOOST_TEST((std::vector<uuid>{seen.begin() + 50, seen.end()} == ids));
  BOOST_TEST(broker.ttls().back() < broker.ttls().front());
}

BOOST_AUTO_TEST_CASE(a_second_broker_takes_over) {
  fake_broker first{silence};
  fake_broker second{echo};
  second.stop();
  const auto calls = open({first.endpoint(), second.endpoint()});
  const auto id = calls->submit(request());
  BOOST_REQUIRE(id.has_value());
  BOOST_REQUIRE(first.wait_for_calls(1));
  second.start();
  BOOST_REQUIRE(second.wait_for_logins(1));

  first.stop();

  const auto done = collect(*calls, 1);
  BOOST_TEST(done[0].answer.has_value());
  BOOST_TEST((second.calls() == std::vector<uuid>{*id}));
  BOOST_TEST((calls->links() == std::vector{false, true}));
}

BOOST_AUTO_TEST_CASE(a_silent_broker_is_left_and_logged_in_to_again) {
  fake_broker broker{echo};
  const auto calls = open({broker.endpoint()});
  BOOST_TEST(calls->call(request()).has_value());

  broker.mute(true);
  const auto id = calls->submit(request());
  std::vector<completion> none;
  BOOST_TEST(calls->completions(none, 700ms) == 0U);
  BOOST_TEST((calls->links() == std::vector{false}));
  broker.mute(false);

  BOOST_TEST(collect(*calls, 1)[0].answer.has_value());
  BOOST_TEST(broker.wait_for_logins(2));
  BOOST_TEST(id.has_value());
}

BOOST_AUTO_TEST_CASE(a_broker_that_has_forgotten_the_login_gets_a_new_one) {
  fake_broker broker{echo};
  const auto calls = open({broker.endpoint()});
  BOOST_TEST(calls->call(request()).has_value());
  std::vector<completion> none;
  BOOST_TEST(calls->completions(none, 100ms) == 0U); // The login is no longer fresh.

  broker.forget();

  BOOST_TEST(calls->completions(none, 20ms) == 0U);
  BOOST_TEST(calls->call(request()).has_value());
  BOOST_TEST(broker.wait_for_logins(2));
}

BOOST_AUTO_TEST_CASE(a_call_ends_by_its_deadline) {
  fake_broker broker{silence};
  const auto calls = open({broker.endpoint()});

  const auto sent = calls->call(request(200ms));
  BOOST_REQUIRE(!sent.has_value());
  BOOST_TEST((sent.error().code == errc::deadline_exceeded));
  BOOST_TEST((sent.error().possible == effect::unknown));

  broker.stop();
  const auto without_broker = open({broker.endpoint()});
  const auto unsent = without_broker->call(request(200ms));
  BOOST_REQUIRE(!unsent.has_value());
  BOOST_TEST((unsent.error().code == errc::deadline_exceeded));
  BOOST_TEST((unsent.error().possible == effect::none));
  BOOST_TEST(unsent.error().message.find("127.0.0.1") != std::string::npos);
}

// Added to the time of now, such a patience was over before it began.
BOOST_AUTO_TEST_CASE(who_waits_for_ever_waits) {
  fake_broker broker{silence};
  const auto calls = open({broker.endpoint()});
  BOOST_REQUIRE(calls->submit(request(200ms)).has_value());
  std::vector<completion> done;

  BOOST_TEST(calls->completions(done, milliseconds::max()) == 1U);

  BOOST_REQUIRE(calls->submit(request(200ms)).has_value());
  calls->close(milliseconds::max());
  BOOST_TEST(calls->completions(done, milliseconds::max()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_patient_call_comes_back_when_it_is_told_to) {
  std::atomic<int> refusals{3};
  const auto busy = [&](const auto& header, std::string_view body) -> answer {
    if (refusals-- > 0) {
      return failure{
          {.code = errc::overloaded, .message = "full", .retry_after = milliseconds{10}}};
    }
    return echo(header, body);
  };
  fake_broker broker{busy};
  const auto calls = open({broker.endpoint()});

  BOOST_TEST(calls->call(request()).has_value());
  const auto seen = broker.calls();
  BOOST_REQUIRE(seen.size() == 4U);
  BOOST_TEST((std::set<uuid>{seen.begin(), seen.end()}.size() == 1U));

  refusals = 1;
  BOOST_REQUIRE(calls->submit(request()).has_value());
  const auto done = collect(*calls, 1);
  BOOST_REQUIRE(!done[0].answer.has_value());
  BOOST_TEST((done[0].answer.error().code == errc::overloaded));

  refusals = 1'000'000;
  const auto late = calls->call(request(100ms));
  BOOST_REQUIRE(!late.has_value());
  BOOST_TEST((late.error().possible == effect::none));
}

// The first sending may have been handled, whatever the second broker says about the second.
BOOST_AUTO_TEST_CASE(a_refusal_after_a_lost_link_does_not_claim_that_nothing_happened) {
  std::atomic<bool> refuses{false};
  fake_broker broker{[&](const auto&, std::string_view) -> answer {
    if (!refuses) {
      return std::nullopt;
    }
    return failure{{.code = errc::forbidden, .message = "no more"}};
  }};
  const auto calls = open({broker.endpoint()});
  BOOST_REQUIRE(calls->submit(request()).has_value());
  BOOST_REQUIRE(broker.wait_for_calls(1));

  broker.stop();
  refuses = true;
  broker.start();

  const auto done = collect(*calls, 1);
  BOOST_REQUIRE(!done[0].answer.has_value());
  BOOST_TEST((done[0].answer.error().code == errc::forbidden));
  BOOST_TEST((done[0].answer.error().possible == effect::unknown));
}

// An `unauthenticated` soon after the login is an answer; only after a heartbeat does it mean that
// the broker forgot the login.
BOOST_AUTO_TEST_CASE(a_capability_that_wants_proof_does_not_end_the_login) {
  fake_broker broker{[](const auto&, std::string_view) -> answer {
    return failure{{.code = errc::unauthenticated, .message = "who are you?"}};
  }};
  const auto calls = open({broker.endpoint()});
  BOOST_REQUIRE(broker.wait_for_logins(1));
  std::vector<completion> none;
  BOOST_TEST(calls->completions(none, 100ms) == 0U); // The login is no longer fresh.
  BOOST_REQUIRE(calls->submit(request()).has_value());

  const auto done = collect(*calls, 1);

  BOOST_REQUIRE(!done[0].answer.has_value());
  BOOST_TEST((done[0].answer.error().code == errc::unauthenticated));
  BOOST_TEST(!calls->call(request()).has_value());
  BOOST_TEST(broker.calls().size() == 2U); // A new login would have sent the first one again.
}

BOOST_AUTO_TEST_CASE(what_is_for_the_journal_goes_to_the_broker_that_keeps_it) {
  fake_broker first{echo};
  fake_broker keeper{echo, true};
  keeper.stop();
  const auto calls = open({first.endpoint(), keeper.endpoint()});
  BOOST_REQUIRE(calls->call(request()).has_value());
  keeper.start();
  BOOST_REQUIRE(keeper.wait_for_logins(1));
  call_request publish = request();
  publish.capability = "troupe.publish";
  // A call is asked again, under its id and perhaps at the other one, where a link broke.
  const auto ids_at = [](const fake_broker& broker) {
    const std::vector<uuid> seen = broker.calls();
    return std::set<uuid>{seen.begin(), seen.end()};
  };
  const auto only_at_first = [&] {
    std::set<uuid> found = ids_at(first);
    for (const uuid& each : ids_at(keeper)) {
      found.erase(each);
    }
    return found.size();
  };
  std::size_t at_keeper = 0;
  // Its `welcome` may come a moment after its login is counted.
  for (int i = 0; i < 1'000 && at_keeper == 0; ++i) {
    BOOST_REQUIRE(calls->call(publish).has_value());
    at_keeper = ids_at(keeper).size();
  }
  const std::size_t at_first = only_at_first();

  BOOST_TEST(calls->call(publish).has_value());
  BOOST_TEST(calls->submit(publish).has_value());
  BOOST_TEST(calls->submit(request()).has_value());
  (void)collect(*calls, 2);

  BOOST_TEST(at_keeper >= 1U);
  BOOST_TEST(ids_at(keeper).size() == at_keeper + 2);
  BOOST_TEST(only_at_first() == at_first + 1);

  keeper.stop();

  BOOST_TEST(calls->call(publish).has_value());
}

// The first broker of the list keeps no journal, says who does, and that one is coming up.
BOOST_AUTO_TEST_CASE(what_the_wrong_broker_refuses_waits_for_the_right_one) {
  fake_broker first{[](const auto&, std::string_view) -> answer {
    return failure{
        {.code = errc::unavailable, .message = "ask there", .details = {{"broker", "b2"}}}};
  }};
  fake_broker keeper{echo, true};
  keeper.stop();
  const auto calls = open({first.endpoint(), keeper.endpoint()});
  call_request publish = request();
  publish.capability = "troupe.publish";
  publish.deadline = 20s;
  BOOST_REQUIRE(calls->submit(publish).has_value());
  BOOST_REQUIRE(first.wait_for_calls(1));

  keeper.start();

  BOOST_TEST(collect(*calls, 1)[0].answer.has_value());
}

BOOST_AUTO_TEST_CASE(an_id_of_zeros_is_refused_at_once) {
  fake_broker broker{echo};
  const auto calls = open({broker.endpoint()});
  call_request call = request();
  call.id = uuid{};

  const auto got = calls->call(call);

  BOOST_REQUIRE(!got.has_value());
  BOOST_TEST((got.error().code == errc::invalid));
}

// The call may have been carried out over the lost link, and only an answer tells. So the client
// asks again although the call is not marked as patient.
BOOST_AUTO_TEST_CASE(a_call_from_before_a_lost_link_outlasts_refusals_that_say_not_now) {
  std::atomic<int> asked{0};
  fake_broker broker{[&](const auto&, std::string_view) -> answer {
    switch (++asked) {
    case 1:
      return std::nullopt;
    case 2:
      return failure{{.code = errc::unavailable, .message = "not now", .retry_after = 1ms}};
    default:
      return "done";
    }
  }};
  const auto calls = open({broker.endpoint()});
  BOOST_REQUIRE(calls->submit(request()).has_value());
  BOOST_REQUIRE(broker.wait_for_calls(1));

  broker.stop();
  broker.start();

  const auto done = collect(*calls, 1);
  BOOST_TEST(done[0].answer.has_value());
  BOOST_TEST(asked == 3);
}

BOOST_AUTO_TEST_CASE(too_many_calls_are_refused_until_completions_are_taken) {
  fake_broker broker{echo};
  const auto calls = open({broker.endpoint()}, 10);
  const std::vector<call_request> many(20, request());
  error why;

  BOOST_TEST(calls->submit(many, nullptr, &why) == 10U);
  BOOST_TEST((why.code == errc::overloaded));
  BOOST_TEST(why.retry_after.has_value());
  (void)collect(*calls, 10);
  BOOST_TEST(calls->submit(many) == 10U);
  (void)collect(*calls, 10);
}

BOOST_AUTO_TEST_CASE(what_breaks_a_bound_is_refused_at_once) {
  const auto calls = open({"tcp://127.0.0.1:1"});
  const std::string large(2 * 1024 * 1024, 'x');
  call_request call = request();
  call.body = large;
  BOOST_TEST((calls->submit(call).error().code == errc::invalid));
  call = request();
  call.capability = "";
  BOOST_TEST((calls->submit(call).error().code == errc::invalid));
  call = request(0ms);
  BOOST_TEST((calls->submit(call).error().code == errc::invalid));
  call = request();
  call.key = "\xff";
  BOOST_TEST((calls->submit(call).error().code == errc::invalid));
  BOOST_TEST(!client::open({}).has_value());
}

BOOST_AUTO_TEST_CASE(an_id_that_is_outstanding_is_a_conflict) {
  fake_broker broker{silence};
  const auto calls = open({broker.endpoint()});
  call_request call = request(500ms);
  call.id = troupe::uuid_source{}.next(std::chrono::system_clock::now());

  BOOST_REQUIRE(calls->submit(call).has_value());
  BOOST_REQUIRE(calls->submit(call).has_value());

  const auto done = collect(*calls, 2);
  BOOST_TEST((done[0].answer.error().code == errc::conflict));
  BOOST_TEST((done[1].answer.error().code == errc::deadline_exceeded));
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_is_none_ends_no_process) {
  const auto calls = open({"nonsense"});
  const auto reply = calls->call(request(300ms));
  BOOST_REQUIRE(!reply.has_value());
  BOOST_TEST((reply.error().code == errc::deadline_exceeded));
  BOOST_TEST(reply.error().message.find("nonsense") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(closing_ends_every_call_and_says_goodbye) {
  fake_broker broker{silence};
  const auto calls = open({broker.endpoint()});
  const std::vector<call_request> many(100, request());
  BOOST_REQUIRE(calls->submit(many) == 100U);
  BOOST_REQUIRE(broker.wait_for_calls(100));
  std::optional<outcome<std::string>> waited;
  std::thread waits{[&] { waited = calls->call(request()); }};
  BOOST_REQUIRE(broker.wait_for_calls(101));

  calls->close(50ms);
  waits.join();

  BOOST_TEST((waited->error().code == errc::unavailable));
  for (const completion& each : collect(*calls, 100)) {
    BOOST_TEST((each.answer.error().code == errc::unavailable));
    BOOST_TEST((each.answer.error().possible == effect::unknown));
  }
  BOOST_TEST((calls->submit(request()).error().code == errc::unavailable));
  BOOST_TEST(broker.wait_for_byes(1));
}

BOOST_AUTO_TEST_CASE(closing_waits_for_calls_that_are_answered_in_time) {
  for (const milliseconds patience : {milliseconds{20s}, milliseconds::max()}) {
    fake_broker broker{echo};
    const auto calls = open({broker.endpoint()});
    const std::vector<call_request> many(1000, request());
    BOOST_REQUIRE(calls->submit(many) == 1000U);

    calls->close(patience);

    for (const completion& each : collect(*calls, 1000)) {
      BOOST_TEST(each.answer.has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(calls_from_many_threads_each_get_their_own_answer) {
  fake_broker broker{echo};
  const auto calls = open({broker.endpoint()});
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const word asked{std::to_string(1000 * t + i)};
        const auto reply = calls->call<word>("shop", "buy", asked);
        right += reply && reply->text == asked.text ? 1 : 0;
      }
    });
  }
  for (std::thread& each : threads) {
    each.join();
  }
  BOOST_TEST(right == 800);
}

// Sent, it would cut the link, with all other calls, as often as it is sent.
BOOST_AUTO_TEST_CASE(what_a_broker_does_not_take_is_refused_and_not_sent) {
  fake_broker broker{echo};
  broker.take_at_most(1'000);
  const auto calls = open({broker.endpoint()});
  const std::string body(1'001, 'x');
  call_request large = request();
  large.body = body;
  const call_request small = request();
  const std::vector<call_request> both{large, small};
  std::vector<uuid> ids;

  for (int way = 0; way < 2; ++way) { // Before there is a link, and after.
    BOOST_REQUIRE(calls->submit(both, &ids) == 2U);
    for (const completion& each : collect(*calls, 2)) {
      if (!each.answer) {
        BOOST_TEST((each.answer.error().code == errc::invalid));
        BOOST_TEST(each.answer.error().detail("bytes_max") == "1000");
      }
    }
    BOOST_TEST(broker.wait_for_calls(static_cast<std::size_t>(way) + 1));
  }
  BOOST_TEST(broker.calls().size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_only_an_earlier_broker_takes_may_have_happened_there) {
  fake_broker broker{[](const auto&, std::string_view) -> answer { return std::nullopt; }};
  const auto calls = open({broker.endpoint()});
  call_request large = request();
  const std::string body(1'001, 'x');
  large.body = body;
  BOOST_REQUIRE(calls->submit(large).has_value());
  BOOST_REQUIRE(broker.wait_for_calls(1));

  broker.stop();
  broker.take_at_most(1'000);
  broker.start();

  const auto done = collect(*calls, 1);
  BOOST_REQUIRE(!done[0].answer.has_value());
  BOOST_TEST((done[0].answer.error().code == errc::invalid));
  BOOST_TEST((done[0].answer.error().possible == effect::unknown));
  BOOST_TEST(broker.calls().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
