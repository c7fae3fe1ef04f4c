#include "tests/actor/saga_owner.hpp"

#include <algorithm>
#include <array>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using saga::step_kind;
using saga::test::make_step;

/// `order_saga` with other steps before and behind, and the two in the middle swapped.
saga::definition longer_saga() {
  saga::definition made = saga::test::order_saga();
  std::swap(made.steps[0], made.steps[1]);
  made.steps.insert(made.steps.begin(), make_step("audit", step_kind::compensatable, "erase"));
  made.steps.push_back(make_step("thank", step_kind::retriable));
  return made;
}

/// `order_saga` without its last step.
saga::definition shorter_saga() {
  saga::definition made = saga::test::order_saga();
  made.steps.pop_back();
  return made;
}

/// `order_saga`, a step of which asks for more.
saga::definition saga_with_more(std::string_view name) {
  saga::definition made = saga::test::order_saga();
  for (saga::step& each : made.steps) {
    if (each.name == name) {
      each.request = saga::test::body_for(each.name + " with a field more");
    }
  }
  return made;
}

/// A process died before the answer of `credit` came.
struct lost_answer_fixture : coordinators_fixture {
  lost_answer_fixture() {
    owner first{path, time};
    first.start(id);
    first.work(others, 2);
    BOOST_REQUIRE(others.ask(first.calls.front()).has_value());
    dead = first.writer;
  }

  std::int64_t dead = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_saga_pinned_sagas, coordinators_fixture, *utf::label("integration") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(sagas_under_way_end_by_the_steps_they_began_with_and_none_is_done_twice) {
  constexpr int count = 1'000;
  auto first = std::make_unique<owner>(path, time);
  uuid_source ids{7};
  for (int i = 0; i < count; ++i) {
    first->start(ids.next(time.wall()));
  }
  first->work(others, 3 * count / 2); // Some have one answer, some two, some none.
  const std::int64_t dead = first->writer;
  first.reset();
  owner changed{path, time, longer_saga()};

  changed.take_over(dead);

  BOOST_TEST(changed.sagas.standing_now(time.wall()).earlier_steps == std::uint64_t{count});
  BOOST_TEST(changed.sagas.plans().take_untold().size() == 1U);
  BOOST_TEST(changed.work(others, 100'000));
  BOOST_TEST(changed.number("SELECT COUNT(*) FROM sagas WHERE phase = 2") == count);
  BOOST_TEST(others.done.size() == 4U * count); // As the old steps, and each once.
  BOOST_TEST(others.inbox.size() == 4U * count);
  BOOST_TEST(std::ranges::count(others.done, "audit") == 0);

  const uuid next = ids.next(time.wall());
  changed.start(next);
  BOOST_TEST(changed.work(others, 100'000));
  BOOST_TEST(others.done.back() == "thank");
  BOOST_TEST(changed.number("SELECT COUNT(*) FROM saga_tables") == 2);
}

// Batch by batch, so that they stand everywhere: forward, and on their way back from a charge that
// was refused.
BOOST_AUTO_TEST_CASE(sagas_that_turn_back_while_steps_are_changed_are_all_undone_once) {
  constexpr int batches = 8;
  constexpr int count = 1'000;
  auto first = std::make_unique<owner>(path, time);
  uuid_source ids{7};
  others.refuses = "charge";
  for (int i = 0; i < count; ++i) {
    first->start(ids.next(time.wall()));
    if ((i + 1) % (count / batches) == 0) {
      first->work(others, first->commits + count / 2);
    }
  }
  const std::int64_t back = first->number("SELECT COUNT(*) FROM sagas WHERE phase = 1");
  const std::int64_t forward_still = first->number("SELECT COUNT(*) FROM sagas WHERE phase = 0");
  BOOST_TEST(back > 100);
  BOOST_TEST(forward_still > 100);
  const std::int64_t dead = first->writer;
  first.reset();
  others.refuses = "";
  owner changed{path, time, longer_saga()};

  changed.take_over(dead);
  BOOST_TEST(changed.work(others, 100'000));

  const std::int64_t completed = changed.number("SELECT COUNT(*) FROM sagas WHERE phase = 2");
  const std::int64_t undone_all = changed.number("SELECT COUNT(*) FROM sagas WHERE phase = 3");
  BOOST_TEST(completed == forward_still);
  BOOST_TEST(completed + undone_all == count);
  const auto times = [&](std::string_view operation) {
    return std::ranges::count(others.done, operation);
  };
  for (const char* const each : {"reserve", "credit"}) {
    BOOST_TEST(times(each) == count);
  }
  for (const char* const each : {"release", "uncredit"}) {
    BOOST_TEST(times(each) == undone_all);
  }
  for (const char* const each : {"charge", "confirm"}) {
    BOOST_TEST(times(each) == completed);
  }
  BOOST_TEST(times("audit") + times("thank") == 0);
}

BOOST_AUTO_TEST_CASE(a_saga_undoes_by_the_steps_it_began_with) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 3); // Reserved and credited.
  const std::int64_t dead = first->writer;
  first.reset();
  others.refuses = "charge";
  owner changed{path, time, longer_saga()};

  changed.take_over(dead);
  BOOST_TEST(changed.work(others));

  BOOST_TEST(others.done == undone, boost::test_tools::per_element());
  BOOST_TEST(changed.number("SELECT phase FROM sagas") == 3);
}

BOOST_AUTO_TEST_CASE(a_saga_that_reaches_a_step_that_is_gone_parks_and_says_so) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 2);
  const std::int64_t dead = first->writer;
  first.reset();
  auto changed = std::make_unique<owner>(path, time, shorter_saga());

  changed->take_over(dead);
  BOOST_TEST(changed->work(others));

  BOOST_REQUIRE(changed->parked.size() == 1U);
  BOOST_TEST(!changed->parked[0].is_left_alone);
  BOOST_TEST(
      changed->parked[0].reason
      == "this program has no call of step `confirm` (shop.confirm) any more, which the saga began "
         "with");
  BOOST_TEST(changed->number("SELECT phase FROM sagas") == 4);
  const auto again = changed->resume_by_person(id);
  BOOST_TEST(again.has_value()); // And it parks again.
  BOOST_TEST(changed->number("SELECT phase FROM sagas") == 4);
  changed.reset();

  owner rolled_back{path, time};
  BOOST_TEST(rolled_back.resume_by_person(id).has_value());
  BOOST_TEST(rolled_back.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(
    a_saga_that_stands_at_a_step_that_is_gone_is_left_alone_until_a_person_decides) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 4); // At confirm.
  const std::int64_t dead = first->writer;
  first.reset();
  owner changed{path, time, shorter_saga()};

  changed.take_over(dead);

  BOOST_REQUIRE(changed.parked.size() == 1U);
  BOOST_TEST(changed.parked[0].is_left_alone);
  BOOST_TEST(changed.parked[0].reason.find("no call of step `confirm`") != std::string::npos);
  BOOST_TEST(
      changed.obey(id, saga::verb::skip, "confirm").error().detail("reason") == "past_pivot");
  BOOST_TEST(changed.obey(id, saga::verb::skip, "confirm", true).has_value());
  BOOST_TEST(changed.number("SELECT phase FROM sagas") == 2);
  BOOST_TEST(changed.answers.size() == 1U);
}

// The participant has the command, its answer was lost, and the next release adds a field to it.
BOOST_FIXTURE_TEST_CASE(
    a_release_that_makes_another_request_leaves_the_saga_to_one_that_makes_the_same,
    lost_answer_fixture) {
  owner changed{path, time, saga_with_more("credit")};
  changed.take_over(dead);

  BOOST_REQUIRE(changed.parked.size() == 1U);
  BOOST_TEST(changed.parked[0].is_left_alone);
  BOOST_TEST(
      changed.parked[0].reason.find("another request of step `credit` (shop.credit)")
      != std::string::npos);
  BOOST_TEST(changed.calls.empty());

  owner rolled_back{path, time};
  rolled_back.take_left_alone();
  BOOST_TEST(rolled_back.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
  BOOST_TEST(rolled_back.number("SELECT phase FROM sagas") == 2);
}

BOOST_FIXTURE_TEST_CASE(a_person_turns_back_a_saga_with_another_request, lost_answer_fixture) {
  owner changed{path, time, saga_with_more("credit")};
  changed.take_over(dead);

  BOOST_TEST(changed.obey(id, saga::verb::compensate).has_value());
  BOOST_TEST(changed.work(others));

  BOOST_TEST(others.done == undone, boost::test_tools::per_element());
  BOOST_TEST(changed.number("SELECT phase FROM sagas") == 3);
}

// As a release wrote it that kept no digest: the participant says so.
BOOST_FIXTURE_TEST_CASE(
    a_command_that_was_sent_with_another_request_parks_and_nothing_is_undone, lost_answer_fixture) {
  auto changed = std::make_unique<owner>(path, time, saga_with_more("credit"));
  changed->session->execute("UPDATE saga_journal SET data = NULL WHERE kind = 2");
  changed->take_over(dead);
  BOOST_TEST(changed->work(others));

  BOOST_REQUIRE(changed->parked.size() == 1U);
  BOOST_TEST(!changed->parked[0].is_left_alone);
  BOOST_TEST(
      changed->parked[0].reason.find("another request of step `credit` (shop.credit)")
      != std::string::npos);
  BOOST_TEST(changed->number("SELECT phase FROM sagas") == 4);
  BOOST_TEST(others.done == (std::vector<std::string>{"reserve", "credit"}));
  changed.reset();

  owner rolled_back{path, time};
  BOOST_TEST(rolled_back.resume_by_person(id).has_value());
  BOOST_TEST(rolled_back.work(others));
  BOOST_TEST(others.done == forward, boost::test_tools::per_element());
}

// An undo is as much a command: under its id it was carried out, too.
BOOST_AUTO_TEST_CASE(an_undo_with_another_request_is_left_alone_also_after_it_was_resumed) {
  others.refuses = "charge";
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  first->work(others, 4); // Reserved, credited, refused.
  const saga::outgoing::call undo = first->calls.front();
  BOOST_REQUIRE(undo.operation == "uncredit");
  BOOST_REQUIRE(others.ask(undo).has_value());
  BOOST_REQUIRE(first->obey(id, saga::verb::park).has_value());
  BOOST_REQUIRE(first->resume_by_person(id).has_value()); // Under its old id.
  const std::int64_t dead = first->writer;
  first.reset();
  auto definition = saga::test::order_saga();
  definition.steps[1].undo_request = saga::test::body_for("uncredit and tell");
  owner changed{path, time, definition};

  changed.take_over(dead);

  BOOST_REQUIRE(changed.parked.size() == 1U);
  BOOST_TEST(changed.parked[0].is_left_alone);
  BOOST_TEST(
      changed.parked[0].reason.find("the undo of step `credit` (shop.uncredit)")
      != std::string::npos);
  owner rolled_back{path, time};
  rolled_back.take_left_alone();
  BOOST_TEST(rolled_back.work(others));
  BOOST_TEST(others.done == undone, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_table_that_was_damaged_is_not_followed) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  const std::int64_t dead = first->writer;
  constexpr std::array damaged{std::byte{0x80}};
  first->session->execute("UPDATE saga_tables SET steps = $1", store::blob{damaged});
  first.reset();
  owner changed{path, time, longer_saga()};

  changed.take_over(dead);

  BOOST_REQUIRE(changed.parked.size() == 1U);
  BOOST_TEST(changed.parked[0].reason.find("is damaged") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
