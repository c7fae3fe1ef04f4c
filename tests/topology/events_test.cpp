#include "topology/events.hpp"

#include "runtime/time_text.hpp"
#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t mebibyte = 1U << 20U;

struct events_fixture : topology_fixture {
  /// `good` with these keys for `users`.
  static std::string users_with(std::string_view keys) { return good_with("replicas: 2", keys); }

  const capability_plan& users(std::string_view keys) {
    plan_ = plan_of(users_with(keys));
    return *plan_.find(capability_name{"users"});
  }

  events_plan events(std::string_view keys) const {
    return plan_of(good_and(fmt::format("events: {}\n", keys))).events;
  }

  plan plan_;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(topology_events, events_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(what_is_not_said_of_events_has_its_default) {
  for (const events_plan& plan : {plan_of(good).events, events(""), events("{}")}) {
    BOOST_TEST(plan.broker == "b1");
    BOOST_TEST(plan.journal == "sqlite:shops/one/data/journal.db");
    BOOST_TEST(plan.rules.empty());
    BOOST_TEST(plan.otherwise.pattern == "*");
    BOOST_TEST((plan.otherwise.keep == 7 * 24h));
    BOOST_TEST(plan.otherwise.bytes_max == 1'024 * mebibyte);
    BOOST_TEST(!plan.otherwise.drop_unread);
  }
}

BOOST_AUTO_TEST_CASE(the_section_events_is_read) {
  std::string text = good_with("nodes:", "  b2: {listen: \"tcp://localhost:5551\"}\nnodes:");
  text += "events:\n"
          "  broker: b2\n"
          "  journal: 'sqlite:../facts.db'\n"
          "  keep: 1h\n"
          "  size: 2MiB\n"
          "  topics:\n"
          "    order.created: {drop_unread: true}\n"
          "    order.*: {keep: 30d, size: 4GiB, drop_unread: false}\n";
  const events_plan plan = plan_of(text).events;

  BOOST_TEST(plan.broker == "b2");
  BOOST_TEST(plan.journal == "sqlite:shops/facts.db");
  BOOST_TEST((plan.otherwise.keep == 1h));
  BOOST_TEST(plan.otherwise.bytes_max == 2 * mebibyte);
  BOOST_REQUIRE(plan.rules.size() == 2U);
  // A key that a rule leaves out has the value of `events`.
  BOOST_TEST((plan.rules[0].keep == 1h));
  BOOST_TEST(plan.rules[0].bytes_max == 2 * mebibyte);
  BOOST_TEST(plan.rules[0].drop_unread);
  BOOST_TEST((plan.rules[1].keep == 30 * 24h));
  BOOST_TEST(plan.rules[1].bytes_max == 4'096 * mebibyte);
  BOOST_TEST(!plan.rules[1].drop_unread);
}

BOOST_AUTO_TEST_CASE(rules_keep_the_order_in_which_they_are_written) {
  const events_plan plan = events("{topics: {order.created: {keep: 1h}, order.*: {keep: 2h}}}");

  BOOST_REQUIRE(plan.rules.size() == 2U);
  BOOST_TEST(plan.rules[0].pattern == "order.created");
  BOOST_TEST(plan.rules[1].pattern == "order.*");
  BOOST_TEST(plan.otherwise.pattern == "*");
}

BOOST_AUTO_TEST_CASE(a_rule_that_never_holds_is_a_fault) {
  check_only_fault(
      good_and("events: {topics: {order.*: {keep: 1h}, order.created: {keep: 2h}}}\n"),
      {14, 40},
      "`order.created` in topics of events never holds: `order.*` before it",
      "put it before `order.*`");
  check_only_fault(
      good_and("events: {topics: {'*': {keep: 1h}, order.*: {keep: 2h}}}\n"),
      {14, 36},
      "`*` before it");
  check_only_fault(good_and("events: {topics: {a: {keep: 1h}, a: {keep: 2h}}}\n"), {14, 34}, "`a`");
}

BOOST_AUTO_TEST_CASE(an_unknown_broker_is_a_fault) {
  check_only_fault(
      good_and("events: {broker: b}\n"),
      {14, 18},
      "`broker` of events names the unknown broker `b`",
      "did you mean `b1`?");
  check_only_fault(good_and("events: {broker: main}\n"), {14, 18}, "`main`", "the brokers are b1");
}

BOOST_AUTO_TEST_CASE(brokers_share_a_journal_in_postgresql) {
  const events_plan plan = events("{journal: 'postgresql://db1,db2:5433/shop'}");

  BOOST_TEST(plan.is_shared());
  BOOST_TEST(plan.journal == "postgresql://db1,db2:5433/shop");
  BOOST_TEST(plan.broker.empty());
  BOOST_TEST(!events("").is_shared());
}

BOOST_AUTO_TEST_CASE(one_broker_cannot_be_named_beside_a_journal_that_they_share) {
  check_only_fault(
      good_and("events: {broker: b1, journal: 'postgresql://db1/shop'}\n"),
      {14, 18},
      "`broker` of events cannot be used with a journal in PostgreSQL",
      "remove it");
}

// What an address may say is tested with stores (store_path_test.cpp).
BOOST_AUTO_TEST_CASE(an_address_of_a_journal_that_means_none_is_a_fault) {
  check_only_fault(
      good_and("events: {journal: 'postgresql://db1'}\n"), {14, 19}, "names no database");
  check_only_fault(
      good_and("events: {journal: 'postgresql://ann:secret@db1/shop'}\n"),
      {14, 19},
      "`journal` of events has a password",
      "PGPASSFILE");
}

BOOST_AUTO_TEST_CASE(a_journal_is_a_sqlite_file) {
  for (const auto* journal :
       {"none",
        "data/journal.db",
        "'sqlite:'",
        "'sqlite::memory:'",
        "'sqlite:data/{capability}.db'"}) {
    BOOST_TEST_CONTEXT(journal) {
      check_only_fault(
          good_and(fmt::format("events: {{journal: {}}}\n", journal)),
          {14, 19},
          "`journal` of events",
          "sqlite:data/journal.db");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_journal_is_no_capabilitys_database) {
  check_only_fault(
      good_and("events: {journal: 'sqlite:data/../data/users.db'}\n"),
      {14, 19},
      "the journal of events and capability `users` share the database "
      "sqlite:shops/one/data/users.db",
      "a file of its own");
  // Wherever the two are: backups and moves have them by their names.
  for (const char* const place : {"data/journal.db", "data/events.db"}) {
    check_only_fault(
        good_and(
            fmt::format("  journal: {{actor: users}}\nevents: {{journal: 'sqlite:{}'}}\n", place)),
        {14, 3},
        "capability `journal` has the name by which backups have the journal of events",
        "another name");
  }
  check_only_fault(
      users_with("store: 'sqlite:data/journal.db'"), {12, 18}, "capability `users` share");
}

// There the journal and each capability have a schema of their own.
BOOST_AUTO_TEST_CASE(a_journal_and_capabilities_may_have_one_database_on_a_server) {
  const auto in_one = [](std::string_view more) {
    return good_with("sqlite:data/{capability}.db", "postgresql://db1,db2/shop")
           + fmt::format("{}events: {{journal: 'postgresql://db1,db2/shop'}}\n", more);
  };
  BOOST_TEST(plan_of(in_one("")).events.journal == "postgresql://db1,db2/shop");
  check_only_fault(
      in_one("  troupe_journal: {actor: users}\n"), {14, 3}, "has the name of the schema");
  check_only_fault(in_one("  journal: {actor: users}\n"), {14, 3}, "has the name by which backups");
}

BOOST_AUTO_TEST_CASE(retention_has_bounds) {
  const auto with = [](std::string_view keys) {
    return good_and(fmt::format("events: {{{}}}\n", keys));
  };
  check_only_fault(with("keep: 59s"), {14, 16}, "`keep` of events is `59s`", "from 1m to 3650d");
  check_only_fault(with("keep: 3651d"), {14, 16}, "`keep` of events is `3651d`");
  check_only_fault(with("size: 1023KiB"), {14, 16}, "`size` of events", "from 1MiB to 1024GiB");
  check_only_fault(with("size: 1025GiB"), {14, 16}, "`size` of events");
  check_only_fault(
      with("topics: {a: {keep: 7}}"),
      {14, 29},
      "`keep` of topics `a` is `7`, a duration without unit");
  check_only_fault(
      with("topics: {a: {drop_unread: yes}}"), {14, 36}, "is `yes`", "write true or false");
  plan_of(with("keep: 1m, size: 1MiB, topics: {a: {keep: 3650d, size: 1024GiB}}"));
}

BOOST_AUTO_TEST_CASE(unknown_keys_of_events_are_faults) {
  check_only_fault(good_and("events: {kep: 1h}\n"), {14, 10}, "unknown key `kep`", "`keep`?");
  check_only_fault(
      good_and("events: {topics: {a: {drop_unred: true}}}\n"),
      {14, 23},
      "unknown key `drop_unred` in topics `a`",
      "`drop_unread`?");
  check_only_fault(good_and("events: [b1]\n"), {14, 9}, "events is a list, not a map");
  check_only_fault(good_and("events: {topics: [a]}\n"), {14, 18}, "`topics` of events is no map");
}

BOOST_AUTO_TEST_CASE(a_pattern_that_means_no_topics_is_a_fault) {
  check_only_fault(
      users_with("subscribes: [a, order.Created]"),
      {12, 27},
      "`order.Created` in `subscribes` of capability `users` means no topics",
      "order.*");
  check_only_fault(
      users_with(fmt::format("subscribes: [{}]", std::string(65, 'a'))),
      {12, 24},
      "means no topics");
  check_only_fault(
      good_and("events: {topics: {order*: {keep: 1h}}}\n"),
      {14, 19},
      "`order*` in topics of events means no topics",
      "order.*");
}

BOOST_AUTO_TEST_CASE(subscriptions_are_read) {
  const capability_plan& plan = users("subscribes: [order.created, payment.*, '*']");

  BOOST_TEST((plan.subscribes == std::vector<std::string>{"order.created", "payment.*", "*"}));
  BOOST_TEST((plan.subscribe_from.from == subscribe_start::place::newest));
  BOOST_TEST(plan.bulkhead.events == 4'096);
  BOOST_TEST(plan.retry.attempts == 10);
  BOOST_TEST((plan.retry.backoff_min == 100ms));
  BOOST_TEST((plan.retry.backoff_max == 30s));
}

BOOST_AUTO_TEST_CASE(a_subscription_says_where_it_begins) {
  const auto start = [&](std::string_view from) {
    return users(fmt::format("subscribes: [a], subscribe_from: {}", from)).subscribe_from;
  };

  BOOST_TEST((start("new").from == subscribe_start::place::newest));
  BOOST_TEST((start("oldest").from == subscribe_start::place::oldest));
  BOOST_TEST((start("'2026-11-24T08:00:00Z'").from == subscribe_start::place::time));
  BOOST_TEST(
      (start("2026-11-24T08:00:00Z").time == parse_utc_time("2026-11-24T08:00:00Z").value()));
  check_only_fault(
      users_with("subscribes: [a], subscribe_from: yesterday"),
      {12, 44},
      "`subscribe_from` of capability `users` is `yesterday`",
      "new, oldest or a UTC time");
}

BOOST_AUTO_TEST_CASE(a_start_needs_a_subscription) {
  check_only_fault(
      users_with("subscribe_from: oldest"),
      {12, 27},
      "`subscribe_from` of capability `users` stands without `subscribes`",
      "add `subscribes`");
}

BOOST_AUTO_TEST_CASE(a_pattern_comes_once) {
  check_only_fault(
      users_with("subscribes: [a.*, b, a.*]"),
      {12, 32},
      "`subscribes` of capability `users` has `a.*` twice",
      "remove one");
}

BOOST_AUTO_TEST_CASE(subscriptions_are_a_list_of_bounded_length) {
  check_only_fault(
      users_with("subscribes: a"), {12, 23}, "is a single value, not a list", "[a, b]");
  check_only_fault(users_with("subscribes: [[a]]"), {12, 24}, "an item of `subscribes`");
  std::string many;
  for (int i = 0; i < 257; ++i) {
    many += fmt::format("t{},", i);
  }
  check_only_fault(
      users_with(fmt::format("subscribes: [{}]", many)), {12, 23}, "has 257 entries", "below 257");
}

BOOST_AUTO_TEST_CASE(what_is_subscribed_to_must_be_handled) {
  types[0].described.handles = {{"order.created"}, {"payment.*"}};

  users("subscribes: [order.created, order.*, payment.failed, payment.*, '*']");
  check_only_fault(
      users_with("subscribes: [payment.failed, order.craeted]"),
      {12, 40},
      "capability `users` subscribes to `order.craeted`, and its actor type `users` handles no "
      "such event",
      "did you mean `order.created`?");
  check_only_fault(
      users_with("subscribes: [stock.*]"),
      {12, 24},
      "`stock.*`",
      "it handles order.created, payment.*");
  types[0].described.handles = {};
  check_only_fault(
      users_with("subscribes: [payment.failed]"),
      {12, 24},
      "its actor type `users` handles no such event",
      "it handles none; remove `subscribes`");
}

BOOST_AUTO_TEST_CASE(a_subscriber_may_have_no_store) {
  types[0].wants_store = false;

  BOOST_TEST(!users("store: none, subscribes: [a]").store.has_value());
}

BOOST_AUTO_TEST_CASE(the_unit_that_is_missing_is_one_that_is_allowed) {
  check_only_fault(good_and("events: {keep: 5}\n"), {14, 16}, "without unit", "such as 5m");
  check_only_fault(good_and("events: {keep: 90}\n"), {14, 16}, "without unit", "such as 90s");
  check_only_fault(
      good_and("events: {keep: 99999999999999}\n"), {14, 16}, "without unit", "from 1m to 3650d");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
