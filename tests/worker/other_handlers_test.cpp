#include "runtime/worker/other_handlers.hpp"

#include "tests/store/faulty_database.hpp"
#include "tests/worker/process_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using strings = std::vector<std::string>;

/// Things of the next release, which handles another topic.
class newer_things final : public things_actor {
public:
  newer_things(probe& seen, strings& ran) : things_actor{seen} {
    on("order.*", [&ran](const thing& event, turn&) { ran.push_back(event.name); });
  }
};

/// Two processes over one database, as in a rolling change. The position of an event is one for
/// both.
struct two_releases {
  temporary_folder folder;
  manual_clock time;
  probe seen;
  strings ran; // The names of events in the order in which their handlers ran.
  std::unique_ptr<process> older;
  std::unique_ptr<process> newer;
  std::unique_ptr<store::database> inner; // Of the newer one.
  store::faulty_database* faulty = nullptr;

  two_releases() {
    seen.on_event = [this](const thing& event, turn&, const event_info&) {
      ran.push_back(event.name);
      return outcome<void>{};
    };
    older = std::make_unique<process>(time, "n1", things_type(seen), things_options(folder));
    older->start();
    older->assign_all(1);
    older->run();
    time.advance(1ms);
    actor_type type = things_type(seen);
    type.make = [this](const context&) { return std::make_unique<newer_things>(seen, ran); };
    type.description.handles = {{"thing.*"}, {"order.*"}};
    newer = std::make_unique<process>(
        time, "n2", type, things_options(folder), [this](runner_store& store) {
          inner = std::move(store.database);
          auto made = std::make_unique<store::faulty_database>(*inner);
          faulty = made.get();
          store.database = std::move(made);
        });
    newer->start();
  }

  ~two_releases() { newer.reset(); }

  static void deliver(
      process& to,
      std::uint64_t position,
      const char* key,
      const char* name,
      const char* topic = "thing.put") {
    to.deliver(position, key, thing{name}, topic);
    to.run();
  }

  static void fence(process& dead) {
    store::database& session = *dead.store->database;
    store::transaction writing{session};
    store::writers{session}.fence(dead.store->writer);
    writing.commit();
  }

  std::int64_t postponed() const { return older->number("SELECT COUNT(*) FROM postponed"); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_other_handlers, two_releases, *utf::label("integration") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(an_event_that_another_process_has_a_handler_for_waits_for_that_process) {
  deliver(*older, 1, "a", "new", "order.refunded");
  deliver(*older, 2, "a", "behind");
  deliver(*older, 3, "b", "other");
  BOOST_TEST(ran == strings{"other"});
  BOOST_TEST(postponed() == 2);
  deliver(*older, 1, "a", "new", "order.refunded"); // As the broker does after a while.
  BOOST_TEST(older->handled.back().waiting.at(0).attempts == 0U); // It was not tried.

  newer->assign_all(2);
  newer->run();
  deliver(*newer, 1, "a", "new", "order.refunded");
  deliver(*newer, 2, "a", "behind");

  BOOST_TEST(ran == (strings{"other", "new", "behind"}));
  BOOST_TEST(postponed() == 0);
}

// It crashed, and is back in a second.
BOOST_AUTO_TEST_CASE(an_event_waits_while_the_newer_process_is_down) {
  fence(*newer);
  deliver(*older, 1, "a", "new", "order.refunded");
  BOOST_TEST(postponed() == 1);
  // The older one was given up for dead, too: its new number does not make it the newer release.
  fence(*older);
  BOOST_TEST(older->call("put", thing{"x"}).status == wire::status::ok);
  older->assign_all(2);
  older->run();
  deliver(*older, 1, "a", "new", "order.refunded");
  BOOST_TEST(postponed() == 1);
}

// A rollback: what was started last has no handler.
BOOST_AUTO_TEST_CASE(an_event_is_passed_over_once_a_process_without_handler_was_started_last) {
  deliver(*older, 1, "a", "new", "order.refunded");
  BOOST_TEST(postponed() == 1);
  fence(*newer);
  process again{time, "n3", things_type(seen), things_options(folder)};
  again.start();

  deliver(*older, 1, "a", "new", "order.refunded");

  BOOST_TEST(postponed() == 0);
  BOOST_TEST(older->number("SELECT MAX(handled) FROM partitions") == 1);
}

// A release that no longer handles a topic, beside the one that did until it was stopped.
BOOST_AUTO_TEST_CASE(an_event_is_passed_over_when_the_older_process_that_handled_it_is_gone) {
  process last{time, "n3", things_type(seen), things_options(folder)};
  last.start();
  last.assign_all(1);
  last.run();
  deliver(last, 1, "a", "new", "order.refunded");
  BOOST_TEST(postponed() == 1);
  fence(*newer);

  deliver(last, 1, "a", "new", "order.refunded");

  BOOST_TEST(postponed() == 0);
}

// It was given up for dead while it stood still, and whoever started meanwhile has forgotten its
// handlers.
BOOST_AUTO_TEST_CASE(a_process_that_was_fenced_says_again_what_it_handles) {
  fence(*newer);
  process again{time, "n1", things_type(seen), things_options(folder)};
  again.start();

  BOOST_TEST(newer->call("put", thing{"x"}).status == wire::status::ok);
  again.assign_all(2);
  again.run();
  deliver(again, 1, "a", "new", "order.refunded");

  BOOST_TEST(postponed() == 1);
}

// A standby was promoted that does not have the last commits.
BOOST_AUTO_TEST_CASE(a_process_whose_database_went_back_says_again_what_it_handles) {
  store::transaction lost{*inner};
  inner->script("DELETE FROM handled_topics");
  lost.commit();
  faulty->lose(store::faulty_database::lost_commit::unknown_undone);
  newer->send("put", wire::encoded(thing{"x"}));
  newer->run();
  BOOST_REQUIRE(!faulty->is_lost());

  deliver(*older, 1, "a", "new", "order.refunded");

  BOOST_TEST(postponed() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
