#include "runtime/worker/outbox_relay.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace utf = boost::unit_test;

namespace troupe {

inline std::ostream& operator<<(std::ostream& out, const outbox_relay::range& what) {
  return out << what.first << ".." << what.last;
}

namespace {

using range = outbox_relay::range;
using namespace std::chrono_literals;

struct relay_fixture {
  manual_clock time;
  outbox_relay relay;

  void join(std::uint64_t newest, std::uint64_t confirmed) {
    relay.joined(newest, time.now());
    relay.confirmed(confirmed, time.now());
  }

  range next(std::uint64_t rows_max = 1'000'000) const {
    return relay.to_read(rows_max).value_or(range{});
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_outbox_relay, relay_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(what_is_committed_leaves_at_once) {
  join(10, 10);

  BOOST_TEST(relay.committed(11, 5) == 5U);
  BOOST_TEST(next() == range{});
}

BOOST_AUTO_TEST_CASE(nothing_leaves_before_the_broker_took_the_login_and_it_then_asks) {
  BOOST_TEST(relay.committed(1, 5) == 0U);
  BOOST_TEST(next() == range{});

  join(5, 0);
  // Nothing is sent before the broker asks: another process may have relayed these events.
  BOOST_TEST(next() == range{});
  relay.resend({1, 5});

  BOOST_TEST(next() == (range{1, 5}));
}

// What it has may be less than it had: a journal that was restored asks for what another one took.
BOOST_AUTO_TEST_CASE(nothing_leaves_before_what_the_broker_has_is_known_to_fit) {
  relay.joined(1'000'000, time.now());

  BOOST_TEST(relay.committed(1'000'001, 3) == 0U);
  relay.resend({999'999, 1'000'000});
  BOOST_TEST(next() == range{});
  relay.confirmed(999'998, time.now());

  BOOST_TEST(next() == (range{999'999, 1'000'003}));
}

BOOST_AUTO_TEST_CASE(the_first_events_of_an_outbox_leave_at_once) {
  relay.joined(0, time.now());

  BOOST_TEST(relay.committed(1, 3) == 3U);
  relay.joined(3, time.now()); // Once more, as another process has taken over.
  BOOST_TEST(relay.committed(4, 1) == 1U);
  relay.left();
  relay.joined(4, time.now());
  BOOST_TEST(relay.committed(5, 1) == 0U);
}

BOOST_AUTO_TEST_CASE(beyond_the_window_it_waits_for_confirmations_and_leaves_in_order) {
  join(0, 0);
  BOOST_TEST(relay.committed(1, 4'000) == 4'000U);
  BOOST_TEST(relay.committed(4'001, 200) == 96U);
  BOOST_TEST(relay.committed(4'201, 100) == 0U);
  BOOST_TEST(next() == range{});

  relay.confirmed(100, time.now());
  BOOST_TEST(next() == (range{4'097, 4'196}));
  relay.sent(4'150);
  BOOST_TEST(next() == (range{4'151, 4'196}));
  relay.sent(4'196);
  BOOST_TEST(next() == range{});
  relay.confirmed(4'000, time.now());

  BOOST_TEST(next() == (range{4'197, 4'300}));
  BOOST_TEST(next(10) == (range{4'197, 4'206}));
  BOOST_TEST(relay.committed(4'301, 1) == 0U); // Behind those that wait.
  relay.sent(4'301);
  BOOST_TEST(relay.committed(4'302, 1) == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_again_leaves_before_what_waits) {
  join(0, 0);
  relay.committed(1, 5'000);

  relay.resend({50, 60});

  BOOST_TEST(next() == (range{50, 60}));
  relay.sent(60);
  BOOST_TEST(next() == (range{4'097, 4'145})); // It has the first 49.
}

BOOST_AUTO_TEST_CASE(what_others_have_committed_is_awaited_from_when_it_was_noticed) {
  join(3, 3);
  time.advance(10s);
  relay.noticed(4, time.now());

  time.advance(1s);
  BOOST_TEST(!relay.is_stalled(time.now()));
  relay.noticed(5, time.now()); // The one before waits on.
  time.advance(1ms);

  BOOST_TEST(relay.is_stalled(time.now()));
  BOOST_TEST(relay.newest() == 5U);
  relay.confirmed(5, time.now());
  BOOST_TEST(!relay.is_stalled(time.now()));
}

BOOST_AUTO_TEST_CASE(nonsense_is_not_read) {
  join(10, 0);

  relay.resend({0, 5});
  relay.resend({5, 4});
  BOOST_TEST(next() == range{});
  relay.resend({5, 1'000'000'000});

  BOOST_TEST(next() == (range{5, 10}));
}

BOOST_AUTO_TEST_CASE(a_refused_outbox_is_left_alone_until_the_next_login) {
  join(10, 10);
  relay.refused();

  BOOST_TEST(relay.committed(11, 1) == 0U);
  relay.resend({1, 10});
  BOOST_TEST(next() == range{});
  join(11, 10);

  BOOST_TEST(relay.committed(12, 1) == 1U);
}

BOOST_AUTO_TEST_CASE(a_confirmation_that_does_not_come_is_noticed) {
  join(10, 10);
  time.advance(5s);
  BOOST_TEST(!relay.is_stalled(time.now()));

  relay.committed(11, 1);
  BOOST_TEST(relay.is_stalled(time.now()));
  relay.confirmed(11, time.now());

  BOOST_TEST(!relay.is_stalled(time.now()));
}

// Two processes relay one outbox to a broker that takes only the next number, forgets events that
// come early, and asks for them. Logins break, messages are lost. In the end every event arrived.
BOOST_AUTO_TEST_CASE(everything_arrives_whatever_happens) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random{seed};
    outbox_relay relays[2];
    std::uint64_t newest = 0;
    std::uint64_t taken = 0;
    const auto arrives = [&](range what) {
      for (std::uint64_t seq = what.first; seq <= what.last; ++seq) {
        taken += seq == taken + 1 ? 1U : 0U;
      }
    };
    const auto login = [&](outbox_relay& each) {
      each.joined(newest, time.now());
      each.confirmed(taken, time.now());
      if (newest > taken) {
        each.resend({taken + 1, newest});
      }
    };
    for (int step = 0; step < 400; ++step) {
      outbox_relay& one = relays[random() % 2];
      switch (random() % 8) {
      case 0:
        one.left();
        break;
      case 1:
        login(one);
        break;
      case 2:
        relays[0].confirmed(taken, time.now());
        relays[1].confirmed(taken, time.now());
        break;
      case 3:
        if (newest > taken) {
          one.resend({taken + 1, newest});
        }
        break;
      case 4:
      case 5: {
        const std::uint64_t count = random() % 700 + 1;
        const std::uint64_t now = one.committed(newest + 1, count);
        if (now != 0 && random() % 8 != 0) { // Else it is lost on the way.
          arrives({newest + 1, newest + now});
        }
        newest += count;
        break;
      }
      default:
        if (const auto what = one.to_read(random() % 300 + 1)) {
          BOOST_TEST_REQUIRE(what->last - what->first < 300U);
          arrives(*what);
          one.sent(what->last);
        }
      }
    }
    login(relays[0]);
    for (int step = 0; taken < newest && step < 1'000; ++step) {
      while (const auto what = relays[0].to_read(512)) {
        arrives(*what);
        relays[0].sent(what->last);
      }
      relays[0].confirmed(taken, time.now());
    }
    BOOST_TEST_REQUIRE(taken == newest, "seed " << seed);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
