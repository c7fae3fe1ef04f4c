// Random lives of random breakers. A failure prints its seed, which replays it.
#include "runtime/supervision/breaker.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

using namespace std::chrono_literals;

class simulated_breaker {
public:
  explicit simulated_breaker(std::uint64_t seed) : random_{seed}, unit_{draw(), seed, now_} {}

  void live(int events) {
    for (int i = 0; i < events; ++i) {
      act();
      watch();
    }
  }

private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }

  const breaker_options& draw() {
    options_.threshold = 1 + below(5);
    options_.timeout = milliseconds{1 + below(1'000)};
    options_.probes = 1 + below(4);
    options_.probe_deadline = milliseconds{1 + below(500)};
    if (below(2) == 0) {
      options_.window = breaker_window{
          .span = 1s,
          .minimum_calls = 1 + below(10),
          .failure_rate = 0.1 * (1 + below(10)),
          .slow_call = 50ms,
          .slow_rate = 0.1 * (1 + below(10))};
    }
    return options_;
  }

  void act() {
    const int what = below(20);
    if (what < 9) {
      ask();
    } else if (what < 16) {
      answer();
    } else if (what < 18) {
      now_ += milliseconds{below(200)};
    } else if (what == 18) {
      unit_.tick(now_, log_);
      const auto due = unit_.next_due();
      BOOST_REQUIRE((!due || *due > now_));
    } else if (below(20) == 0) {
      unit_.force(static_cast<breaker_mode>(below(4)), "seed", "chance", now_, log_);
    }
  }

  void ask() {
    const auto before = unit_.state();
    const auto due = unit_.next_due();
    const auto answer = unit_.admit(now_, log_);
    if (const auto* may = std::get_if<admitted>(&answer)) {
      // Nothing is admitted before the wait is over, nor while a person keeps the breaker open.
      BOOST_REQUIRE((before != breaker_state::forced_open));
      BOOST_REQUIRE((before != breaker_state::open || now_ >= *due));
      BOOST_REQUIRE(may->epoch == unit_.epoch());
      BOOST_REQUIRE((may->probe != 0) == (unit_.state() == breaker_state::half_open));
      calls_.push_back(*may);
    } else {
      BOOST_REQUIRE((std::get<refused>(answer).retry_after >= 1ms));
      BOOST_REQUIRE((unit_.state() != breaker_state::closed));
    }
  }

  void answer() {
    if (calls_.empty()) {
      return;
    }
    const auto at = calls_.begin() + below(static_cast<int>(calls_.size()));
    const auto call = *at;
    const bool stale = call.epoch != unit_.epoch();
    const auto transitions = log_.size();
    if (below(6) == 0) {
      unit_.cancel(call, now_, log_);
    } else {
      const auto result = static_cast<call_result>(below(3));
      unit_.record(result, call, milliseconds{below(100)}, now_, log_);
    }
    BOOST_REQUIRE((!stale || log_.size() == transitions));
    // Some answers come twice.
    if (below(5) != 0) {
      calls_.erase(at);
    }
  }

  void watch() {
    BOOST_REQUIRE(unit_.probes_in_flight() <= options_.probes);
    BOOST_REQUIRE((unit_.probes_in_flight() == 0 || unit_.state() == breaker_state::half_open));
    for (; logged_ < log_.size(); ++logged_) {
      BOOST_REQUIRE((log_[logged_].from == last_state_));
      BOOST_REQUIRE(log_[logged_].epoch == last_epoch_ + 1);
      BOOST_REQUIRE(!log_[logged_].reason.empty());
      last_state_ = log_[logged_].to;
      last_epoch_ = log_[logged_].epoch;
    }
    BOOST_REQUIRE((last_state_ == unit_.state()));
    BOOST_REQUIRE(last_epoch_ == unit_.epoch());
    if (unit_.state() == breaker_state::open) {
      const auto longest = options_.timeout * 11;
      BOOST_REQUIRE((unit_.next_due().value() <= log_.back().at + longest));
      BOOST_REQUIRE((unit_.next_due().value() >= log_.back().at + options_.timeout));
    }
  }

  std::mt19937_64 random_;
  breaker_options options_;
  instant now_{1h};
  breaker unit_;
  std::vector<breaker_transition> log_;
  std::vector<admitted> calls_;
  std::size_t logged_ = 0;
  breaker_state last_state_ = breaker_state::closed;
  std::uint64_t last_epoch_ = 1;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_supervision_breaker_property, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(random_breakers_keep_their_promises) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      simulated_breaker breaker{seed};
      breaker.live(400);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
