#include "runtime/broker/event_group.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>

using namespace troupe;
using namespace troupe::broker;
using namespace std::chrono_literals;
namespace utf = boost::unit_test;

namespace {

constexpr session s1{11};
constexpr session s2{12};
constexpr session s3{13};

/// A group whose time, workers and journal are the test's. Workers answer ASSIGN at once with what
/// the group believes, unless told otherwise.
struct group_fixture {
  std::optional<event_group> tested;
  instant now{1h};
  bool answers_assign = true;
  int incarnations = 0;
  std::vector<std::pair<session, std::uint64_t>> delivered;
  std::vector<send_assign> assigns;
  std::vector<send_buried> told;
  std::vector<bury> letters;
  std::vector<std::uint64_t> asked_for;
  std::vector<session> isolated;
  std::vector<session> released;
  std::vector<std::string> events;

  group_fixture() { begin({}); }

  void begin(
      event_group_options options,
      std::uint64_t start = 0,
      std::vector<std::uint64_t> graves = {}) {
    options.capability = "orders";
    options.patterns = {"order.*", "stock.low"};
    options.epoch_base = 7;
    std::array<std::uint64_t, 64> from{};
    from.fill(start);
    tested.emplace(options, from, graves);
  }

  static event_ref at(std::uint64_t position, std::uint32_t partition = 0, std::string key = "k") {
    auto made = std::make_shared<event>();
    made->position = position;
    made->partition = partition;
    made->key = std::move(key);
    made->time = static_cast<std::int64_t>(1'000 + position);
    made->id.bytes[0] = std::byte{static_cast<unsigned char>(position)};
    made->topic = "order.created";
    return made;
  }

  void carry_out(group_decisions& out) {
    auto decided = std::exchange(out, {});
    for (const log_event& each : decided.events) {
      events.push_back(each.name);
    }
    for (group_action& each : decided.actions) {
      if (const auto* one = std::get_if<deliver_event>(&each)) {
        delivered.emplace_back(one->to, one->what->position);
      } else if (const auto* order = std::get_if<send_assign>(&each)) {
        assigns.push_back(*order);
        if (answers_assign) {
          answer(*order);
        }
      } else if (const auto* gone = std::get_if<send_buried>(&each)) {
        told.push_back(*gone);
      } else if (const auto* letter = std::get_if<bury>(&each)) {
        letters.push_back(*letter);
      } else if (const auto* wanted = std::get_if<fetch>(&each)) {
        asked_for.insert(asked_for.end(), wanted->positions.begin(), wanted->positions.end());
      } else if (const auto* kept = std::get_if<isolate_worker>(&each)) {
        isolated.push_back(kept->whom);
      } else if (const auto* freed = std::get_if<release_worker>(&each)) {
        released.push_back(freed->whom);
      }
    }
  }

  void answer(const send_assign& order) {
    wire::assigned state{
        .capability = "orders", .epoch = order.epoch, .partitions = {}, .refused = {}};
    for (const wire::progress& each : order.partitions) {
      state.partitions.push_back({each.partition, each.position, {}});
    }
    assigned(order.to, state);
  }

  /// The answer for one partition alone.
  void answer(
      const send_assign& order,
      std::uint32_t partition,
      std::uint64_t handled,
      std::vector<wire::postponed> waiting = {}) {
    assigned(order.to, {"orders", order.epoch, {{partition, handled, std::move(waiting)}}, ""});
  }

  void assigned(session from, const wire::assigned& state) {
    group_decisions out;
    tested->assigned(from, state, now, out);
    carry_out(out);
  }

  /// `incarnation` 0: a new process.
  void join(session who, std::string_view node, std::uint32_t credit = 10, int incarnation = 0) {
    group_decisions out;
    uuid id;
    id.bytes[0] = std::byte{static_cast<unsigned char>(incarnation)};
    id.bytes[1] = std::byte{static_cast<unsigned char>(incarnation == 0 ? ++incarnations : 0)};
    tested->joined(who, node, id, credit, now, out);
    carry_out(out);
  }

  void leave(session who, bool is_blamed) {
    group_decisions out;
    tested->left(who, is_blamed, now, out);
    carry_out(out);
  }

  void give_credit(session who, std::uint32_t credit) {
    group_decisions out;
    tested->credit(who, credit, now, out);
    carry_out(out);
  }

  void offer(const event_ref& what) {
    group_decisions out;
    tested->offer(what, now, out);
    carry_out(out);
  }

  void handle(
      session from,
      std::uint64_t upto,
      std::vector<wire::postponed> waiting = {},
      std::vector<std::uint64_t> done = {},
      std::uint32_t partition = 0) {
    group_decisions out;
    wire::handled report{"orders", {}, std::move(waiting), std::move(done)};
    if (upto != 0) {
      report.upto.push_back({partition, upto});
    }
    tested->handled(from, report, now, out);
    carry_out(out);
  }

  void bury_all() {
    std::vector<std::uint64_t> positions;
    for (const bury& each : letters) {
      positions.push_back(each.letter.what->position);
    }
    group_decisions out;
    tested->buried(positions, now, out);
    carry_out(out);
  }

  void grant(session who) {
    group_decisions out;
    tested->isolated(who, now, out);
    carry_out(out);
  }

  void fetched(const std::vector<event_ref>& found, const std::vector<std::uint64_t>& missing) {
    group_decisions out;
    tested->fetched(found, missing, now, out);
    carry_out(out);
  }

  void advance(milliseconds by) {
    now += by;
    group_decisions out;
    tested->tick(now, out);
    carry_out(out);
  }

  std::vector<std::uint64_t> take_delivered() {
    std::vector<std::uint64_t> positions;
    for (const auto& [to, position] : std::exchange(delivered, {})) {
      positions.push_back(position);
    }
    return positions;
  }

  static wire::postponed failed(
      std::uint64_t position,
      std::uint32_t attempts,
      bool is_dead = false,
      std::string cause = "transient") {
    return {position, attempts, is_dead, std::move(cause), "it is down", 2};
  }
};

using positions = std::vector<std::uint64_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_event_group, *utf::label("unit") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(it_wants_the_topics_it_subscribes_to, group_fixture) {
  BOOST_TEST(tested->wants("order.created"));
  BOOST_TEST(tested->wants("stock.low"));
  BOOST_TEST(!tested->wants("stock.high"));
}

BOOST_FIXTURE_TEST_CASE(nothing_is_delivered_before_the_database_has_the_epoch, group_fixture) {
  answers_assign = false;
  offer(at(1));
  join(s1, "n1");

  BOOST_TEST(delivered.empty());
  BOOST_REQUIRE(assigns.size() == 1U);
  BOOST_TEST(assigns[0].epoch == 8U);
  BOOST_TEST(assigns[0].partitions.size() == 64U);

  answer(assigns[0]);

  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(an_answer_to_an_earlier_assignment_changes_nothing, group_fixture) {
  answers_assign = false;
  offer(at(1));
  join(s1, "n1");
  leave(s1, true);
  join(s1, "n1");
  BOOST_REQUIRE(assigns.size() == 2U);

  answer(assigns[0]);
  BOOST_TEST(delivered.empty());

  answer(assigns[1]);
  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(only_the_worker_that_has_a_partition_speaks_for_it, group_fixture) {
  join(s1, "n1");
  join(s2, "n2");
  offer(at(1));
  const session owner = delivered.at(0).first;
  const session other = owner == s1 ? s2 : s1;

  handle(other, 1);
  BOOST_TEST(tested->look().handled == 0U);

  handle(owner, 1);
  BOOST_TEST(tested->look().handled == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_worker_gets_no_more_than_its_credit, group_fixture) {
  join(s1, "n1", 2);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    offer(at(i));
  }
  BOOST_TEST(take_delivered() == (positions{1, 2}));

  handle(s1, 1);
  BOOST_TEST(take_delivered() == (positions{3}));
  handle(s1, 3);
  BOOST_TEST(take_delivered() == (positions{4, 5}));
}

BOOST_FIXTURE_TEST_CASE(partitions_take_turns, group_fixture) {
  join(s1, "n1", 0);
  for (std::uint64_t i = 1; i <= 6; ++i) {
    offer(at(i, i <= 4 ? 3 : 9));
  }
  give_credit(s1, 4);

  BOOST_TEST(take_delivered() == (positions{1, 5, 2, 6}));
}

BOOST_FIXTURE_TEST_CASE(what_was_offered_before_changes_nothing, group_fixture) {
  join(s1, "n1");
  offer(at(5));
  offer(at(5));
  handle(s1, 5);
  offer(at(5));

  BOOST_TEST(take_delivered() == positions{5});
  BOOST_TEST(tested->look().handled == 1U);
}

BOOST_FIXTURE_TEST_CASE(partitions_are_spread_evenly_with_few_moves, group_fixture) {
  join(s1, "n1");
  join(s2, "n2");
  join(s3, "n3");

  BOOST_REQUIRE(assigns.size() == 3U);
  BOOST_TEST(assigns[1].partitions.size() == 32U);
  BOOST_TEST(assigns[2].partitions.size() == 21U);
  BOOST_TEST((assigns[1].epoch < assigns[2].epoch));

  assigns.clear();
  leave(s2, false);
  std::size_t moved = 0;
  for (const send_assign& each : assigns) {
    moved += each.partitions.size();
  }
  BOOST_TEST(moved <= 22U);
  for (const event_group::worker_status& each : tested->look().workers) {
    BOOST_TEST(each.partitions == 32U);
  }
}

BOOST_FIXTURE_TEST_CASE(
    a_partition_moves_when_its_worker_has_nothing_of_it_in_hand, group_fixture) {
  join(s1, "n1", 2);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    offer(at(i));
  }
  join(s2, "n2");
  BOOST_TEST(take_delivered() == (positions{1, 2}));
  assigns.clear();

  give_credit(s1, 0); // It drains.
  const auto has_first = [](const send_assign& each) {
    return std::any_of(each.partitions.begin(), each.partitions.end(), [](const auto& part) {
      return part.partition == 0;
    });
  };
  BOOST_TEST(std::none_of(assigns.begin(), assigns.end(), has_first));
  handle(s1, 1);
  BOOST_TEST(std::none_of(assigns.begin(), assigns.end(), has_first));
  handle(s1, 2);

  BOOST_TEST(std::any_of(assigns.begin(), assigns.end(), has_first));
  BOOST_TEST((delivered == std::vector<std::pair<session, std::uint64_t>>{{s2, 3}}));
}

BOOST_FIXTURE_TEST_CASE(
    partitions_stay_where_they_are_if_nobody_else_can_take_them, group_fixture) {
  join(s1, "n1", 0);
  join(s2, "n2", 3);
  give_credit(s2, 0);
  assigns.clear();
  offer(at(1));
  BOOST_TEST(delivered.empty());

  give_credit(s2, 3);
  BOOST_TEST(take_delivered() == positions{1});
  BOOST_TEST(assigns.empty());
}

BOOST_FIXTURE_TEST_CASE(what_a_dead_worker_had_is_next_in_line_again, group_fixture) {
  join(s1, "n1", 2);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    offer(at(i));
  }
  leave(s1, true);
  delivered.clear();

  join(s2, "n2");

  BOOST_TEST(take_delivered() == (positions{1, 2, 3}));
  handle(s1, 3); // Too late: that session is over.
  BOOST_TEST(tested->look().handled == 0U);
}

// The database knows better: the worker died after its commit.
BOOST_FIXTURE_TEST_CASE(what_the_database_has_handled_is_not_delivered_again, group_fixture) {
  join(s1, "n1");
  for (std::uint64_t i = 1; i <= 4; ++i) {
    offer(at(i, 0, "k" + std::to_string(i)));
  }
  leave(s1, true);
  delivered.clear();
  answers_assign = false;
  assigns.clear();
  join(s2, "n2");

  answer(assigns.at(0), 0, 3, {failed(2, 1)});

  BOOST_TEST(take_delivered() == positions{4});
  BOOST_TEST(tested->cursors()[0] == 1U);
  advance(130ms);
  BOOST_TEST(take_delivered() == positions{2});
  handle(s2, 4, {}, {2});
  BOOST_TEST(tested->cursors()[0] == 4U);
}

BOOST_FIXTURE_TEST_CASE(a_database_ahead_of_the_journal_stops_in_words, group_fixture) {
  begin({.capability = {}, .patterns = {}, .journal_last = 100});
  answers_assign = false;
  join(s1, "n1");
  answer(assigns[0], 0, 100);
  BOOST_TEST(tested->look().trouble == "");

  answer(assigns[0], 1, 101);
  offer(at(101, 1));

  BOOST_TEST(delivered.empty());
  BOOST_TEST(
      tested->look().trouble.find("the journal is older than the database of `orders`")
      != std::string::npos);

  // Its worker comes again, with the right database.
  leave(s1, false);
  join(s1, "n1");
  answer(assigns.back());
  BOOST_TEST(tested->look().trouble == "");
  BOOST_TEST(take_delivered() == positions{101});
}

BOOST_FIXTURE_TEST_CASE(a_database_of_another_journal_gets_nothing, group_fixture) {
  answers_assign = false;
  join(s1, "n1");
  offer(at(1));

  assigned(s1, {"orders", assigns[0].epoch, {}, "it keeps the positions of another journal"});

  BOOST_TEST(tested->look().trouble == "it keeps the positions of another journal");
  answer(assigns[0]);
  BOOST_TEST(delivered.empty());
}

BOOST_FIXTURE_TEST_CASE(an_older_database_is_offered_again_what_it_lost, group_fixture) {
  join(s1, "n1");
  for (std::uint64_t i = 1; i <= 6; ++i) {
    offer(at(i, i % 2 == 0 ? 2 : 1));
  }
  handle(s1, 5, {}, {}, 1);
  handle(s1, 6, {}, {}, 2);
  leave(s1, false);
  delivered.clear();
  answers_assign = false;
  join(s2, "n2");
  answer(assigns.back(), 1, 3);
  answer(assigns.back(), 2, 6);

  BOOST_TEST(tested->scanned() == 3U);
  BOOST_TEST(tested->cursors()[1] == 3U);
  BOOST_TEST(tested->cursors()[2] == 6U);
  BOOST_TEST(tested->cursors()[0] == 6U); // The others do not go back.
  for (std::uint64_t i = 4; i <= 6; ++i) {
    offer(at(i, i % 2 == 0 ? 2 : 1));
  }

  BOOST_TEST(take_delivered() == positions{5});
  BOOST_TEST((events == std::vector<std::string>{"database_went_back"}));
}

BOOST_FIXTURE_TEST_CASE(a_failed_event_waits_longer_each_time_and_its_key_with_it, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  offer(at(2));
  offer(at(3, 0, "other"));
  handle(s1, 3, {failed(1, 1), {.position = 2, .cause = {}, .error = {}}});
  delivered.clear();

  advance(74ms);
  BOOST_TEST(delivered.empty());
  advance(52ms);
  BOOST_TEST(take_delivered() == positions{1});

  handle(s1, 0, {failed(1, 2)});
  advance(149ms);
  BOOST_TEST(delivered.empty());
  advance(102ms);
  BOOST_TEST(take_delivered() == positions{1});
  BOOST_TEST(tested->look().retrying == 2U);

  handle(s1, 0, {}, {1});
  BOOST_TEST(take_delivered() == positions{2}); // It only waited for the first.
}

// The database knows of an earlier one of its key: that says nothing about this one.
BOOST_FIXTURE_TEST_CASE(an_event_that_was_not_run_does_not_wait_longer_for_it, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  handle(s1, 1, {failed(1, 5)});
  advance(2s);
  delivered.clear();

  handle(s1, 0, {failed(1, 5)});

  advance(99ms);
  BOOST_TEST(delivered.empty());
  advance(1ms);
  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(the_back_off_has_a_bound, group_fixture) {
  begin({.capability = {}, .patterns = {}, .backoff_min = 100ms, .backoff_max = 1'000ms});
  join(s1, "n1");
  offer(at(1));
  handle(s1, 1, {failed(1, 4'000'000'000U)});
  delivered.clear();

  advance(1'251ms);
  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(an_event_given_up_is_a_dead_letter_before_its_key_goes_on, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  offer(at(2));
  now += 5s;
  handle(s1, 2, {failed(1, 1, true, "rejected"), {.position = 2, .cause = {}, .error = {}}});
  delivered.clear();

  BOOST_REQUIRE(letters.size() == 1U);
  const dead_letter& letter = letters[0].letter;
  BOOST_TEST(letter.capability == "orders");
  BOOST_TEST(letter.what->position == 1U);
  BOOST_TEST(letter.cause == "rejected");
  BOOST_TEST(letter.error == "it is down");
  BOOST_TEST(letter.attempts == 1U);
  BOOST_TEST(letter.node == "n1");
  BOOST_TEST(letter.replica == 2U);
  BOOST_TEST((letters[0].tried_for == 5s));
  BOOST_TEST((letter.id != uuid{}));
  BOOST_TEST(tested->cursors()[0] == 0U);
  advance(1min);
  BOOST_TEST(delivered.empty());

  bury_all();

  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{1});
  BOOST_TEST(take_delivered() == positions{2});
  BOOST_TEST(tested->cursors()[0] == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_letter_under_way_counts_for_an_older_database_too, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  handle(s1, 1, {failed(1, 1, true, "rejected")});
  leave(s1, false);
  delivered.clear();
  answers_assign = false;
  join(s2, "n2");
  answer(assigns.back(), 0, 0);

  offer(at(1));
  BOOST_TEST(delivered.empty());
  bury_all();

  BOOST_TEST(delivered.empty());
  BOOST_TEST(letters.size() == 1U);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{1});
}

BOOST_FIXTURE_TEST_CASE(an_event_two_workers_died_with_is_sent_alone, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  offer(at(2, 5));
  leave(s1, true);
  join(s1, "n1");
  handle(s1, 2, {}, {}, 5);
  offer(at(3, 6));
  leave(s1, true);
  delivered.clear();

  join(s1, "n1");
  BOOST_TEST(take_delivered() == (positions{3}));
  BOOST_REQUIRE(isolated.size() == 1U);
  offer(at(4, 7));
  BOOST_TEST(delivered.empty());

  grant(s1);
  BOOST_TEST(delivered.empty()); // It still has an event of this group.
  handle(s1, 3, {}, {}, 6);
  BOOST_TEST(take_delivered() == positions{1});
  BOOST_TEST(released.empty());

  handle(s1, 1);
  BOOST_TEST(released.size() == 1U);
  BOOST_TEST(take_delivered() == positions{4});
}

BOOST_FIXTURE_TEST_CASE(suspects_follow_each_other_while_their_worker_is_free, group_fixture) {
  join(s1, "n1");
  for (std::uint64_t i = 1; i <= 3; ++i) {
    offer(at(i, static_cast<std::uint32_t>(i)));
  }
  for (int i = 0; i < 2; ++i) {
    leave(s1, true);
    join(s1, "n1");
  }
  offer(at(4, 7));
  delivered.clear();
  grant(s1);

  BOOST_TEST(take_delivered() == positions{1});
  handle(s1, 1, {}, {}, 1);
  BOOST_TEST(take_delivered() == positions{2});
  advance(60ms);
  BOOST_TEST(released.empty());
  handle(s1, 2, {}, {}, 2);

  BOOST_TEST(released.size() == 1U); // It was kept from its other work for long enough.
  BOOST_TEST(take_delivered() == positions{4});
  grant(s1);
  handle(s1, 4, {}, {}, 7);
  BOOST_TEST(take_delivered() == positions{3});
}

BOOST_FIXTURE_TEST_CASE(five_deaths_make_a_dead_letter_that_is_skipped, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  offer(at(2));
  for (int i = 0; i < 4; ++i) {
    leave(s1, true);
    join(s1, "n1");
    if (!isolated.empty()) {
      grant(s1);
    }
  }
  BOOST_TEST(take_delivered().back() == 1U); // By itself: of the other one nothing was proven.
  released.clear();
  leave(s1, true);
  BOOST_TEST(released.size() == 1U);
  BOOST_TEST(letters.empty()); // Perhaps it died after its commit.
  join(s2, "n2");

  BOOST_REQUIRE(letters.size() == 1U);
  BOOST_TEST(letters[0].letter.what->position == 1U);
  BOOST_TEST(letters[0].letter.cause == "crashed");
  BOOST_TEST(letters[0].letter.attempts == 5U);
  BOOST_TEST(letters[0].letter.node == "n1");
  BOOST_TEST(delivered.empty());

  bury_all();
  BOOST_TEST(told.size() == 1U);
  BOOST_TEST(tested->cursors()[0] == 1U);
  // The second was there at two of the deaths.
  grant(s2);
  BOOST_TEST(take_delivered() == positions{2});
}

// Whoever tries it again has a reason to: what it did before is not held against it.
BOOST_FIXTURE_TEST_CASE(a_letter_tried_again_is_no_suspect, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  for (int i = 0; i < 5; ++i) {
    leave(s1, true);
    join(s1, "n1");
    if (!isolated.empty()) {
      grant(s1);
    }
  }
  BOOST_REQUIRE(letters.size() == 1U);
  bury_all();
  isolated.clear();
  delivered.clear();

  auto again = std::make_shared<event>(*at(1));
  again->position = 9;
  offer(again);

  BOOST_TEST(take_delivered() == positions{9});
  BOOST_TEST(isolated.empty());
}

BOOST_FIXTURE_TEST_CASE(nor_is_one_that_had_failed_before_it_killed, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  handle(s1, 1, {failed(1, 1)});
  advance(130ms);
  answers_assign = false;
  for (int i = 0; i < 5; ++i) {
    leave(s1, true);
    join(s1, "n1");
    answer(assigns.back(), 0, 1, {failed(1, 1)});
    if (!isolated.empty()) {
      grant(s1);
    }
  }
  BOOST_REQUIRE(letters.size() == 1U);
  bury_all();
  isolated.clear();
  delivered.clear();

  auto again = std::make_shared<event>(*at(1));
  again->position = 9;
  offer(again);

  BOOST_TEST(take_delivered() == positions{9});
  BOOST_TEST(isolated.empty());
}

BOOST_FIXTURE_TEST_CASE(a_process_that_comes_back_did_not_die, group_fixture) {
  join(s1, "n1", 10, 1);
  offer(at(1));
  leave(s1, true);
  join(s2, "n1", 10, 1);
  leave(s2, true);
  join(s3, "n1", 10, 1);

  BOOST_TEST(isolated.empty());
  BOOST_TEST(take_delivered() == (positions{1, 1, 1}));
}

// Its new connection is here before the old one is given up.
BOOST_FIXTURE_TEST_CASE(a_process_that_is_back_already_did_not_die_either, group_fixture) {
  join(s1, "n1", 10, 1);
  offer(at(1));
  join(s2, "n1", 10, 1);
  leave(s1, true);
  leave(s2, false);
  join(s3, "n1");
  leave(s3, true); // The first death.

  join(s1, "n1");

  BOOST_TEST(isolated.empty());
  BOOST_TEST(delivered.back().second == 1U);
  BOOST_TEST((delivered.back().first == s1));
}

BOOST_FIXTURE_TEST_CASE(an_isolation_ends_with_its_worker_and_begins_anew, group_fixture) {
  join(s1, "n1");
  offer(at(1));
  for (int i = 0; i < 2; ++i) {
    leave(s1, true);
    join(s1, "n1");
  }
  BOOST_REQUIRE(isolated.size() == 1U);
  delivered.clear();

  leave(s1, false);
  BOOST_TEST(released.size() == 1U);
  join(s2, "n2");
  BOOST_REQUIRE(isolated.size() == 2U);
  BOOST_TEST((isolated[1] == s2));
  grant(s1); // Too late.
  BOOST_TEST(delivered.empty());
  grant(s2);
  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_FIXTURE_TEST_CASE(dead_letters_of_an_earlier_life_are_not_delivered, group_fixture) {
  begin({.capability = {}, .patterns = {}, .journal_last = 30}, 10, {20});
  join(s1, "n1");
  for (const std::uint64_t each : {15U, 20U, 25U}) {
    offer(at(each));
  }
  BOOST_TEST(take_delivered() == positions{15});
  BOOST_TEST(told.empty());

  handle(s1, 15);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{20});
  BOOST_TEST(take_delivered() == positions{25});
}

BOOST_FIXTURE_TEST_CASE(what_waits_in_the_database_is_fetched, group_fixture) {
  begin({.capability = {}, .patterns = {}, .journal_last = 30}, 20);
  answers_assign = false;
  join(s1, "n1");
  answer(assigns[0], 0, 20, {failed(11, 1), failed(12, 1), failed(13, 2, true)});
  BOOST_TEST(asked_for == (positions{11, 12, 13}));
  BOOST_TEST(tested->cursors()[0] == 10U);

  fetched({at(11)}, {});
  advance(130ms);
  BOOST_TEST(delivered.empty()); // One of those that are not here could be earlier.
  fetched({at(13)}, {12});

  BOOST_TEST(take_delivered() == positions{11});
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].positions == positions{12});
  BOOST_REQUIRE(letters.size() == 1U);
  BOOST_TEST(letters[0].letter.what->position == 13U);
}

BOOST_FIXTURE_TEST_CASE(the_window_is_bounded, group_fixture) {
  begin({.capability = {}, .patterns = {}, .window_events = 2});
  offer(at(1));
  BOOST_TEST(tested->has_room());
  offer(at(2));
  BOOST_TEST(!tested->has_room());

  begin({.capability = {}, .patterns = {}, .window_bytes = 1});
  BOOST_TEST(tested->has_room()); // One is always taken.
  offer(at(1));
  BOOST_TEST(!tested->has_room());
  join(s1, "n1");
  handle(s1, 1);
  BOOST_TEST(tested->has_room());
}

BOOST_FIXTURE_TEST_CASE(cursors_pass_what_is_not_for_it, group_fixture) {
  join(s1, "n1");
  offer(at(5, 1));
  tested->passed(9);

  BOOST_TEST(tested->cursors()[0] == 9U);
  BOOST_TEST(tested->cursors()[1] == 4U);
  handle(s1, 5, {}, {}, 1);
  BOOST_TEST(tested->cursors()[1] == 9U);
  BOOST_TEST(tested->reached()[1] == 5U);
  const event_group::status seen = tested->look();
  BOOST_TEST(seen.delivered == 1U);
  BOOST_TEST(seen.oldest_time == 0);
}

BOOST_FIXTURE_TEST_CASE(it_says_how_it_is, group_fixture) {
  join(s1, "n1", 1);
  offer(at(1));
  offer(at(2));

  const event_group::status seen = tested->look();
  BOOST_TEST(seen.in_flight == 1U);
  BOOST_TEST(seen.waiting == 1U);
  BOOST_TEST(seen.oldest_time == 1'001);
  BOOST_REQUIRE(seen.workers.size() == 1U);
  BOOST_TEST(seen.workers[0].node == "n1");
  BOOST_TEST(seen.workers[0].partitions == 64U);
  BOOST_TEST(seen.workers[0].in_flight == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
