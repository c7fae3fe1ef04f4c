#include "tests/broker/calls/router_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace troupe::broker {

namespace utf = boost::unit_test;

namespace {

constexpr std::uint32_t credit = 3;
constexpr milliseconds late_max{20};

/// A worker process: it has what it was sent, logged in or not, until it answers or dies.
struct process {
  std::string name;
  std::uint64_t incarnation = 0;
  /// 0 while it is logged out.
  std::uint32_t login = 0;
  std::set<uuid> held{};
  /// Of `held`: from before its latest login. The router may have handed these to others.
  std::set<uuid> brought{};
};

/// Random calls, answers, deaths and lost links, and what must hold whatever happens.
class world {
public:
  explicit world(std::uint64_t seed) : random_{seed}, tested_{router_fixture::usual()} {
    for (const char* name : {"n1", "n2", "n3"}) {
      workers_.push_back({.name = name});
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      check_ends();
      check_deliveries();
    }
    settle();
  }

private:
  struct wish {
    uuid id;
    instant deadline;
    int ends = 0;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  process* logged_in() {
    process& any = workers_[below(workers_.size())];
    return any.login == 0 ? nullptr : &any;
  }

  void step() {
    const std::uint64_t dice = below(100);
    process* const worker = logged_in();
    if (dice < 35) {
      ask();
    } else if (dice < 70 && worker != nullptr) {
      answer_something(*worker);
    } else if (dice < 73 && worker != nullptr) {
      end_login(*worker, below(3));
    } else if (dice < 82) {
      log_in(workers_[below(workers_.size())]);
    } else if (dice < 83 && worker != nullptr) {
      // A subscriber has a suspect event for this node, or is done with it.
      keeps_free_ ? tested_.let_go() : tested_.keep_free(worker->login);
      keeps_free_ = !keeps_free_;
    } else if (dice < 85 && worker != nullptr) {
      // A stale or repeated answer, or one of a worker that was not asked.
      const std::uint64_t number = below(next_ + 1);
      worker->held.erase(router_fixture::id(number));
      worker->brought.erase(router_fixture::id(number));
      tested_.reply(worker->login, number);
    } else {
      tested_.advance(milliseconds{1 + below(5)});
    }
  }

  void ask() {
    // Mostly new ids, sometimes a known one: a retry from another peer.
    const std::uint64_t number = below(5) == 0 && next_ > 0 ? 1 + below(next_) : ++next_;
    const milliseconds ttl{1 + below(400)};
    const std::uint64_t from = ++origins_;
    wishes_[from] = {router_fixture::id(number), tested_.now + ttl};
    // An id always asks for the same.
    const char* const to = number % 3 == 0 ? "users" : "orders";
    const std::string key = number % 2 == 0 ? std::to_string(number % 7) : "";
    const std::size_t before = queue_of(to);
    tested_.call(number, from, ttl, key, to);
    BOOST_REQUIRE(queue_of(to) <= std::max<std::size_t>(before, 4));
  }

  std::size_t queue_of(std::string_view name) const {
    const directory& all = tested_.tested.nodes();
    return all.capabilities[all.find_capability(name)].waiting();
  }

  void answer_something(process& worker) {
    if (worker.held.empty()) {
      return;
    }
    auto chosen = worker.held.begin();
    std::advance(chosen, static_cast<long>(below(worker.held.size())));
    const uuid id = *chosen;
    worker.held.erase(chosen);
    worker.brought.erase(id);
    const std::uint64_t number = number_of(id);
    switch (below(10)) {
    case 0:
      return tested_.pending(worker.login, number);
    case 1:
      return tested_.refuse_with(
          worker.login, number, {.code = errc::overloaded, .message = "", .retry_after = 5ms});
    case 2:
      suspects_.erase(id);
      return tested_.refuse_with(worker.login, number, rejected("no", "no"));
    default:
      suspects_.erase(id);
      return tested_.reply(worker.login, number);
    }
  }

  void end_login(process& worker, std::uint64_t how) {
    const std::uint32_t login = std::exchange(worker.login, 0);
    if (how == 0) { // Killed.
      worker.held.clear();
      worker.brought.clear();
      worker.incarnation = 0;
      tested_.lose(login);
    } else if (how == 1) { // Leaves in order.
      worker.held.clear();
      worker.brought.clear();
      worker.incarnation = 0;
      tested_.leave(login);
    } else { // Only the link was lost; it goes on with what it has.
      worker.brought = worker.held;
      tested_.lose(login);
    }
  }

  void log_in(process& worker) {
    if (worker.login != 0) {
      if (below(2) == 0) {
        return;
      }
      worker.brought =
          worker.held; // The link was cut, and the worker is back before anybody noticed.
    }
    if (worker.incarnation == 0) {
      worker.incarnation = ++incarnations_;
    }
    for (const uuid& id : worker.held) {
      suspects_.erase(id); // The call did not kill this worker after all.
    }
    worker.login = ++logins_;
    BOOST_REQUIRE(tested_
                      .join(
                          worker.name,
                          worker.login,
                          credit,
                          {worker.held.begin(), worker.held.end()},
                          worker.incarnation)
                      .has_value());
  }

  void check_deliveries() {
    for (const log_event& each : tested_.events) {
      if (each.name == "call_suspected") {
        suspects_.insert(*parse_uuid(each.fields.at(0).second));
        once_suspects_.insert(*parse_uuid(each.fields.at(0).second));
      }
    }
    tested_.events.clear();
    for (const router_fixture::sent& each : tested_.delivered) {
      const auto to =
          std::ranges::find(workers_, static_cast<std::uint32_t>(each.to), &process::login);
      BOOST_REQUIRE((to != workers_.end()));
      check_delivery(*to, each.id);
      to->held.insert(each.id);
      to->brought.erase(each.id);
    }
    tested_.delivered.clear();
  }

  void check_delivery(const process& to, const uuid& id) {
    const bool is_event_alone = tested_.alone.has_turn(suspect_of{0});
    BOOST_REQUIRE_MESSAGE(!(is_event_alone && suspects_.count(id) != 0), "two suspects at a time");
    const bool to_users = number_of(id) % 3 == 0;
    std::size_t same = 0;
    for (const uuid& each : to.held) {
      const bool is_new = to.brought.count(each) == 0;
      same += is_new && (number_of(each) % 3 == 0) == to_users ? 1U : 0U;
      BOOST_REQUIRE_MESSAGE(!(is_new && suspects_.count(each) != 0), "sent beside a suspect");
      BOOST_REQUIRE_MESSAGE(!(is_new && suspects_.count(id) != 0), "a suspect is not sent alone");
    }
    BOOST_REQUIRE(same < credit);
    for (const process& other : workers_) {
      const bool has_it = other.login != 0 && other.held.count(id) != 0;
      BOOST_REQUIRE_MESSAGE(!has_it || other.brought.count(id) != 0, "two live workers have it");
      const bool is_other = other.login != 0 && &other != &to && once_suspects_.count(id) == 0;
      BOOST_REQUIRE_MESSAGE(!is_other || !has_key_of(other, id), "two workers have one key");
    }
  }

  /// Whether the worker was sent a call of the same key and capability.
  bool has_key_of(const process& worker, const uuid& id) const {
    const std::uint64_t number = number_of(id);
    return number % 2 == 0 && std::ranges::any_of(worker.held, [&](const uuid& each) {
             const std::uint64_t other = number_of(each);
             return other % 2 == 0 && other % 7 == number % 7
                    && (other % 3 == 0) == (number % 3 == 0) && worker.brought.count(each) == 0
                    && once_suspects_.count(each) == 0;
           });
  }

  void check_ends() {
    for (const router_fixture::settled& each : tested_.ended) {
      wish& one = wishes_.at(static_cast<std::uint64_t>(each.to));
      BOOST_REQUIRE(++one.ends == 1);
      BOOST_REQUIRE((one.id == each.id));
      if (!each.why) {
        suspects_.erase(each.id); // The worker that answered lives.
      }
      BOOST_REQUIRE((each.at <= one.deadline + late_max));
    }
    tested_.ended.clear();
  }

  void settle() {
    tested_.let_go();
    tested_.advance(1s);
    check_deliveries();
    check_ends();
    for (int round = 0; round < 2; ++round) {
      for (process& each : workers_) {
        while (each.login != 0 && !each.held.empty()) {
          answer_something(each);
          check_deliveries();
        }
      }
      tested_.advance(1s);
      check_ends();
    }
    for (const auto& [from, one] : wishes_) {
      BOOST_REQUIRE(one.ends == 1);
    }
    const router& left = tested_.tested;
    BOOST_REQUIRE(left.size() == 0U);
    BOOST_REQUIRE(left.waited_for() == 0U);
    BOOST_REQUIRE(left.suspects() == 0U);
    for (const capability& each : left.nodes().capabilities) {
      BOOST_REQUIRE(each.waiting() == 0U);
      BOOST_REQUIRE(each.awaiting.size == 0U);
      BOOST_REQUIRE(each.outstanding == 0U);
      for (const placement& placement : each.placements) {
        BOOST_REQUIRE(placement.outstanding == 0U);
        BOOST_REQUIRE(placement.line.size == 0U);
      }
    }
  }

  static std::uint64_t number_of(const uuid& id) {
    std::uint64_t number = 0;
    std::memcpy(&number, id.bytes.data(), sizeof number);
    return number;
  }

  std::mt19937_64 random_;
  router_fixture tested_;
  std::vector<process> workers_;
  std::map<std::uint64_t, wish> wishes_;
  std::set<uuid> suspects_;
  /// Those that were acquitted, too: who is in line to be sent alone stays there.
  std::set<uuid> once_suspects_;
  std::uint64_t next_ = 0;
  std::uint64_t origins_ = 0;
  std::uint64_t incarnations_ = 0;
  std::uint32_t logins_ = 0;
  bool keeps_free_ = false;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_calls_properties, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(whatever_happens_every_call_ends_once_and_in_time) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      world{seed}.run(1'500);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
