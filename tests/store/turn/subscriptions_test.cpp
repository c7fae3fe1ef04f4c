#include "runtime/store/turn/subscriptions.hpp"

#include "runtime/store/turn/tables.hpp"
#include "runtime/store/turn/timers.hpp"
#include "runtime/store/turn/writers.hpp"
#include "tests/store/store_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct subscriptions_fixture : store_fixture {
  manual_clock time;
  std::unique_ptr<database> session = open();
  subscriptions known{*session};

  subscriptions_fixture() { BOOST_REQUIRE(migrate(*session, time, turn_components())); }

  void write(const std::function<void()>& what) const {
    transaction turn{*session};
    what();
    turn.commit();
  }

  std::vector<std::uint64_t> read(outbox& from, std::uint64_t first, std::uint64_t last) const {
    std::vector<std::uint64_t> found;
    BOOST_TEST(last == from.read(first, last, 1'000, [&](const outbox_view& each) {
      found.push_back(each.seq);
      return true;
    }));
    return found;
  }
};

uuid id_of(std::uint8_t number) {
  return {.bytes = {std::byte{number}}};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_store_subscriptions,
    subscriptions_fixture,
    *utf::label("integration") * utf::timeout(120))

// Databases that served before there were events have the first step only.
BOOST_AUTO_TEST_CASE(a_database_of_before_gets_the_tables) {
  store_fixture older;
  const auto opened = older.open();

  BOOST_REQUIRE(
      migrate(*opened, time, "troupe.turn", turn_components()[0].steps.first(1)).value() == 1);
  BOOST_REQUIRE(migrate(*opened, time, turn_components()));
  BOOST_TEST(!subscriptions{*opened}.journal());
}

BOOST_AUTO_TEST_CASE(it_keeps_the_positions_of_one_journal) {
  BOOST_TEST(!known.journal());

  write([&] { known.set_journal(id_of(1)); });

  BOOST_TEST((known.journal() == id_of(1)));
  BOOST_TEST(
      fault_of_call([&] { write([&] { known.set_journal(id_of(2)); }); })
      == database_fault::constraint);
}

BOOST_AUTO_TEST_CASE(it_knows_who_wrote_what_it_handled_and_goes_back_to_what_is_shared) {
  const lineage told{{{id_of(7), 1}, {id_of(8), 21}}};
  BOOST_TEST(known.highest() == 0U);
  BOOST_TEST(known.lives().lives().empty());
  write([&] {
    known.set_journal(id_of(1));
    known.set_lives(told);
    known.insert(3, {5, 30});
    known.insert(4, {9, 12});
    known.postpone({11, 4, "k", 1, false, "transient", "away", 0});
    known.postpone({25, 3, "k", 1, false, "transient", "away", 0});
    known.add_grave(28);
  });
  BOOST_TEST((known.lives().lives() == told.lives()));
  BOOST_TEST(known.highest() == 30U);
  BOOST_TEST(known.highest_epoch() == 9U);
  BOOST_TEST((known.waiting() == std::vector<std::uint64_t>{11, 25}));

  const lineage copy{{{id_of(7), 1}, {id_of(9), 15}}};
  write([&] { known.go_back(id_of(2), copy, 14); });

  BOOST_TEST((known.journal() == id_of(2)));
  BOOST_TEST((known.lives().lives() == copy.lives()));
  BOOST_TEST(known.find(3)->handled == 14U);
  BOOST_TEST(known.find(4)->handled == 12U);
  BOOST_TEST(known.find(4)->epoch == 9U);
  BOOST_TEST((known.waiting() == std::vector<std::uint64_t>{11}));
  BOOST_TEST(known.graves().empty());
}

BOOST_AUTO_TEST_CASE(an_outbox_keeps_the_number_that_was_confirmed) {
  outbox events{*session};
  BOOST_TEST(events.mark().confirmed == 0U);
  write([&] {
    for (std::uint64_t seq = 1; seq <= 4; ++seq) {
      events.add({seq, id_of(static_cast<std::uint8_t>(seq)), "t", "k", "b"});
    }
    events.raise_mark({3, id_of(3), 78});
    events.raise_mark({2, id_of(2), 77}); // Of a process that heard of it later.
  });
  BOOST_TEST(events.mark().confirmed == 3U);
  BOOST_TEST((events.mark().id == id_of(3)));
  BOOST_TEST(events.mark().position == 78U);
  BOOST_TEST(!events.mark().digest.has_value());
  BOOST_TEST((events.id_of(4) == id_of(4)));
  const auto digest = [](std::uint8_t seq) { return outbox_digest(seq, id_of(seq)); };
  BOOST_TEST(*events.digest_between(0, 2) == digest(1) + digest(2));
  BOOST_TEST(*events.digest_between(4, 4) == 0U);
  BOOST_TEST(!events.digest_between(3, 5));
  write([&] { events.set_mark({3, id_of(3), 78, 1'000}); });
  BOOST_TEST(*events.digest_between(1, 4) == 1'000U + digest(4));
  BOOST_TEST(!events.id_of(5));

  // Deleted by a release that kept no mark: it was confirmed.
  write([&] { events.forget(0, 4); });
  BOOST_TEST(events.mark().confirmed == 3U);
  write([&] { session->execute("DELETE FROM outbox_mark"); });
  BOOST_TEST(events.mark().confirmed == 3U);
  BOOST_TEST((events.mark().id == uuid{}));
  BOOST_TEST(!events.digest_between(0, 4));
}

BOOST_AUTO_TEST_CASE(an_epoch_only_rises) {
  write([&] {
    known.insert(3, {5, 100});
    known.raise_epoch(3, 9);
    known.raise_epoch(3, 7);
    known.advance(3, 120);
  });

  const auto row = known.find(3);

  BOOST_REQUIRE(row.has_value());
  BOOST_TEST(row->epoch == 9U);
  BOOST_TEST(row->handled == 120U);
  BOOST_TEST(!known.find(4));
}

BOOST_AUTO_TEST_CASE(what_is_postponed_is_kept_by_partition_until_it_is_forgotten) {
  write([&] {
    known.postpone({12, 3, "k", 0, false, {}, {}, 0});
    known.postpone({10, 3, "k", 1, false, "transient", "away", 2});
    known.postpone({11, 4, "other", 1, true, "rejected", "no", 1});
    known.postpone({10, 3, "k", 2, true, "crashed", "thrown", 0});
  });

  const auto rows = known.postponed_of(3);

  BOOST_REQUIRE(rows.size() == 2U);
  BOOST_TEST(rows[0].position == 10U);
  BOOST_TEST(rows[0].key == "k");
  BOOST_TEST(rows[0].attempts == 2U);
  BOOST_TEST(rows[0].is_dead);
  BOOST_TEST(rows[0].cause == "crashed");
  BOOST_TEST(rows[0].error == "thrown");
  BOOST_TEST(rows[1].position == 12U);
  write([&] {
    BOOST_TEST(known.forget(10));
    BOOST_TEST(!known.forget(10));
  });
  BOOST_TEST(known.postponed_of(3).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_grave_is_kept_until_every_partition_has_passed_it) {
  write([&] {
    known.add_grave(7);
    known.add_grave(7);
    known.add_grave(30);
    for (std::uint32_t i = 0; i < 63; ++i) {
      known.insert(i, {1, 20});
    }
    known.forget_passed_graves();
  });
  BOOST_TEST(known.graves().size() == 2U); // One partition is not known.

  write([&] {
    known.insert(63, {1, 20});
    known.forget_passed_graves();
  });

  BOOST_TEST(known.graves() == std::vector<std::uint64_t>{30});
}

BOOST_AUTO_TEST_CASE(timers_come_in_the_order_of_their_time) {
  timers waiting{*session};
  const wall_time now = time.wall();
  write([&] {
    waiting.add(id_of(1), now + milliseconds{20}, "b", "", "2");
    waiting.add(id_of(2), now + milliseconds{10}, "a", "k", "1");
    waiting.add(id_of(3), now + milliseconds{900}, "c", "", "3");
  });

  const auto due = waiting.due(now + milliseconds{20}, 10);

  BOOST_REQUIRE(due.size() == 2U);
  BOOST_TEST(due[0].topic == "a");
  BOOST_TEST(due[0].key == "k");
  BOOST_TEST(due[0].body == "1");
  BOOST_TEST((due[1].id == id_of(1)));
  BOOST_TEST(waiting.due(now + milliseconds{20}, 1).size() == 1U);
  BOOST_TEST((waiting.next() == now + milliseconds{10}));
  write([&] { waiting.remove(due[0].n); });
  BOOST_TEST((waiting.next() == now + milliseconds{20}));
}

BOOST_AUTO_TEST_CASE(timers_of_one_time_come_in_the_order_in_which_they_were_added) {
  timers waiting{*session};
  const wall_time now = time.wall();
  write([&] {
    for (const std::uint8_t each : std::initializer_list<std::uint8_t>{9, 2, 5}) {
      waiting.add(id_of(each), now, "t", "k", "body");
    }
  });

  const auto due = waiting.due(now, 10);

  BOOST_REQUIRE(due.size() == 3U);
  BOOST_TEST((due[0].id == id_of(9)));
  BOOST_TEST((due[1].id == id_of(2)));
  BOOST_TEST((due[2].id == id_of(5)));
}

BOOST_AUTO_TEST_CASE(a_page_of_an_outbox_ends_by_bytes_or_where_it_is_refused) {
  outbox leaving{*session};
  write([&] {
    for (std::uint8_t i = 1; i <= 5; ++i) {
      leaving.add({i, id_of(i), "t", "k", std::string(100, 'x')});
    }
  });
  std::vector<std::uint64_t> shown;
  const auto until = [&](std::uint64_t refused) {
    shown.clear();
    return [&shown, refused](const outbox_view& each) {
      shown.push_back(each.seq);
      return each.seq != refused;
    };
  };

  BOOST_TEST(leaving.read(1, 5, 250, until(9)) == 3U);
  BOOST_TEST(shown == (std::vector<std::uint64_t>{1, 2, 3}));
  BOOST_TEST(leaving.read(4, 5, 1, until(9)) == 4U);
  BOOST_TEST(leaving.read(4, 9, 1'000, until(9)) == 9U);
  BOOST_TEST(leaving.read(1, 5, 1'000, until(2)) == 1U);
  BOOST_TEST(leaving.read(1, 5, 100, until(1)) == 0U);
}

BOOST_AUTO_TEST_CASE(an_outbox_is_read_in_pieces_and_keeps_its_newest) {
  outbox leaving{*session};
  BOOST_TEST(leaving.newest().first == 0U);
  write([&] {
    for (std::uint8_t i = 1; i <= 5; ++i) {
      leaving.add({i, id_of(i), "t", "k", "body"});
    }
  });

  BOOST_TEST(read(leaving, 2, 4) == (std::vector<std::uint64_t>{2, 3, 4}));
  BOOST_TEST(leaving.newest().first == 5U);
  BOOST_TEST((leaving.newest().second == id_of(5)));
  write([&] { leaving.forget(2, 9); });
  BOOST_TEST(read(leaving, 1, 9) == (std::vector<std::uint64_t>{1, 2, 5}));
  write([&] { leaving.forget(0, 9); });
  BOOST_TEST(read(leaving, 1, 9) == std::vector<std::uint64_t>{5});
  BOOST_TEST(leaving.oldest() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
