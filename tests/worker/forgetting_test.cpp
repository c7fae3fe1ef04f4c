#include "runtime/time_text.hpp"
#include "tests/store/engine.hpp"
#include "tests/worker/turn_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

constexpr std::chrono::hours day{24};

/// A clock whose civil time a test puts wrong.
class jumping_clock final : public clock {
public:
  instant now() const override { return right_.now(); }

  wall_time wall() const override { return right_.wall() + wrong_by_; }

  void advance(std::chrono::nanoseconds by) { right_.advance(by); }

  void jump(std::chrono::hours by) { wrong_by_ += by; }

private:
  manual_clock right_;
  std::chrono::hours wrong_by_{0};
};

/// An id of a call (UUIDv7) made at that time, in milliseconds since 1970.
uuid born_at(std::int64_t millis) {
  uuid id = uuid_source{}.next(wall_time{});
  for (std::size_t i = 0; i < 6; ++i) {
    id.bytes[i] = static_cast<std::byte>(millis >> (40 - 8 * i));
  }
  return id;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_forgetting, turn_fixture, *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(an_id_without_a_time_or_of_another_age_is_refused_for_good) {
  uuid random = p->fresh_id();
  random.bytes[6] = std::byte{0x40};
  // Its nanoseconds since 1970 wrap to the present in 64 bits.
  const uuid of_2609 =
      born_at(unix_millis(time.wall()) + std::chrono::milliseconds{18'446'744'073'709}.count());

  for (const uuid& each : {random, of_2609}) {
    BOOST_TEST(p->call(each, "put", thing{"a"}).why.code == errc::invalid);
  }
  BOOST_TEST(things() == 0);
}

// The clock that is wrong may be the one of this machine.
BOOST_AUTO_TEST_CASE(an_id_ahead_of_the_clock_is_refused_until_the_clock_is_right) {
  const uuid ahead = uuid_source{9}.next(time.wall() + 50h);

  const got refused = p->call(ahead, "put", thing{"a"});
  time.advance(50h);
  const got taken = p->call(ahead, "put", thing{"a"});

  BOOST_TEST(refused.why.code == errc::unavailable);
  BOOST_TEST((refused.why.possible == effect::none));
  BOOST_TEST(taken.status == wire::status::ok);
}

BOOST_AUTO_TEST_CASE(an_old_id_is_run_as_long_as_nothing_of_its_age_is_forgotten) {
  const uuid old = uuid_source{9}.next(time.wall() - 30 * day);

  BOOST_TEST(p->call(old, "put", thing{"a"}).status == wire::status::ok);
  BOOST_TEST(p->call(old, "put", thing{"a"}).status == wire::status::ok);
  BOOST_TEST(things() == 1);
}

BOOST_AUTO_TEST_CASE(answers_beyond_the_retention_are_forgotten_and_their_ids_refused) {
  const uuid id = p->fresh_id();
  p->call(id, "put", thing{"a"});
  time.advance(7 * day + 1h);
  p->call("put", thing{"b"});

  keep_house();

  BOOST_TEST(inbox() == 1);
  BOOST_TEST(p->call(id, "put", thing{"a"}).why.code == errc::invalid);
  BOOST_TEST(things() == 2);
}

BOOST_AUTO_TEST_CASE(what_was_forgotten_is_refused_by_a_later_process_too) {
  const uuid id = p->fresh_id();
  p->call(id, "put", thing{"a"});
  time.advance(7 * day + 1h);
  keep_house();
  p.reset();
  begin(1);

  BOOST_TEST(p->call(id, "put", thing{"a"}).why.code == errc::invalid);
  BOOST_TEST(things() == 1);
}

// An undo is asked for without end, under an id that has the birth of its saga.
BOOST_AUTO_TEST_CASE(the_command_of_a_saga_is_taken_however_long_ago_its_saga_began) {
  const uuid saga = p->fresh_id();
  const uuid done = derived_id(saga, "reserve:do:0");
  p->call(saga, "put", thing{"order"});
  p->call(done, "put", thing{"a"});
  time.advance(8 * day);
  keep_house();

  BOOST_TEST(inbox() == 1); // The answer to the command is known for longer.
  BOOST_TEST(p->call(done, "put", thing{"a"}).status == wire::status::ok);
  BOOST_TEST(things() == 2);
  const uuid undo = derived_id(saga, "reserve:undo:0");
  BOOST_TEST(p->call(undo, "put", thing{"b"}).status == wire::status::ok);
  BOOST_TEST(things() == 3);
}

BOOST_AUTO_TEST_CASE(answers_to_commands_of_sagas_are_forgotten_in_their_own_time) {
  p->call(derived_id(p->fresh_id(), "reserve:do:0"), "put", thing{"a"});

  time.advance(89 * day);
  keep_house();
  BOOST_TEST(inbox() == 1);

  time.advance(2 * day);
  keep_house();
  BOOST_TEST(inbox() == 0);
}

BOOST_AUTO_TEST_CASE(an_unanswered_call_is_never_forgotten) {
  p->call("put", thing{"a"});
  store::transaction writing{*inner};
  inner->execute("UPDATE inbox SET state = 1");
  writing.commit();

  time.advance(100 * day);
  keep_house();

  BOOST_TEST(inbox() == 1);
}

// Ninety days of a month's commands are gone in one pass, not in a thousand minutes.
BOOST_AUTO_TEST_CASE(one_pass_forgets_all_that_is_old_enough) {
  const uuid id = p->fresh_id();
  store::transaction writing{*inner};
  inner->execute(
      std::string{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"}
      + " INSERT INTO inbox (id, operation, digest, state, node, replica, attempt)"
      + std::string{
          store::is_on_postgres()
              ? " SELECT substr($1::bytea, 1, 12) || int4send(i), 'put', 0, 2, 'n1', 0, 1 FROM n"
              : " SELECT CAST(substr($1, 1, 12) || substr('0000' || i, -4) AS BLOB), 'put', 0, 2, 'n1',"
                " 0, 1 FROM n"}
      + " WHERE i < 10000",
      id);
  writing.commit();
  BOOST_TEST(inbox() == 9'999);
  time.advance(8 * day);

  keep_house();
  while (!p->later.empty()) { // Slice after slice.
    p->come_back();
    p->run();
  }

  BOOST_TEST(inbox() == 0);
}

BOOST_AUTO_TEST_CASE(a_wall_clock_that_jumps_by_days_forgets_nothing_and_refuses_nothing_for_good) {
  jumping_clock wrong;
  p.reset();
  process other{wrong, "n1", things_type(seen), things_options(folder)};
  other.start();
  const uuid id = other.fresh_id();
  other.call(id, "put", thing{"a"});
  int handled = 1;
  const auto look = [&] {
    wrong.advance(2min);
    other.keep_house({other.incarnation});
    other.run();
    return other.call(id, "put", thing{"a"}).status == wire::status::ok && seen.handled == handled;
  };
  const auto is_taken = [&](std::chrono::hours off) {
    const uuid right = born_at(unix_millis(wrong.wall() - off));
    return other.call(right, "put", thing{std::to_string(++handled)}).status == wire::status::ok;
  };

  wrong.jump(30 * day);
  BOOST_TEST(look());
  BOOST_TEST(is_taken(30 * day)); // Its caller's clock is right.
  wrong.jump(-60 * day);
  BOOST_TEST(look());
  BOOST_TEST(is_taken(-30 * day));
  wrong.jump(30 * day);
  BOOST_TEST(look());
  BOOST_TEST(is_taken(0 * day));
}

// It finds the settled time of its predecessor, and not the wall clock, to go by.
BOOST_AUTO_TEST_CASE(a_start_under_a_wrong_clock_forgets_nothing) {
  const uuid id = p->fresh_id();
  p->call(id, "put", thing{"a"});
  p.reset();
  jumping_clock wrong;
  wrong.jump(30 * day);

  process other{wrong, "n1", things_type(seen), things_options(folder)};
  other.start();
  wrong.advance(2min);
  other.keep_house({other.incarnation});
  other.run();

  BOOST_TEST(other.number("SELECT COUNT(*) FROM inbox") == 1);
  BOOST_TEST(other.call(id, "put", thing{"a"}).status == wire::status::ok);
  BOOST_TEST(other.number("SELECT COUNT(*) FROM things") == 1);
}

// One look at a clock that was ahead, with no row that says otherwise.
BOOST_AUTO_TEST_CASE(a_database_that_was_made_under_a_wrong_clock_takes_calls_of_the_right_one) {
  p.reset();
  const temporary_folder empty;
  jumping_clock wrong;
  wrong.jump(14 * 365 * day);
  process other{wrong, "n1", things_type(seen), things_options(empty)};
  other.start();
  wrong.jump(-14 * 365 * day);
  const uuid id = other.fresh_id();
  const auto taken = [&](process& by, const uuid& each) {
    return by.call(each, "put", thing{to_string(each)}).status == wire::status::ok;
  };
  BOOST_TEST(taken(other, id));
  const auto keep_house = [&](process& by) {
    wrong.advance(2min);
    by.keep_house({by.incarnation});
    by.run();
  };

  keep_house(other);

  BOOST_TEST(taken(other, id)); // From the inbox.
  BOOST_TEST(taken(other, other.fresh_id()));
  BOOST_TEST(seen.handled == 2);
  process later{wrong, "n2", things_type(seen), things_options(empty)};
  later.start();
  for (int i = 0; i < 8; ++i) {
    wrong.advance(1 * day);
    keep_house(later);
  }
  BOOST_TEST(later.number("SELECT COUNT(*) FROM inbox") == 0); // The trial is over.
  BOOST_TEST(taken(later, later.fresh_id()));
}

// A database that was put together by other means: what is old in it is forgotten at once.
BOOST_AUTO_TEST_CASE(a_new_database_forgets_what_was_there_before_and_nothing_that_it_handled) {
  const uuid handled = p->fresh_id();
  p->call(handled, "put", thing{"a"});
  store::transaction writing{*inner};
  inner->execute(
      "INSERT INTO inbox (id, operation, digest, state, node, replica, attempt)"
      " VALUES ($1, 'put', 0, 2, 'n1', 0, 1)",
      store::floor_id(time.wall() - 8 * day));
  writing.commit();
  BOOST_TEST(inbox() == 2);
  time.advance(2min);

  keep_house();

  BOOST_TEST(inbox() == 1);
  BOOST_TEST(p->call(handled, "put", thing{"a"}).status == wire::status::ok);
  BOOST_TEST(things() == 1);
}

// A clock that was ahead for as long as things are kept, and had ids made by it.
BOOST_AUTO_TEST_CASE(no_fresh_id_is_taken_for_forgotten_whatever_the_clock_says) {
  p->call("put", thing{"a"});
  jumping_clock wrong;
  p.reset();
  process other{wrong, "n1", things_type(seen), things_options(folder)};
  other.start();
  wrong.advance(1h);
  const uuid last = other.fresh_id();
  other.call(last, "put", thing{"b"});
  wrong.jump(300 * day);
  for (int i = 0; i < 30; ++i) { // The settled time goes twice as fast meanwhile.
    wrong.advance(1 * day);
    other.keep_house({other.incarnation});
    other.run();
  }
  BOOST_TEST(other.number("SELECT COUNT(*) FROM inbox") == 0);

  const uuid by_a_right_clock = born_at(last.birth().count() + 1);
  BOOST_TEST(other.call(by_a_right_clock, "put", thing{"c"}).status == wire::status::ok);
  BOOST_TEST(other.call(last, "put", thing{"b"}).why.code == errc::invalid);
}

// A clock that was ahead for days moved it; that the clock is right now does not bring answers
// back.
BOOST_AUTO_TEST_CASE(a_time_that_is_far_ahead_is_told_until_the_clock_has_caught_up) {
  p->call(p->fresh_id(), "put", thing{"a"});
  p.reset();
  const auto begin_again = [this](process& by) {
    time.advance(2min);
    by.start();
    by.keep_house({by.incarnation});
    by.run();
    return by.front->condition().time_ahead().what();
  };
  process first{time, "n1", things_type(seen), things_options(folder)};
  BOOST_TEST(begin_again(first).empty());
  {
    store::transaction writing{*first.store->database};
    store::retention row{*first.store->database};
    store::forgotten ahead = row.read();
    ahead.time = time.wall() + 3 * day;
    ahead.trial = 0ms;
    row.write(ahead);
    writing.commit();
  }

  process second{time, "n2", things_type(seen), things_options(folder)};
  BOOST_TEST(begin_again(second).starts_with("answers are forgotten by a time, "));

  time.advance(3 * day);
  BOOST_TEST(begin_again(second).empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
