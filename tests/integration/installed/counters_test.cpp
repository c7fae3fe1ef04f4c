// An actor and a saga without processes, by the installed library.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE counters

#include "counters.hpp"

#include "runtime/testing/actor_trial.hpp"
#include "runtime/testing/saga_trial.hpp"

#include <boost/test/unit_test.hpp>

namespace counters::test {

BOOST_AUTO_TEST_CASE(a_counter_counts_once_for_each_id_and_takes_it_back) {
  troupe::testing::actor_trial actor{counter()};
  const troupe::uuid id = actor.fresh_id();

  const auto first = actor.call<counted>("add", amount{id, "a", 3});
  const auto again = actor.call<counted>("add", amount{id, "a", 3});
  const auto refused = actor.call<counted>("add", amount{actor.fresh_id(), "a", -4});

  BOOST_TEST(first->much == 3);
  BOOST_TEST(again->much == 3);
  BOOST_TEST(refused.error().detail("reason") == "too_little");
  BOOST_TEST(actor.call<amount>("take", amount{id, "a", 3}).has_value());
  BOOST_TEST(actor.ask<counted>("get", counted{"a"})->much == 0);
  BOOST_TEST(actor.number("SELECT COUNT(*) FROM reserved") == 1);
}

BOOST_AUTO_TEST_CASE(what_the_actor_does_not_have_is_a_fault_of_the_test) {
  troupe::testing::actor_trial actor{counter()};

  BOOST_CHECK_THROW((void)actor.ask<counted>("got", counted{"a"}), std::logic_error);
  BOOST_CHECK_THROW((void)actor.ask<counted>("add", counted{"a"}), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_move_that_is_refused_leaves_nothing) {
  troupe::testing::saga_trial trial{move()};
  trial.on<amount>(
           "counter.add",
           [](const amount& what) {
             return counted{what.counter, 1};
           })
      .lose_answer("counter.add");
  BOOST_TEST(trial.run(wish{"a", "b", 1}).has_value());

  troupe::testing::saga_trial refused{move()};
  refused.refuse("counter.add", "too_little");
  BOOST_TEST(!refused.run(wish{"a", "b", 1}).has_value());
  BOOST_TEST(refused.carried_out().empty());
}

} // namespace counters::test
