#include "runtime/broker/events/bus.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace troupe;
using namespace troupe::broker;
namespace utf = boost::unit_test;

namespace {

constexpr login_id n1{1};
constexpr origin alice{7};
constexpr origin bob{8};

uuid id_of(std::uint64_t number) {
  uuid id;
  std::memcpy(id.bytes.data(), &number, sizeof number);
  return id;
}

/// A scheduled event under id 4.
scheduled_event due_event(std::string body) {
  auto later = std::make_shared<event>();
  later->id = id_of(4);
  later->topic = "order.created";
  later->key = "k";
  later->body = std::move(body);
  return {later->id, 9, later};
}

bus_options shop() {
  bus_options options;
  options.subscriptions.resize(2);
  options.subscriptions[0].capability = "mail";
  options.subscriptions[0].patterns = {"order.*"};
  options.subscriptions[1].capability = "stock";
  options.subscriptions[1].patterns = {"order.created", "stock.low"};
  return options;
}

/// A bus whose disk is this test.
struct broker_under_test {
  explicit broker_under_test(bus_options options = shop(), journal_state state = {})
      : inner{std::move(options), std::move(state), alone, cuts, 1} {}

  void publish(
      std::uint64_t id,
      std::string_view topic = "order.created",
      std::string_view body = "x",
      origin from = alice,
      std::string_view key = "k") {
    wire::header_view header;
    header.id = id_of(id);
    header.op = topic;
    header.key = key;
    inner.incoming().publish(from, header, body, 1'000, out);
  }

  outcome<void> schedule(std::string body, origin from = alice) {
    return inner.incoming().schedule(due_event(std::move(body)), from, "scheduled");
  }

  /// Writes what waits; what was written is in `journal`.
  void write(const outcome<void>& how = {}) {
    BOOST_REQUIRE(inner.wants_write(now));
    const journal_batch batch = inner.take_batch(now);
    if (how) {
      journal.insert(journal.end(), batch.events.begin(), batch.events.end());
    }
    letters.insert(letters.end(), batch.dead_letters.begin(), batch.dead_letters.end());
    inner.written(how, now, out);
  }

  template <class Action>
  std::vector<Action> take() {
    std::vector<Action> found;
    for (const event_action& each : out.actions) {
      if (const auto* action = std::get_if<Action>(&each)) {
        found.push_back(*action);
      }
    }
    return found;
  }

  /// The positions delivered to the workers of group `index`.
  std::vector<std::uint64_t> delivered(std::uint32_t index) {
    std::vector<std::uint64_t> positions;
    for (const deliver_event& each : take<deliver_event>()) {
      if (each.subscriber == index) {
        positions.push_back(each.what->position);
      }
    }
    return positions;
  }

  /// A worker logs in and takes whatever it is assigned.
  void join(login_id login, std::uint32_t credit, std::uint64_t incarnation = 1) {
    std::vector<wire::served> serves;
    for (const char* name : {"mail", "stock"}) {
      serves.push_back({.capability = name, .credit = 1, .events = credit});
    }
    inner.joined(login, "n1", id_of(incarnation), serves, now, out);
    confirm_assignments();
  }

  void confirm_assignments() {
    for (const send_assign& given : take<send_assign>()) {
      const std::string& name = inner.feeder()[given.subscriber].capability();
      wire::assigned answer{name, given.epoch, {}, {}};
      for (const wire::progress& part : given.partitions) {
        answer.partitions.push_back({part.partition, part.position, {}});
      }
      inner.feeder().assigned(given.to, answer, now, out);
    }
  }

  void forget() { out.clear(); }

  quarantine alone;
  cut_links cuts;
  bus inner;
  event_decisions out;
  std::vector<event_ref> journal;
  std::vector<dead_letter> letters;
  instant now{std::chrono::seconds{100}};
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_events_bus, *utf::label("unit") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(a_publisher_is_answered_when_its_event_is_on_disk_and_not_before) {
  broker_under_test broker;
  broker.publish(1);
  broker.publish(2);
  BOOST_TEST(broker.out.actions.empty());
  broker.write();

  const auto answers = broker.take<answer_published>();
  BOOST_REQUIRE(answers.size() == 2U);
  BOOST_TEST(answers[0].position == 1U);
  BOOST_TEST(answers[1].position == 2U);
  BOOST_TEST(!answers[0].is_repeat);
  BOOST_TEST(broker.journal.size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_comes_while_a_batch_is_written_is_in_the_next) {
  broker_under_test broker;
  broker.publish(1);
  const journal_batch first = broker.inner.take_batch(broker.now);
  broker.publish(2);

  BOOST_TEST(!broker.inner.wants_write(broker.now));
  BOOST_TEST(first.events.size() == 1U);
  broker.inner.written({}, broker.now, broker.out);
  broker.write();

  BOOST_TEST(broker.take<answer_published>().back().position == 2U);
}

BOOST_AUTO_TEST_CASE(a_repeat_keeps_its_first_position_written_or_not) {
  broker_under_test broker;
  broker.publish(1);
  broker.publish(1, "order.created", "x", bob);
  broker.write();
  broker.publish(1);

  const auto answers = broker.take<answer_published>();
  BOOST_REQUIRE(answers.size() == 3U);
  BOOST_TEST((answers[1].to == bob));
  for (const answer_published& each : answers) {
    BOOST_TEST(each.position == 1U);
  }
  BOOST_TEST(answers[1].is_repeat);
  BOOST_TEST(answers[2].is_repeat);
  BOOST_TEST(broker.journal.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_repeat_after_a_restart_keeps_its_first_position) {
  broker_under_test first;
  first.publish(1);
  first.write();

  broker_under_test second{
      shop(), {.last = 1, .recent = {{id_of(1), 1, first.journal.front()->digest}}}};
  second.publish(1);

  BOOST_TEST(second.take<answer_published>().at(0).position == 1U);
  BOOST_TEST(second.take<answer_published>().at(0).is_repeat);
}

BOOST_AUTO_TEST_CASE(the_same_id_with_another_body_is_a_conflict) {
  broker_under_test broker;
  broker.publish(1);
  broker.publish(1, "order.created", "y");
  broker.publish(1, "order.cancelled", "x");

  BOOST_REQUIRE(broker.out.errors.size() == 2U);
  BOOST_TEST(broker.out.errors[0].detail("reason") == "id_reused");
  BOOST_TEST((broker.out.errors[1].code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(a_publisher_beyond_its_window_is_told_and_others_are_not_hurt) {
  bus_options options = shop();
  options.incoming.publisher_events_max = 2;
  broker_under_test broker{options};

  for (std::uint64_t id = 1; id <= 3; ++id) {
    broker.publish(id);
  }
  broker.publish(4, "order.created", "x", bob);

  BOOST_REQUIRE(broker.out.errors.size() == 1U);
  BOOST_TEST((broker.out.errors[0].code == errc::overloaded));
  BOOST_TEST(broker.out.errors[0].retry_after.has_value());
  broker.write();
  broker.publish(5);
  BOOST_TEST(broker.out.errors.size() == 1U);
  BOOST_TEST(broker.journal.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_refused_in_words_and_the_next_takes_its_place) {
  broker_under_test broker;
  broker.publish(1);
  const journal_batch lost = broker.inner.take_batch(broker.now);
  broker.publish(2);
  broker.inner.written(
      failure{{.code = errc::unavailable, .message = "the journal's disk is full"}},
      broker.now,
      broker.out);

  BOOST_REQUIRE(broker.out.errors.size() == 1U);
  BOOST_TEST((broker.out.errors[0].code == errc::unavailable));
  BOOST_TEST(!broker.inner.wants_write(broker.now));
  broker.now += milliseconds{100};
  broker.publish(1); // Asked again under its id.
  broker.forget();
  broker.write();

  const auto answers = broker.take<answer_published>();
  BOOST_REQUIRE(answers.size() == 2U);
  BOOST_TEST((answers[0].id == id_of(2)));
  BOOST_TEST(answers[0].position == 1U);
  BOOST_TEST((answers[1].id == id_of(1)));
  BOOST_TEST(answers[1].position == 2U);
  BOOST_TEST(!answers[1].is_repeat);
  BOOST_TEST(broker.journal[0]->position == 1U);
  BOOST_TEST(broker.journal[1]->position == 2U);
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_none_is_refused) {
  broker_under_test broker;
  broker.publish(1, "Order created");
  BOOST_TEST((broker.out.errors.at(0).code == errc::invalid));
}

BOOST_AUTO_TEST_CASE(one_topic_too_many_is_refused_and_those_that_are_known_go_on) {
  bus_options options = shop();
  options.incoming.topics_max = 2;
  broker_under_test broker{options, {.topics = {"order.created"}}};
  broker.publish(1, "order.1");
  broker.publish(2, "order.2");
  broker.publish(3, "order.created");
  auto later = std::make_shared<event>();
  later->topic = "order.2";

  const auto scheduled = broker.inner.incoming().schedule({id_of(4), 9, later}, alice, {});

  BOOST_REQUIRE(broker.out.errors.size() == 1U);
  const error& why = broker.out.errors[0];
  BOOST_TEST((why.code == errc::rejected));
  BOOST_TEST(why.detail("reason") == "too_many_topics");
  BOOST_TEST(why.message.find("`order.2`") != std::string::npos);
  BOOST_REQUIRE(!scheduled);
  BOOST_TEST(scheduled.error().detail("reason") == "too_many_topics");
  broker.write();
  BOOST_TEST(broker.journal.size() == 2U);
  broker.inner.forget_topics({"order.1"});
  broker.publish(2, "order.2");
  broker.write();
  BOOST_TEST(broker.journal.size() == 3U);
}

// Fired events stay scheduled in the journal until they are written, and would be published twice.
BOOST_AUTO_TEST_CASE(scheduled_events_are_being_fired_until_they_are_written) {
  broker_under_test broker;
  (void)broker.inner.incoming().fire(due_event("x"), 1'000, broker.out);
  BOOST_TEST(broker.inner.incoming().is_firing());
  broker.write(failure{{.code = errc::unavailable, .message = "the journal's disk is full"}});
  BOOST_TEST(!broker.inner.incoming().is_firing());
  BOOST_TEST(broker.journal.empty());
  broker.now += std::chrono::seconds{1};
  (void)broker.inner.incoming().fire(due_event("x"), 1'000, broker.out);
  broker.write();

  BOOST_TEST(!broker.inner.incoming().is_firing());
  BOOST_TEST(broker.journal.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_id_that_waits_to_be_scheduled_stands_for_one_event) {
  broker_under_test broker;
  BOOST_REQUIRE(broker.schedule("x").has_value());

  BOOST_TEST(broker.schedule("x").has_value());
  const auto other = broker.schedule("y");

  BOOST_TEST(broker.inner.take_batch(broker.now).scheduled.size() == 1U);
  BOOST_REQUIRE(!other);
  BOOST_TEST((other.error().code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(what_was_published_before_it_was_due_is_not_published_again) {
  broker_under_test broker;
  broker.publish(4);
  broker.write();
  (void)broker.inner.incoming().fire(due_event("x"), 1'000, broker.out);
  broker.write();

  BOOST_TEST(broker.journal.size() == 1U);
  BOOST_TEST(!broker.inner.incoming().is_firing());
}

// The publish may fail, but the scheduled event was confirmed and must not be lost.
BOOST_AUTO_TEST_CASE(a_publish_that_fails_takes_no_scheduled_event_along) {
  broker_under_test broker;
  broker.publish(4);

  BOOST_TEST(!broker.inner.incoming().fire(due_event("x"), 1'000, broker.out));
  BOOST_TEST(broker.schedule("x").has_value());
  const journal_batch lost = broker.inner.take_batch(broker.now);
  broker.inner.written(
      failure{{.code = errc::unavailable, .message = "the journal's disk is full"}},
      broker.now,
      broker.out);
  broker.now += std::chrono::seconds{1};

  BOOST_TEST(lost.fired.empty());
  BOOST_TEST(lost.scheduled.size() == 1U);
  BOOST_TEST(broker.inner.incoming().fire(due_event("x"), 1'000, broker.out));
  broker.write();
  BOOST_TEST(broker.journal.size() == 1U);
}

// The answer to `schedule` was lost, and the event came due before it was asked again.
BOOST_AUTO_TEST_CASE(a_repeat_of_what_was_scheduled_and_published_schedules_nothing) {
  broker_under_test broker;
  (void)broker.inner.incoming().fire(due_event("x"), 1'000, broker.out);
  broker.write();

  BOOST_TEST(broker.schedule("x").has_value());
  const auto other = broker.schedule("y");

  BOOST_TEST(broker.inner.take_batch(broker.now).scheduled.empty());
  BOOST_REQUIRE(!other);
  BOOST_TEST((other.error().code == errc::conflict));
}

// The repeat belongs to the batch that has the event, and not to the next one, which may succeed.
BOOST_AUTO_TEST_CASE(a_repeat_of_what_is_being_scheduled_ends_as_that_does) {
  const outcome<void> full = failure{internal_error("the journal's disk is full")};
  for (const bool is_clash : {false, true}) {
    broker_under_test broker;
    BOOST_REQUIRE(broker.schedule("x", alice));
    (void)broker.inner.take_batch(broker.now);
    BOOST_REQUIRE(broker.schedule("x", bob));
    if (is_clash) { // With an event that is on disk.
      broker.inner.incoming().not_scheduled({.clashed = {id_of(4)}}, broker.out);
    }
    broker.inner.written(is_clash ? outcome<void>{} : full, broker.now, broker.out);

    BOOST_TEST(broker.take<refuse_published>().size() == 2U);
    BOOST_TEST(broker.take<answer_written>().empty());
    BOOST_TEST(broker.inner.incoming().is_done());
  }
}

// The schedule was confirmed, so that what somebody else publishes under its id takes nothing away.
BOOST_AUTO_TEST_CASE(a_scheduled_event_whose_id_another_event_took_is_published_under_its_own) {
  broker_under_test broker;
  broker.publish(4, "order.created", "another");
  broker.write();

  BOOST_TEST(broker.inner.incoming().fire(due_event("x"), 1'000, broker.out));
  BOOST_TEST(broker.out.log.at(0).name == "scheduled_id_taken");
  broker.write();

  BOOST_REQUIRE(broker.journal.size() == 2U);
  BOOST_TEST(broker.journal[1]->body == "x");
  BOOST_TEST((broker.journal[1]->id != id_of(4)));
}

// A topic of which no event was ever written is forgotten; a topic whose event is still to be
// written stays known.
BOOST_AUTO_TEST_CASE(topics_that_could_not_be_written_leave_room_for_others) {
  bus_options options = shop();
  options.incoming.topics_max = 2;
  broker_under_test broker{options};
  broker.publish(1, "a");
  (void)broker.inner.take_batch(broker.now);
  broker.publish(2, "b");
  broker.inner.written(
      failure{{.code = errc::unavailable, .message = "the journal's disk is full"}},
      broker.now,
      broker.out);
  broker.forget();

  broker.publish(3, "c");
  broker.inner.forget_topics({"b"});
  broker.publish(4, "d");

  BOOST_REQUIRE(broker.out.errors.size() == 1U);
  BOOST_TEST(broker.out.errors[0].message.find("`d`") != std::string::npos);
}

// The topic was forgotten while one of its events was on the way to the disk, and that event was
// written.
BOOST_AUTO_TEST_CASE(a_topic_that_is_on_disk_stays_known_when_a_later_write_fails) {
  bus_options options = shop();
  options.incoming.topics_max = 1;
  broker_under_test broker{options};
  broker.publish(1, "a");
  (void)broker.inner.take_batch(broker.now);
  broker.inner.forget_topics({"a"});
  broker.inner.written({}, broker.now, broker.out);
  broker.publish(2, "a");
  broker.write(failure{{.code = errc::unavailable, .message = "the journal's disk is full"}});
  broker.forget();

  broker.publish(3, "b");

  BOOST_REQUIRE(broker.out.errors.size() == 1U);
  BOOST_TEST(broker.out.errors[0].detail("reason") == "too_many_topics");
}

BOOST_AUTO_TEST_CASE(an_event_goes_to_each_group_that_subscribes_once_it_is_written) {
  broker_under_test broker;
  broker.join(n1, 10);
  broker.forget();
  broker.publish(1, "order.created");
  broker.publish(2, "order.cancelled");
  broker.publish(3, "user.registered");
  BOOST_TEST(broker.delivered(0).empty());
  broker.write();

  BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{1, 2}));
  BOOST_TEST((broker.delivered(1) == std::vector<std::uint64_t>{1}));
}

BOOST_AUTO_TEST_CASE(a_worker_whose_group_is_open_or_down_gets_no_events) {
  for (const char* trouble : {"open", "down"}) {
    broker_under_test broker;
    broker.join(n1, 10);
    wire::state said{.draining = false, .serves = {}};
    wire::served& mail = said.serves.emplace_back();
    mail.capability = "mail";
    mail.events = 10;
    mail.breaker = trouble;
    broker.inner.feeder().state(n1, said, broker.now, broker.out);
    broker.publish(1, "order.cancelled");
    broker.write();
    BOOST_TEST(broker.delivered(0).empty());

    mail.breaker = "closed";
    broker.inner.feeder().state(n1, said, broker.now, broker.out);

    BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{1}));
  }
}

BOOST_AUTO_TEST_CASE(a_group_that_is_behind_reads_from_the_journal_and_then_goes_on_live) {
  broker_under_test broker{shop(), {.last = 2, .cursors = {{"mail"}, {"stock"}}}};
  broker.join(n1, 10);

  const auto reads = broker.take<read_journal>();
  BOOST_REQUIRE(reads.size() == 2U);
  BOOST_TEST(reads[0].after == 0U);
  auto old = std::make_shared<event>();
  old->position = 2;
  old->topic = "order.created";
  broker.forget();
  broker.publish(9); // Comes while it reads.
  broker.write();
  BOOST_TEST(broker.delivered(0).empty());
  broker.inner.feeder().read(0, {old}, 2, broker.now, broker.out);
  BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{2}));
  BOOST_TEST(broker.take<read_journal>().back().after == 2U);
  broker.inner.feeder().read(0, {broker.journal[0]}, 3, broker.now, broker.out);
  broker.forget();

  broker.publish(10);
  broker.write();
  BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{4}));
}

// Events that are read and find no room in the window are read again, each time a few events are
// handled.
BOOST_AUTO_TEST_CASE(a_group_that_is_behind_reads_when_half_its_window_is_free_and_what_fits) {
  broker_under_test broker{shop(), {.last = 20'000, .cursors = {{"mail"}, {"stock"}}}};
  broker.join(n1, 10'000);
  const std::size_t window = broker.take<read_journal>()[0].count;
  std::vector<event_ref> page;
  for (std::uint64_t position = 1; position <= window * 3 / 4; ++position) {
    auto made = std::make_shared<event>();
    made->position = position;
    made->partition = static_cast<std::uint32_t>(position % wire::partition_count);
    made->topic = "order.created";
    page.push_back(std::move(made));
  }
  const auto handle_all_of = [&](std::uint32_t first, std::uint32_t last) {
    wire::handled all{.capability = "mail", .upto = {}, .waiting = {}, .done = {}};
    for (std::uint32_t i = first; i <= last; ++i) {
      all.upto.push_back({i, page.size()});
    }
    broker.forget();
    broker.inner.feeder().handled(n1, all, broker.now, broker.out);
    return broker.take<read_journal>();
  };

  broker.forget();
  broker.inner.feeder().read(0, page, page.size(), broker.now, broker.out);
  BOOST_TEST(broker.take<read_journal>().empty());
  BOOST_TEST(handle_all_of(0, 15).empty());
  const auto reads = handle_all_of(16, 31);

  BOOST_REQUIRE(reads.size() == 1U);
  BOOST_TEST(reads[0].after == page.size());
  BOOST_TEST(reads[0].count == window - page.size() / 2);
}

BOOST_AUTO_TEST_CASE(a_group_new_to_the_journal_has_its_cursor_written_at_once) {
  bus_options options = shop();
  options.subscriptions[0].start = 5;
  broker_under_test broker{options, {.last = 5}};

  BOOST_REQUIRE(broker.inner.wants_write(broker.now));
  const journal_batch batch = broker.inner.take_batch(broker.now);
  BOOST_REQUIRE(batch.cursors.size() == 2U);
  BOOST_TEST(batch.cursors[0].handled[0] == 5U);
  broker.inner.written(
      failure{{.code = errc::unavailable, .message = "full"}}, broker.now, broker.out);
  broker.now += std::chrono::seconds{1};
  BOOST_TEST(broker.inner.take_batch(broker.now).cursors.size() == 2U); // Again, until it works.
}

// The database was restored from a backup while everything was down.
BOOST_AUTO_TEST_CASE(an_older_database_is_noticed_by_what_the_journal_kept_of_it) {
  cursor_row mail{"mail"};
  mail.handled.fill(9);
  mail.reached[3] = 8;
  broker_under_test broker{shop(), {.last = 9, .cursors = {mail, {"stock"}}}};
  broker.inner.joined(
      n1, "n1", id_of(1), {{.capability = "mail", .events = 10}}, broker.now, broker.out);
  const auto given = broker.take<send_assign>().at(0);
  broker.forget();

  broker.inner.feeder().assigned(
      n1, {"mail", given.epoch, {{3, 5, {}}}, {}}, broker.now, broker.out);

  BOOST_REQUIRE(broker.out.log.size() == 1U);
  BOOST_TEST(broker.out.log[0].name == "database_went_back");
  const auto reads = broker.take<read_journal>();
  BOOST_REQUIRE(reads.size() == 1U);
  BOOST_TEST(reads[0].after == 5U);
  broker.now += std::chrono::seconds{1};
  const journal_batch batch = broker.inner.take_batch(broker.now);
  BOOST_REQUIRE(batch.cursors.size() == 1U);
  BOOST_TEST(batch.cursors[0].handled[3] == 5U); // Kept for it from now on.
  BOOST_TEST(batch.cursors[0].reached[3] == 5U);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_written_before_its_worker_forgets_it_and_can_be_tried_again) {
  broker_under_test broker;
  broker.join(n1, 10);
  broker.publish(1, "order.cancelled");
  broker.write();
  const std::uint32_t partition = broker.journal[0]->partition;
  broker.forget();
  broker.inner.feeder().handled(
      n1,
      {"mail", {{partition, 1}}, {{1, 1, true, "rejected", "no such customer", 0}}, {}},
      broker.now,
      broker.out);
  BOOST_TEST(broker.take<send_dead>().empty());
  broker.write();

  BOOST_REQUIRE(broker.letters.size() == 1U);
  BOOST_TEST(broker.letters[0].cause == "rejected");
  BOOST_TEST(broker.letters[0].capability == "mail");
  BOOST_TEST((broker.letters[0].what->id == id_of(1)));
  BOOST_TEST(broker.take<send_dead>().size() == 1U);
  broker.forget();
  broker.inner.incoming().retry_dead_letter(broker.letters[0], "mail", 2'000);
  broker.write();

  BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{2}));
  BOOST_TEST(broker.journal[1]->only_for == "mail");
  BOOST_TEST((broker.journal[1]->id == id_of(1)));
}

// The write that publishes the event again also deletes its dead letter: without the event both
// would be lost.
BOOST_AUTO_TEST_CASE(a_letter_tried_again_is_not_lost_with_a_write_that_fails_before_its_own) {
  broker_under_test broker;
  auto dead = std::make_shared<event>();
  dead->id = id_of(5);
  dead->topic = "order.created";
  dead->source = "orders"; // It came from an outbox, which will not send it again.
  dead_letter letter;
  letter.id = id_of(9);
  letter.capability = "mail";
  letter.what = dead;
  broker.publish(1);
  (void)broker.inner.take_batch(broker.now);
  broker.inner.incoming().retry_dead_letter(letter, letter.capability, 2'000);
  broker.inner.written(
      failure{{.code = errc::unavailable, .message = "the journal's disk is full"}},
      broker.now,
      broker.out);

  broker.now += milliseconds{100};
  broker.write();

  BOOST_REQUIRE(broker.journal.size() == 1U);
  BOOST_TEST((broker.journal[0]->id == id_of(5)));
  BOOST_TEST(broker.journal[0]->only_for == "mail");
  BOOST_TEST(broker.journal[0]->position == 1U);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_that_could_not_be_written_is_in_the_next_write) {
  broker_under_test broker;
  broker.join(n1, 10);
  broker.publish(1, "order.cancelled");
  broker.write();
  const std::uint32_t partition = broker.journal[0]->partition;
  broker.inner.feeder().handled(
      n1,
      {"mail", {{partition, 1}}, {{1, 1, true, "rejected", "no such customer", 0}}, {}},
      broker.now,
      broker.out);
  broker.write(failure{{.code = errc::unavailable, .message = "the journal's disk is full"}});
  broker.letters.clear();

  broker.now += milliseconds{100};
  broker.write();

  BOOST_REQUIRE(broker.letters.size() == 1U);
  BOOST_TEST(broker.letters[0].what->position == 1U);
}

BOOST_AUTO_TEST_CASE(a_letter_tried_again_is_for_its_group_alone_also_when_read_from_the_journal) {
  broker_under_test broker{shop(), {.last = 2, .cursors = {{"mail"}, {"stock"}}}};
  broker.join(n1, 10);
  auto again = std::make_shared<event>();
  again->position = 1;
  again->topic = "order.created";
  again->only_for = "mail";
  auto usual = std::make_shared<event>();
  usual->position = 2;
  usual->topic = "order.created";
  broker.forget();

  broker.inner.feeder().read(0, {again, usual}, 2, broker.now, broker.out);
  broker.inner.feeder().read(1, {again, usual}, 2, broker.now, broker.out);

  BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{1, 2}));
  BOOST_TEST((broker.delivered(1) == std::vector<std::uint64_t>{2}));
}

BOOST_AUTO_TEST_CASE(what_finds_no_room_when_it_is_written_is_read_from_the_journal_later) {
  broker_under_test broker;
  broker.join(n1, 10'000);
  const std::size_t window = broker.inner.feeder()[0].held().room();
  for (std::uint64_t id = 1; id <= window; ++id) {
    broker.publish(id, "order.cancelled");
  }
  broker.write();
  broker.publish(window + 1, "order.cancelled");
  broker.write();
  broker.forget();

  broker.inner.feeder().handled(
      n1, {"mail", {{broker.journal[0]->partition, window}}, {}, {}}, broker.now, broker.out);

  const auto reads = broker.take<read_journal>();
  BOOST_REQUIRE(reads.size() == 1U);
  BOOST_TEST(reads[0].after == window);
  broker.inner.feeder().read(0, {broker.journal.back()}, window + 1, broker.now, broker.out);
  BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{window + 1}));
}

BOOST_AUTO_TEST_CASE(what_was_read_and_finds_no_room_is_read_again) {
  broker_under_test broker{shop(), {.last = 20'000, .cursors = {{"mail"}, {"stock"}}}};
  broker.join(n1, 10'000);
  const std::size_t window = broker.take<read_journal>()[0].count;
  std::vector<event_ref> page;
  for (std::uint64_t position = 1; position <= window + 1; ++position) {
    auto made = std::make_shared<event>();
    made->position = position;
    made->topic = "order.created";
    page.push_back(std::move(made));
  }
  broker.inner.feeder().read(0, page, page.size(), broker.now, broker.out);
  broker.forget();

  broker.inner.feeder().handled(n1, {"mail", {{0, window}}, {}, {}}, broker.now, broker.out);

  const auto reads = broker.take<read_journal>();
  BOOST_REQUIRE(reads.size() == 1U);
  BOOST_TEST(reads[0].after == window);
}

// The event that was read lies above the lost ones: taken in, it would make the subscriber skip
// them.
BOOST_AUTO_TEST_CASE(what_was_being_read_is_thrown_away_when_the_database_is_older) {
  cursor_row mail{"mail"};
  mail.handled.fill(9);
  mail.reached[3] = 8;
  broker_under_test broker{shop(), {.last = 12, .cursors = {mail, {"stock"}}}};
  broker.inner.joined(
      n1, "n1", id_of(1), {{.capability = "mail", .events = 10}}, broker.now, broker.out);
  BOOST_REQUIRE(broker.take<read_journal>().size() == 1U);
  const auto given = broker.take<send_assign>().at(0);
  broker.inner.feeder().assigned(
      n1, {"mail", given.epoch, {{3, 5, {}}}, {}}, broker.now, broker.out);
  auto late = std::make_shared<event>();
  late->position = 11;
  late->partition = 3;
  late->topic = "order.created";
  broker.forget();

  broker.inner.feeder().read(0, {late}, 12, broker.now, broker.out);

  BOOST_TEST(broker.delivered(0).empty());
  const auto reads = broker.take<read_journal>();
  BOOST_REQUIRE(reads.size() == 1U);
  BOOST_TEST(reads[0].after == 5U);
}

// Events of other subscribers at that worker would be lost with it, and be blamed for its death.
BOOST_AUTO_TEST_CASE(a_suspect_waits_until_its_worker_has_nothing_of_other_groups) {
  broker_under_test broker;
  broker.join(n1, 10, 1);
  broker.publish(1, "stock.low");
  broker.write();
  broker.inner.left(n1, true, broker.now, broker.out);
  broker.forget();
  broker.join(n1, 10, 2);
  broker.inner.left(n1, true, broker.now, broker.out);
  broker.publish(2, "order.cancelled");
  broker.write();
  broker.forget();
  broker.join(n1, 10, 3);
  BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{2}));
  BOOST_TEST(broker.delivered(1).empty());
  BOOST_TEST((broker.alone.node() == n1));
  broker.inner.feeder().follow_quarantine(broker.now, broker.out);
  BOOST_TEST(!broker.alone.is_granted(suspect_of{1}));
  broker.inner.feeder().handled(
      n1, {"mail", {{broker.journal[1]->partition, 2}}, {}, {}}, broker.now, broker.out);

  BOOST_TEST(broker.alone.is_granted(suspect_of{1}));
  broker.inner.feeder().follow_quarantine(broker.now, broker.out);
  BOOST_TEST((broker.delivered(1) == std::vector<std::uint64_t>{1}));
}

// Until the change is followed, another subscriber may still send to the node that is kept free.
BOOST_AUTO_TEST_CASE(a_suspect_does_not_go_beside_what_was_sent_before_its_turn_was_followed) {
  broker_under_test broker;
  broker.join(n1, 10, 1);
  broker.publish(1, "stock.low");
  broker.write();
  broker.inner.left(n1, true, broker.now, broker.out);
  broker.forget();
  broker.join(n1, 10, 2);
  broker.inner.left(n1, true, broker.now, broker.out);
  broker.publish(2, "order.cancelled");
  broker.write();
  broker.forget();
  broker.join(n1, 10, 3);
  BOOST_REQUIRE((broker.alone.node() == n1));

  broker.inner.feeder().handled(
      n1, {"mail", {{broker.journal[1]->partition, 2}}, {}, {}}, broker.now, broker.out);
  BOOST_TEST(!broker.alone.is_granted(suspect_of{1}));
  broker.forget();
  broker.publish(3, "order.cancelled");
  broker.write();
  BOOST_TEST((broker.delivered(0) == std::vector<std::uint64_t>{3}));
  broker.inner.feeder().follow_quarantine(broker.now, broker.out);
  BOOST_TEST(!broker.alone.is_granted(suspect_of{1}));
  broker.inner.feeder().handled(
      n1, {"mail", {{broker.journal[2]->partition, 3}}, {}, {}}, broker.now, broker.out);

  BOOST_TEST(broker.alone.is_granted(suspect_of{1}));
}

BOOST_AUTO_TEST_SUITE_END()
