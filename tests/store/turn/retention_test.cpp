#include "runtime/store/turn/retention.hpp"

#include "runtime/store/turn/inbox.hpp"
#include "runtime/store/turn/tables.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/time_text.hpp"
#include "tests/store/store_fixture.hpp"

#include <array>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::hours day{24};

struct retention_fixture : store_fixture {
  manual_clock time;
  uuid_source ids{3};
  std::unique_ptr<database> session = open();
  inbox all{*session};
  retention kept{*session};

  retention_fixture() {
    BOOST_REQUIRE(migrate(*session, time, turn_components()));
    session->begin();
  }

  uuid add(wall_time born, inbox_state state = inbox_state::ok) {
    const uuid id = ids.next(born);
    insert(id, state);
    return id;
  }

  void insert(const uuid& id, inbox_state state = inbox_state::ok) {
    const std::array rows{
        inbox_row{.id = id, .operation = "put", .state = state, .reply = {}, .by = {.node = "n"}}};
    all.insert(rows);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_retention, *utf::label("integration") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(a_new_database_has_forgotten_nothing, retention_fixture) {
  const forgotten first = kept.open(time.wall(), 7 * day);

  BOOST_TEST((first.time == time.wall()));
  BOOST_TEST((first.calls == uuid{}));
}

// It was kept by a program that did not write down how far it had forgotten.
BOOST_FIXTURE_TEST_CASE(a_database_of_before_begins_where_it_was_used_last, retention_fixture) {
  writers{*session}.add("n", uuid{}, time.wall() - 20 * day);
  (void)add(time.wall() - 30 * day, inbox_state::pending);
  const uuid oldest = add(time.wall() - 18 * day);
  (void)add(time.wall() - 12 * day);

  const forgotten first = kept.open(time.wall() + 300 * day, 7 * day);

  BOOST_TEST((first.time == time.wall() - 12 * day));
  BOOST_TEST((first.calls == oldest));
  BOOST_TEST((first.trial == 0 * day));
}

BOOST_FIXTURE_TEST_CASE(
    a_database_of_before_without_answers_has_forgotten_all_that_was_old, retention_fixture) {
  writers{*session}.add("n", uuid{}, time.wall() - 20 * day);

  const forgotten first = kept.open(time.wall(), 7 * day);

  BOOST_TEST((first.calls == floor_id(time.wall() - 27 * day)));
}

BOOST_FIXTURE_TEST_CASE(nothing_goes_back, retention_fixture) {
  const forgotten first = kept.open(time.wall(), 7 * day);
  const uuid calls = floor_id(time.wall());
  kept.write({first.time + 1h, calls, calls}); // The trial is over.

  kept.write({first.time, uuid{}, uuid{}});

  const forgotten now = kept.read();
  BOOST_TEST((now.time == first.time + 1h));
  BOOST_TEST((now.calls == calls));
  BOOST_TEST((now.commands == calls));
}

// It may have been made under a wall clock that was ahead for a moment.
BOOST_FIXTURE_TEST_CASE(
    the_time_of_a_new_database_goes_back_while_it_is_on_trial, retention_fixture) {
  const forgotten first = kept.open(time.wall() + 5'000 * day, 7 * day);
  BOOST_TEST((first.trial == 7 * day));

  kept.write({time.wall(), uuid{}, uuid{}, 1 * day});
  BOOST_TEST((kept.read().time == time.wall()));
  BOOST_TEST((kept.read().trial == 1 * day));

  kept.write({time.wall(), uuid{}, uuid{}, 0 * day});
  kept.write({time.wall() - 1h, uuid{}, uuid{}, 3 * day}); // A process that is behind.
  BOOST_TEST((kept.read().time == time.wall()));
  BOOST_TEST((kept.read().trial == 0 * day));
}

// It forgot nothing on trial, so all that it handled is there; a wrong clock must not take it now.
BOOST_FIXTURE_TEST_CASE(what_an_earlier_release_handled_on_trial_counts, store_fixture) {
  const manual_clock time;
  std::vector<component> earlier;
  for (const component& each : turn_components()) {
    if (each.name != "troupe.tried") {
      earlier.push_back(each);
    }
  }
  const auto handled_from = [&](const std::string& name, milliseconds trial) {
    path = folder.file(name);
    const auto session = open();
    BOOST_REQUIRE(migrate(*session, time, earlier));
    session->begin();
    session->execute(
        "INSERT INTO retention (one, time, calls, commands, trial) VALUES (1, $1, $2, $2, $3)",
        unix_millis(time.wall()),
        uuid{},
        trial.count());
    for (const uuid& id : {floor_id(time.wall()), floor_id(time.wall() - 1h)}) {
      const std::array rows{inbox_row{
          .id = id,
          .operation = "put",
          .state = inbox_state::ok,
          .reply = {},
          .by = {.node = "n"}}};
      inbox{*session}.insert(rows);
    }
    session->commit();
    BOOST_REQUIRE(migrate(*session, time, turn_components()));
    return retention{*session}.read().handled_from;
  };

  BOOST_TEST((handled_from("young.db", 1 * day) == floor_id(time.wall() - 1h)));
  BOOST_TEST((handled_from("settled.db", 0ms) == std::nullopt));
}

BOOST_FIXTURE_TEST_CASE(answers_are_forgotten_slice_by_slice, retention_fixture) {
  std::vector<uuid> calls;
  for (int i = 0; i < 10; ++i) {
    calls.push_back(add(time.wall()));
  }
  const uuid command = derived_id(calls[2], "reserve:do:0");
  insert(command);
  const uuid waits = add(time.wall(), inbox_state::pending);
  const uuid later = add(time.wall() + 1h);
  const uuid to = floor_id(time.wall() + 30min);

  uuid at = floor_id(time.wall());
  int slices = 0;
  for (; at != to; ++slices) {
    at = all.forget(inbox::kind::calls, at, to, 4);
  }

  BOOST_TEST(slices == 3);
  BOOST_TEST(!all.find(calls[0]).has_value());
  BOOST_TEST(!all.find(calls[9]).has_value());
  BOOST_TEST(all.find(command).has_value());
  BOOST_TEST(all.find(waits).has_value());
  BOOST_TEST(all.find(later).has_value());
  BOOST_TEST((all.forget(inbox::kind::all, uuid{}, to, 100) == to));
  BOOST_TEST(!all.find(command).has_value());
  BOOST_TEST(all.find(waits).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
