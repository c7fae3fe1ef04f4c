// Random lives of random groups. A failure prints its seed, which replays it.
#include "runtime/supervision/group_policy.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

using namespace std::chrono_literals;

/// Plays children that start, hang, crash, are slow to stop or deaf, and watches the policy.
class simulated_group {
public:
  explicit simulated_group(std::uint64_t seed) : random_{seed}, policy_{make(), seed} {}

  void live(int events) {
    tell(start_requested{});
    for (int i = 0; i < events; ++i) {
      act();
      if (below(4) == 0) {
        repeat_something_old();
      }
    }
  }

  /// Lets every child answer well from now on, and lets time pass until nothing is due: the group
  /// must come up again.
  void recover() {
    for (int i = 0; i < 1'000 && !is_well(); ++i) {
      while (answer_well()) {
      }
      if (const auto due = policy_.next_due()) {
        now_ = std::max(now_, *due);
        tell(time_passed{});
      }
    }
    BOOST_REQUIRE(is_well());
  }

private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }

  group_spec make() {
    options_.on_failure = static_cast<strategy>(below(3));
    options_.max_restarts = below(6);
    options_.within = milliseconds{1 + below(5'000)};
    options_.backoff_min = milliseconds{below(100)};
    options_.backoff_max = options_.backoff_min + milliseconds{below(1'000)};
    options_.shutdown = milliseconds{1 + below(500)};
    options_.cool_down = milliseconds{1 + below(3'000)};
    options_.start = milliseconds{1 + below(2'000)};
    group_spec spec{options_, {}};
    const int children = 1 + below(5);
    for (int i = 1; i <= children; ++i) {
      spec.children.push_back(
          {.id = child_id{static_cast<std::uint32_t>(i)}, .name = "child " + std::to_string(i)});
    }
    return spec;
  }

  void act() {
    const int what = below(20);
    if (what < 6) {
      now_ += milliseconds{below(300)};
      tell(time_passed{});
    } else if (what < 9) {
      if (const auto due = policy_.next_due()) {
        now_ = std::max(now_, *due);
        tell(time_passed{});
      }
    } else if (!processes_.empty()) {
      auto at = processes_.begin();
      std::advance(at, below(static_cast<int>(processes_.size())));
      speak(at->first, at->second, what);
    }
  }

  struct process {
    std::uint64_t generation = 0;
    bool up = false;
    bool asked_to_stop = false;
  };

  void speak(child_id id, process& of, int what) {
    const auto generation = of.generation;
    if (!of.up && what < 17) {
      of.up = true;
      told_.push_back(child_started{id, generation});
    } else if (!of.up) {
      processes_.erase(id);
      told_.push_back(child_start_failed{id, generation, "no"});
    } else if (of.asked_to_stop && what < 18) {
      processes_.erase(id);
      told_.push_back(child_stopped{id, generation});
    } else if (what > 15) {
      processes_.erase(id);
      told_.push_back(child_exited{id, generation, "boom"});
    } else {
      return;
    }
    const auto event = told_.back();
    tell(event);
  }

  bool is_well() const {
    return policy_.state() == group_state::up && processes_.size() == policy_.children().size()
           && std::ranges::all_of(processes_, [](const auto& each) { return each.second.up; });
  }

  /// @return whether any child had something to answer.
  bool answer_well() {
    for (auto& [id, each] : processes_) {
      const child_id child = id;
      const std::uint64_t generation = each.generation;
      if (each.asked_to_stop) {
        processes_.erase(child);
        tell(child_stopped{child, generation});
        return true;
      }
      if (!each.up) {
        each.up = true;
        tell(child_started{child, generation});
        return true;
      }
    }
    return false;
  }

  /// Tells an event again that was told before: messages come twice and late.
  void repeat_something_old() {
    if (!told_.empty()) {
      const auto event = told_[static_cast<std::size_t>(below(static_cast<int>(told_.size())))];
      // An event of the generation that runs may be true again; every other one is stale.
      if (still_false(event)) {
        tell(event);
      }
    }
  }

  bool still_false(const group_event& event) {
    return std::visit(
        [&](const auto& each) {
          if constexpr (requires { each.generation; }) {
            const auto at = processes_.find(each.child);
            return at == processes_.end() || at->second.generation != each.generation;
          } else {
            return false;
          }
        },
        event);
  }

  void tell(const group_event& event) {
    policy_.handle(event, now_, actions_);
    if (std::holds_alternative<time_passed>(event)) {
      // A shell that calls again at this time never spins.
      const auto due = policy_.next_due();
      BOOST_REQUIRE((!due || *due > now_));
    }
    watch();
  }

  void watch() {
    for (const auto& action : std::exchange(actions_, {})) {
      std::visit([&](const auto& each) { saw(each); }, action);
    }
    for (const supervised_child& child : policy_.children()) {
      // The policy gave the child up, since it took too long to start or to stop.
      if (!child.has_process()) {
        processes_.erase(child.id);
      }
    }
    BOOST_REQUIRE((policy_.state() != group_state::down || processes_.empty()));
  }

  void saw(const start_child& action) {
    // Each start has a new generation, so that late events of the one before are stale.
    BOOST_REQUIRE((action.generation > generations_[action.child]));
    generations_[action.child] = action.generation;
    processes_[action.child] = {action.generation};
  }

  void saw(const stop_child& action) {
    BOOST_REQUIRE((processes_.at(action.child).generation == action.generation));
    BOOST_REQUIRE(!processes_.at(action.child).asked_to_stop);
    processes_.at(action.child).asked_to_stop = true;
  }

  void saw(const plan_restart& action) {
    BOOST_REQUIRE((action.due >= now_ + options_.backoff_min));
    BOOST_REQUIRE((action.due <= now_ + std::chrono::nanoseconds{options_.backoff_max} * 6 / 5));
    planned_.push_back(now_);
    while (planned_.front() < now_ - options_.within) {
      planned_.pop_front();
    }
    // S9
    BOOST_REQUIRE((planned_.size() <= static_cast<std::size_t>(options_.max_restarts)));
  }

  void saw(const record_failure& action) { BOOST_REQUIRE(!action.failed.reason.empty()); }

  void saw(const group_up&) {
    BOOST_REQUIRE(!up_);
    up_ = true;
  }

  void saw(const group_down& action) {
    BOOST_REQUIRE((action.retry_at == now_ + options_.cool_down));
    up_ = false;
    // The next try has a budget of its own.
    planned_.clear();
  }

  std::mt19937_64 random_;
  options options_;
  group_policy policy_;
  instant now_{1h};
  std::vector<group_action> actions_;
  std::map<child_id, process> processes_;
  std::map<child_id, std::uint64_t> generations_;
  std::vector<group_event> told_;
  std::deque<instant> planned_;
  bool up_ = false;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_supervision_group_property, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(random_groups_keep_their_promises_and_always_come_up_again) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      simulated_group group{seed};
      group.live(300);
      group.recover();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
