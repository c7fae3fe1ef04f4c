#include "runtime/calls/pending_calls.hpp"

#include "runtime/wire/envelope.hpp"
#include "tests/runtime/colliding_ids.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>

using namespace std::chrono_literals;
using troupe::effect;
using troupe::instant;
using troupe::uuid;
using troupe::calls::pending_calls;

namespace {

struct table_fixture {
  troupe::manual_clock time;
  troupe::uuid_source ids{7};
  pending_calls table{2, time.now()};
  std::string header;
  std::uint32_t ttl_at = 0;
  std::vector<pending_calls::ended> ended;
  std::uint64_t tokens = 0;

  pending_calls::new_call make(troupe::milliseconds deadline) {
    header.clear();
    const uuid id = ids.next(time.wall());
    troupe::wire::append_call_header(header, {.id = id, .to = "shop", .op = "buy", .ttl = 9});
    ttl_at = troupe::wire::scan_header(header)->ttl_at;
    return {id, header, ttl_at, "body", time.now() + deadline, ++tokens, 0};
  }

  uuid add(troupe::milliseconds deadline) {
    const auto call = make(deadline);
    BOOST_REQUIRE(table.add(call));
    return call.id;
  }

  std::vector<pending_calls::ended>& expire() {
    ended.clear();
    table.expire(time.now(), ended);
    return ended;
  }

  /// The ids of the calls to send, in order.
  std::vector<uuid> sent(int link) {
    std::vector<uuid> all;
    pending_calls::outgoing out;
    while (table.next_to_send(time.now(), out)) {
      BOOST_TEST(out.link == link);
      all.push_back(troupe::wire::scan_header(out.header)->id);
    }
    return all;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_transport_call_table,
    table_fixture,
    *boost::unit_test::label("unit") * boost::unit_test::timeout(120))

BOOST_AUTO_TEST_CASE(a_call_waits_for_a_link_and_says_what_time_is_left) {
  const uuid id = add(1000ms);

  BOOST_TEST(sent(0).empty());
  time.advance(400ms);
  table.link_up(0);
  pending_calls::outgoing out;
  BOOST_REQUIRE(table.next_to_send(time.now(), out));

  const auto read = troupe::wire::scan_header(out.header);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST((read->id == id));
  BOOST_TEST(read->ttl == 570U);
  BOOST_TEST(out.body == "body");
}

BOOST_AUTO_TEST_CASE(an_answer_ends_a_call_once) {
  table.link_up(0);
  const uuid id = add(1000ms);
  (void)sent(0);

  const auto first = table.answered(id);
  const auto second = table.answered(id);

  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(first->token == 1U);
  BOOST_TEST(!first->is_loose);
  BOOST_TEST(!second.has_value());
  time.advance(2s);
  BOOST_TEST(expire().empty());
}

BOOST_AUTO_TEST_CASE(a_call_whose_time_is_up_says_whether_it_left) {
  add(10ms);
  time.advance(11ms);
  BOOST_REQUIRE(expire().size() == 1U);
  BOOST_TEST(!ended[0].is_loose);

  table.link_up(0);
  add(10ms);
  (void)sent(0);
  time.advance(11ms);
  BOOST_REQUIRE(expire().size() == 1U);
  BOOST_TEST(ended[0].is_loose);
  BOOST_TEST(table.size() == 0U);
}

// The loop stood still while it waited to be taken up.
BOOST_AUTO_TEST_CASE(a_call_whose_time_was_up_before_it_came_ends_at_once) {
  time.advance(100ms);
  BOOST_TEST(expire().empty());

  add(-50ms);
  add(0ms);
  time.advance(2ms);

  BOOST_TEST(expire().size() == 2U);
}

BOOST_AUTO_TEST_CASE(an_id_that_is_outstanding_is_not_taken_again) {
  const auto call = make(1000ms);
  BOOST_TEST(table.add(call));
  BOOST_TEST(!table.add(call));
  BOOST_TEST(table.size() == 1U);
}

// Calls stay on the first link that is up, and move in order when it is lost.
// Whoever asked first has died, and its heir asks for the same: one answer serves.
BOOST_AUTO_TEST_CASE(an_outstanding_call_can_be_handed_to_another_asker) {
  table.link_up(0);
  auto call = make(1000ms);
  BOOST_REQUIRE(table.add(call));
  BOOST_REQUIRE(sent(0).size() == 1U);
  time.advance(400ms);
  call.token = 77;
  call.deadline = time.now() + 1000ms;

  BOOST_TEST(table.adopt(call));

  BOOST_TEST(sent(0).empty());
  time.advance(900ms);
  BOOST_TEST(expire().empty());
  time.advance(101ms);
  BOOST_REQUIRE(expire().size() == 1U);
  BOOST_TEST(ended[0].token == 77U);
  BOOST_TEST(ended[0].is_loose);
}

BOOST_AUTO_TEST_CASE(who_takes_over_a_call_that_waits_for_its_next_try_hears_by_his_own_deadline) {
  table.link_up(0);
  auto call = make(10'000ms);
  BOOST_REQUIRE(table.add(call));
  BOOST_REQUIRE(sent(0).size() == 1U);
  BOOST_REQUIRE(table.retry(call.id, time.now() + 5'000ms, troupe::effect::none));
  call.deadline = time.now() + 100ms;

  BOOST_TEST(table.adopt(call));

  time.advance(101ms);
  BOOST_TEST(expire().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_call_is_not_handed_to_who_asks_for_something_else) {
  auto call = make(1000ms);
  BOOST_TEST(!table.adopt(call)); // It is not outstanding.
  BOOST_REQUIRE(table.add(call));
  std::string other;
  troupe::wire::append_call_header(other, {.id = call.id, .to = "shop", .op = "sell", .ttl = 9});
  auto body = call;
  auto operation = call;
  body.body = "bodY";
  operation.header = other;
  operation.ttl_at = troupe::wire::scan_header(other)->ttl_at;

  BOOST_TEST(!table.adopt(body));
  BOOST_TEST(!table.adopt(operation));

  BOOST_TEST(table.answered(call.id)->token == call.token);
}

BOOST_AUTO_TEST_CASE(what_a_lost_link_held_goes_over_the_other_in_order) {
  table.link_up(1);
  table.link_up(0);
  BOOST_TEST(table.link() == 1);
  std::vector<uuid> ids_added;
  for (int i = 0; i < 20; ++i) {
    ids_added.push_back(add(1000ms));
  }
  BOOST_TEST((sent(1) == ids_added));
  (void)table.answered(ids_added[3]);
  ids_added.erase(ids_added.begin() + 3);

  table.link_lost(1);

  BOOST_TEST(table.link() == 0);
  BOOST_TEST((sent(0) == ids_added));
  table.link_up(1);
  BOOST_TEST(table.link() == 0);
  BOOST_TEST(table.answered(ids_added[0])->is_loose);
}

BOOST_AUTO_TEST_CASE(calls_for_the_journal_follow_it_and_the_others_stay) {
  troupe::wire::welcome here;
  here.journal = true;
  here.journal_generation = 1;
  table.link_up(0, here);
  table.link_up(1);
  auto publish = make(1000ms);
  publish.wants_journal = true;
  BOOST_REQUIRE(table.add(publish));
  const uuid published = publish.id;
  const uuid called = add(1000ms);
  BOOST_TEST((sent(0) == std::vector{published, called}));

  table.told(0, {});
  BOOST_TEST(table.journal_link() == -1);
  BOOST_TEST(sent(0).empty()); // Nobody is known to have it.
  here.journal_generation = 2;
  table.told(1, here);

  BOOST_TEST((sent(1) == std::vector{published}));
  BOOST_TEST(table.answered(published)->is_loose);
  BOOST_TEST(!table.answered(called)->is_loose);
}

BOOST_AUTO_TEST_CASE(a_refused_call_is_sent_again_when_it_is_time) {
  table.link_up(0);
  const uuid id = add(1000ms);
  (void)sent(0);

  BOOST_TEST(!table.retry(id, time.now() + 1000ms, effect::none));
  BOOST_TEST(table.retry(id, time.now() + 300ms, effect::none));

  time.advance(299ms);
  BOOST_TEST(expire().empty());
  BOOST_TEST(sent(0).empty());
  time.advance(2ms);
  BOOST_TEST(expire().empty());
  BOOST_TEST(sent(0).size() == 1U);
  BOOST_TEST(table.find(id)->retries == 1U);
  time.advance(700ms);
  BOOST_TEST(expire().size() == 1U);
}

// A worker that died may have committed it: a later try that found nobody says nothing about that.
BOOST_AUTO_TEST_CASE(a_call_that_may_have_been_carried_out_stays_so_through_its_tries) {
  table.link_up(0);
  const uuid told = add(1000ms);
  const uuid untold = add(1000ms);
  const uuid harmless = add(1000ms);
  (void)sent(0);
  BOOST_TEST(table.retry(told, time.now() + 100ms, effect::unknown));
  BOOST_TEST(table.retry(untold, time.now() + 100ms, effect::unknown));
  BOOST_TEST(table.retry(harmless, time.now() + 100ms, effect::none));
  time.advance(101ms);
  (void)expire();
  BOOST_TEST(sent(0).size() == 3U);

  BOOST_TEST(table.answered(told)->is_loose);
  BOOST_TEST(!table.answered(harmless)->is_loose);
  BOOST_TEST(table.retry(untold, time.now() + 100ms, effect::none));
  table.link_lost(0);
  time.advance(1000ms);
  std::vector<pending_calls::ended> over;
  table.expire(time.now(), over);
  BOOST_TEST_REQUIRE(over.size() == 1U);
  BOOST_TEST(over.front().is_loose);
}

BOOST_AUTO_TEST_CASE(the_next_due_time_is_never_late) {
  BOOST_TEST((table.next_due() == instant::max()));
  for (const auto deadline : {5ms, 63ms, 64ms, 4095ms, 4096ms, 4097ms, 60'000ms}) {
    add(deadline);
    const instant end = time.now() + deadline;
    while (table.size() == 1) {
      const instant due = table.next_due();
      BOOST_REQUIRE((due <= end + 1ms));
      BOOST_REQUIRE((due > time.now()));
      time.advance(due - time.now());
      (void)expire();
    }
    BOOST_TEST((time.now() >= end));
    BOOST_TEST((time.now() < end + 1ms));
  }
}

// The broker's answer at the end of the ttl comes before the caller's own deadline.
BOOST_AUTO_TEST_CASE(a_call_is_sent_with_a_little_less_than_it_has_left) {
  table.link_up(0);
  for (const auto& [deadline, ttl] :
       {std::pair{10'000ms, 9'970U}, {300ms, 270U}, {100ms, 90U}, {1ms, 1U}, {-5ms, 1U}}) {
    add(deadline);
    pending_calls::outgoing out;
    BOOST_REQUIRE(table.next_to_send(time.now(), out));
    BOOST_TEST(troupe::wire::scan_header(out.header)->ttl == ttl);
  }
}

// In whatever order things happen, a call ends exactly once, and not after its deadline.
BOOST_AUTO_TEST_CASE(every_call_ends_exactly_once) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      pending_calls calls{3, time.now()};
      std::map<uuid, instant> open;
      std::vector<uuid> on_wire;
      std::uint64_t ends = 0;
      std::uint64_t adds = 0;
      const auto finish = [&](const uuid& id) {
        BOOST_REQUIRE(open.erase(id) == 1U);
        ++ends;
      };
      for (int step = 0; step < 4000; ++step) {
        switch (random() % 8) {
        case 0:
        case 1: {
          const auto call =
              make(troupe::milliseconds{1 + random() % (random() % 9 == 0 ? 9000 : 90)});
          const bool straight = calls.link() >= 0 && random() % 2 == 0;
          BOOST_REQUIRE(straight ? calls.add_sent(call) : calls.add(call));
          open.emplace(call.id, call.deadline);
          if (straight) {
            on_wire.push_back(call.id);
          }
          ++adds;
          break;
        }
        case 2:
          if (!on_wire.empty()) { // Also late and repeated answers.
            const uuid id = on_wire[random() % on_wire.size()];
            if (calls.answered(id)) {
              finish(id);
            } else {
              BOOST_REQUIRE(open.count(id) == 0U);
            }
          }
          break;
        case 3:
          if (!on_wire.empty()) {
            (void)calls.retry(
                on_wire[random() % on_wire.size()],
                time.now() + troupe::milliseconds{random() % 50},
                effect::none);
          }
          break;
        case 4:
          calls.link_up(static_cast<int>(random() % 3));
          break;
        case 5:
          calls.link_lost(static_cast<int>(random() % 3));
          break;
        case 6: {
          pending_calls::outgoing out;
          while (calls.next_to_send(time.now(), out)) {
            on_wire.push_back(troupe::wire::scan_header(out.header)->id);
          }
          break;
        }
        default: {
          time.advance(std::chrono::microseconds{random() % 8000});
          ended.clear();
          calls.expire(time.now(), ended);
          for (const auto& each : ended) {
            BOOST_REQUIRE((open.at(each.id) <= time.now()));
            finish(each.id);
          }
          for (const auto& [id, deadline] : open) {
            BOOST_REQUIRE((deadline > time.now() - 1ms));
          }
        }
        }
        BOOST_REQUIRE(calls.size() == open.size());
      }
      ended.clear();
      calls.end_all(ended);
      for (const auto& each : ended) {
        finish(each.id);
      }
      BOOST_TEST(open.empty());
      BOOST_TEST(ends == adds);
      BOOST_TEST(calls.size() == 0U);
    }
  }
}

// A table that doubles whenever many ids meet in one place takes all memory here.
BOOST_AUTO_TEST_CASE(calls_whose_ids_were_made_for_one_place_are_kept_and_found) {
  const auto chosen = troupe::colliding_ids(9'000);
  for (const uuid& id : chosen) {
    header.clear();
    troupe::wire::append_call_header(header, {.id = id, .to = "shop", .op = "buy", .ttl = 9});
    ttl_at = troupe::wire::scan_header(header)->ttl_at;
    BOOST_REQUIRE(table.add({id, header, ttl_at, "body", time.now() + 1s, ++tokens, 0}));
  }
  std::size_t answered = 0;
  for (const uuid& id : chosen) {
    answered += table.answered(id) ? 1U : 0U;
  }

  BOOST_TEST(answered == chosen.size());
}

BOOST_AUTO_TEST_SUITE_END()
