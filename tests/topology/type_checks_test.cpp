#include "topology/type_checks.hpp"

#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

wire::message_schema
message(std::string name, std::string field, wire::form is, bool optional = false) {
  return {std::move(name), {{std::move(field), optional, {.is = is}}}};
}

/// `orders` publishes `user.named` and calls `users.get`; `users` handles what is below `user`.
struct types_fixture : topology_fixture {
  types_fixture() {
    users().operations = {{"get", wire::operation_kind::query, "get_user", "user"}};
    users().handles = {{"user.named", "named"}, {"*"}};
    users().types = {
        message("get_user", "name", wire::form::text),
        message("user", "age", wire::form::int32),
        message("named", "name", wire::form::text)};
    orders().publishes = {{"user.named", "naming"}};
    orders().types = {message("naming", "name", wire::form::text)};
    types[1].calls = {{"users.get", "find_user", "found_user"}};
    types[1].call_types = {
        message("find_user", "name", wire::form::text),
        message("found_user", "age", wire::form::int64)};
  }

  wire::actor_description& users() { return types[0].described; }

  wire::actor_description& orders() { return types[1].described; }

  /// `good`, with `users` subscribed to `patterns`.
  static std::string hearing(std::string_view patterns) {
    return good_with("replicas: 2", fmt::format("subscribes: [{}]", patterns));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    topology_type_checks, types_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(types_that_fit_under_other_names_are_taken) {
  plan_of(hearing("user.named"));
}

BOOST_AUTO_TEST_CASE(an_event_that_its_subscriber_cannot_read_is_refused_where_that_subscribes) {
  orders().types = {message("naming", "nom", wire::form::text)};

  for (const auto* pattern : {"user.named", "user.*"}) {
    check_only_fault(
        hearing(pattern),
        {12, 24},
        fmt::format(
            "capability `users` subscribes to `{}`, and its handler of `user.named` reads `named`; "
            "`orders` publishes `user.named` as `naming`, which does not fit: the field `name` is "
            "missing",
            pattern),
        "make a field optional");
  }
  plan_of(good); // Nobody subscribes.
  plan_of(hearing("order.*"));
}

BOOST_AUTO_TEST_CASE(a_handler_that_is_declared_first_is_the_one_that_reads) {
  orders().types = {message("naming", "nom", wire::form::text)};
  users().handles = {{"user.*"}, {"user.named", "named"}};

  plan_of(hearing("user.named"));
}

// Events of `user.lost` get no further than the first handler; those of `user.named` meet `named`.
BOOST_AUTO_TEST_CASE(a_published_pattern_meets_each_handler_below_it) {
  orders().publishes = {{"user.*", "naming"}};
  orders().types = {message("naming", "nom", wire::form::text)};
  users().handles = {{"user.lost"}, {"user.named", "named"}};

  check_only_fault(hearing("\"*\""), {12, 24}, "its handler of `user.named` reads `named`");
}

BOOST_AUTO_TEST_CASE(a_call_that_its_participant_cannot_read_is_refused) {
  types[1].call_types[0] = message("find_user", "name", wire::form::text, true);

  check_only_fault(
      good,
      {13, 19},
      "the sagas of capability `orders` call `users.get`, which reads `get_user`, with "
      "`find_user`, which does not fit: the field `name` may be absent");
}

BOOST_AUTO_TEST_CASE(a_reply_that_the_saga_cannot_read_is_refused) {
  types[1].call_types[1] = message("found_user", "age", wire::form::int16);

  check_only_fault(
      good,
      {13, 19},
      "the sagas of capability `orders` call `users.get`, and read its `user` as `found_user`, "
      "which does not fit: `age` is int32 and not int16");
}

BOOST_AUTO_TEST_CASE(what_nobody_tells_is_not_compared) {
  orders().types = {message("naming", "nom", wire::form::text)};
  orders().publishes[0].event.reset();
  types[1].call_types.clear();
  types[1].calls = {{"users.get"}};

  plan_of(hearing("user.named"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
