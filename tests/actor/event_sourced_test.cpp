#include "runtime/actor/event_sourced.hpp"

#include "runtime/actor/registry.hpp"
#include "runtime/actor/turn_requests.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"
#include "tests/store/engine.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>

namespace utf = boost::unit_test;

namespace troupe::test {

struct opened {
  static constexpr std::string_view event_type = "opened";
  std::string owner;
};

TROUPE_MESSAGE(opened, owner)

struct moved {
  static constexpr std::string_view event_type = "moved";
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(moved, cents)

struct account {
  std::string owner;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(account, owner, cents)

struct account_life {
  using state = account;
  using event = std::variant<opened, moved>;

  static account apply(account now, const opened& event) {
    now.owner = event.owner;
    return now;
  }

  static account apply(account now, const moved& event) {
    now.cents += event.cents;
    return now;
  }

  static constexpr std::int64_t snapshot_every = 3;
  static constexpr std::int64_t snapshot_form = 1;
};

/// The same events with another form of state.
struct newer_life : account_life {
  static constexpr std::int64_t snapshot_form = 2;
};

/// A life that knows only one of the events.
struct older_life {
  using state = account;
  using event = std::variant<opened>;

  static account apply(account now, const opened& event) {
    return account_life::apply(std::move(now), event);
  }

  static constexpr std::int64_t snapshot_every = 0;
  static constexpr std::int64_t snapshot_form = 1;
};

static_assert(life<account_life> && life<newer_life> && life<older_life>);
static_assert(!life<account>);

struct balances {
  void project(store::database& session, const event_place& place, const opened& event) const {
    session.execute(
        "INSERT INTO balances (id, owner, cents, version, at) VALUES ($1, $2, 0, $3, $4)",
        place.id,
        event.owner,
        place.version,
        unix_millis(place.at));
  }

  void project(store::database& session, const event_place& place, const moved& event) const {
    session.execute(
        "UPDATE balances SET cents = cents + $2, version = $3, at = $4 WHERE id = $1",
        place.id,
        event.cents,
        place.version,
        unix_millis(place.at));
  }

  void clear(store::database& session, const uuid& after, const uuid& upto) const {
    session.execute("DELETE FROM balances WHERE id > $1 AND id <= $2", after, upto);
  }
};

struct open_account {
  uuid id;
  std::string owner;
};

TROUPE_MESSAGE(open_account, id, owner)

struct move_money {
  uuid id;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(move_money, id, cents)

class accounts_actor final : public event_sourced<account_life, balances> {
public:
  explicit accounts_actor(const context&) : event_sourced{balances{}} {
    command("open", [this](const open_account& request, turn& turn) -> outcome<account> {
      thing it{request.id};
      TROUPE_CHECK(record(turn, it, opened{request.owner}));
      return it.state();
    });
    command("move", [this](const move_money& request, turn& turn) -> outcome<account> {
      auto it = load(turn, request.id);
      if (it && it->state().cents + request.cents < 0) {
        return failure{rejected("overdrawn", "There is not so much.")};
      }
      TROUPE_CHECK(record(turn, *it, moved{request.cents}));
      return it->state();
    });
  }
};

constexpr std::array schema{store::migration{1, "balances", R"sql(
CREATE TABLE balances (
  id BLOB PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL, version BIGINT NOT NULL,
  at BIGINT NOT NULL
) WITHOUT ROWID;
)sql"}};

struct accounts_fixture {
  accounts_fixture() {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-actor-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    auto opened_file = store::open_engine(folder + "/test.db", "test");
    BOOST_REQUIRE(opened_file);
    session = std::move(*opened_file);
    BOOST_REQUIRE(type.keeps_events);
    BOOST_REQUIRE(migrate(*session, time, type));
    actor = type.make({name, 0, name, folder, settings, time, log});
  }

  accounts_fixture(const accounts_fixture&) = delete;
  accounts_fixture& operator=(const accounts_fixture&) = delete;

  ~accounts_fixture() { std::filesystem::remove_all(folder); }

  template <wire::message Reply, wire::message Request>
  outcome<Reply> call(std::string_view operation, const Request& request) {
    std::string reply;
    const auto& found = *actor->find(operation).how;
    if (const auto* query = std::get_if<handlers::query>(&found)) {
      auto ran = query->run(wire::encoded(request), session.get(), reply);
      return ran ? wire::checked_decode<Reply>(reply) : failure{ran.error()};
    }
    store::transaction writing{*session};
    turn turn{*actor, session.get(), 1, ids.next(time.wall()), {}, time.wall(), requests};
    TROUPE_CHECK(std::get<handlers::command>(found).run(wire::encoded(request), turn, reply));
    writing.commit();
    return wire::checked_decode<Reply>(reply);
  }

  uuid open(const std::string& owner) {
    const uuid id = ids.next(time.wall());
    BOOST_REQUIRE(call<account>("open", open_account{id, owner}));
    return id;
  }

  outcome<account> move(const uuid& id, std::int64_t cents) {
    return call<account>("move", move_money{id, cents});
  }

  /// All rows of the projection.
  std::string rows() {
    std::string text;
    session->query(
        "SELECT id, owner, cents, version, at FROM balances ORDER BY id",
        [&](const store::row& row) {
          text += to_string(row.id(0)) + " " + std::string{row.text(1)};
          for (int column = 2; column < 5; ++column) {
            text += " " + std::to_string(row.integer(column));
          }
          text += "\n";
        });
    return text;
  }

  projection_rebuilt rebuild_all(std::int64_t slice) {
    projection_rebuilt all;
    std::optional<uuid> after;
    do {
      const auto done = call<projection_rebuilt>("rebuild", rebuild_projection{after, slice});
      BOOST_REQUIRE(done.has_value());
      all.things += done->things;
      all.events += done->events;
      after = done->next;
    } while (after);
    return all;
  }

  std::string json_at(const get_past_state& request) {
    const auto past = call<past_state>("at", request);
    return past ? std::to_string(past->version) + " " + wire::to_json(past->state.bytes).value()
                : std::string{past.error().detail("reason")};
  }

  const std::string name = "accounts";
  std::string folder;
  config_tree settings;
  manual_clock time;
  uuid_source ids{7};
  observe::event_log log{time, "n1", observe::log_format::text};
  turn_requests requests;
  actor_type type = type_of<accounts_actor>("accounts", schema);
  std::unique_ptr<store::database> session;
  std::unique_ptr<troupe::actor> actor;
};

BOOST_AUTO_TEST_SUITE(runtime_actor_event_sourced, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(a_state_is_what_its_events_made_it, accounts_fixture) {
  const uuid id = open("ada");
  BOOST_TEST(move(id, 500).value().cents == 500);
  BOOST_TEST(move(id, -200).value().cents == 300);

  BOOST_TEST(move(id, -301).error().detail("reason") == "overdrawn");

  const auto loaded = aggregate<account_life>::load(*session, id);
  BOOST_REQUIRE(loaded.has_value());
  BOOST_TEST(loaded->version() == 3);
  BOOST_TEST(loaded->state().owner == "ada");
  BOOST_TEST(loaded->state().cents == 300);
}

// It could be read neither for the state nor for the history, ever after.
BOOST_FIXTURE_TEST_CASE(an_event_that_nobody_could_read_is_not_recorded, accounts_fixture) {
  const uuid id = ids.next(time.wall());
  aggregate<account_life> made{id};
  store::transaction writing{*session};

  const auto refused = made.record(*session, opened{"caf\xe9"}, id, time.wall());
  writing.commit();

  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().detail("reason") == "unreadable");
  BOOST_TEST(made.version() == 0);
  BOOST_TEST(aggregate<account_life>::load(*session, id).value().version() == 0);
}

BOOST_FIXTURE_TEST_CASE(who_expected_another_version_gets_a_conflict, accounts_fixture) {
  const uuid id = open("ada");

  const auto again = call<account>("open", open_account{id, "bob"});

  BOOST_REQUIRE(!again.has_value());
  BOOST_TEST((again.error().code == errc::conflict));
  BOOST_TEST(rows().find("bob") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(snapshots_are_written_when_due_and_spare_reading, accounts_fixture) {
  const uuid id = open("ada");
  for (int i = 0; i < 6; ++i) {
    BOOST_REQUIRE(move(id, 100));
  }

  BOOST_TEST(session->integer_of("SELECT COUNT(*) FROM snapshots").value() == 2);
  BOOST_TEST(session->integer_of("SELECT MAX(version) FROM snapshots").value() == 6);
  // Events that the snapshot covers are not read.
  session->execute("UPDATE events SET body = $1 WHERE version = 5", store::blob{});
  BOOST_TEST(aggregate<account_life>::load(*session, id)->state().cents == 600);
  BOOST_TEST(!aggregate<newer_life>::load(*session, id).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_that_is_of_no_use_is_passed_over, accounts_fixture) {
  const uuid id = open("ada");
  for (int i = 0; i < 3; ++i) {
    BOOST_REQUIRE(move(id, 100));
  }
  session->execute("UPDATE snapshots SET body = $1", store::blob{});

  BOOST_TEST(aggregate<account_life>::load(*session, id)->state().cents == 300);
  BOOST_TEST(aggregate<newer_life>::load(*session, id)->state().cents == 300);
}

BOOST_FIXTURE_TEST_CASE(the_past_can_be_asked_for_by_version_and_by_time, accounts_fixture) {
  const auto began = unix_millis(time.wall());
  const uuid id = open("ada");
  for (int i = 0; i < 5; ++i) {
    time.advance(std::chrono::seconds{1});
    BOOST_REQUIRE(move(id, 100));
  }

  BOOST_TEST(json_at({id, {}, {}}) == R"(6 {"owner":"ada","cents":500})");
  BOOST_TEST(json_at({id, 1, {}}) == R"(1 {"owner":"ada","cents":0})");
  BOOST_TEST(json_at({id, 5, {}}) == R"(5 {"owner":"ada","cents":400})");
  BOOST_TEST(json_at({id, {}, began + 3'999}) == R"(4 {"owner":"ada","cents":300})");
  BOOST_TEST(json_at({id, {}, began + 4'000}) == R"(5 {"owner":"ada","cents":400})");
  BOOST_TEST(json_at({id, {}, INT64_MAX}) == R"(6 {"owner":"ada","cents":500})");
  BOOST_TEST(json_at({id, {}, began - 1}) == "no_history");
  BOOST_TEST(json_at({id, {}, INT64_MIN}) == "no_history");
  BOOST_TEST(json_at({id, 0, {}}) == "no_history");
  BOOST_TEST(json_at({ids.next(time.wall()), {}, {}}) == "no_history");
  BOOST_TEST((call<past_state>("at", get_past_state{id, 1, 1}).error().code == errc::invalid));
}

BOOST_FIXTURE_TEST_CASE(a_history_is_told_page_by_page, accounts_fixture) {
  const uuid id = open("ada");
  BOOST_REQUIRE(move(id, 100));
  BOOST_REQUIRE(move(id, -50));

  const auto page = call<history>("history", get_history{id, {}, 2});
  const auto rest = call<history>("history", get_history{id, 3, 2});
  const auto beyond = call<history>("history", get_history{id, 4, {}});

  BOOST_REQUIRE(page.has_value());
  BOOST_REQUIRE(page->events.size() == 2U);
  BOOST_TEST(page->more);
  BOOST_TEST(page->events[0].type == "opened");
  BOOST_TEST(page->events[0].at == unix_millis(time.wall()));
  BOOST_TEST(wire::to_json(page->events[1].body.bytes).value() == R"({"cents":100})");
  BOOST_REQUIRE(rest.has_value());
  BOOST_REQUIRE(rest->events.size() == 1U);
  BOOST_TEST(rest->events[0].version == 3);
  BOOST_TEST(!rest->more);
  BOOST_TEST(beyond.value().events.empty());
  BOOST_TEST(
      call<history>("history", get_history{ids.next(time.wall()), {}, {}}).error().detail("reason")
      == "no_history");
  for (const std::int64_t bad : {0, -1, 1'001}) {
    BOOST_TEST((call<history>("history", get_history{id, {}, bad}).error().code == errc::invalid));
  }
  BOOST_TEST((call<history>("history", get_history{id, 0, {}}).error().code == errc::invalid));
}

BOOST_FIXTURE_TEST_CASE(a_history_of_large_events_comes_in_more_pages, accounts_fixture) {
  const uuid id = open(std::string(60'000, 'x'));
  BOOST_REQUIRE(move(id, 1));

  const auto page = call<history>("history", get_history{id, {}, {}});

  BOOST_REQUIRE(page.has_value());
  BOOST_TEST(page->events.size() == 1U);
  BOOST_TEST(page->more);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_projection_is_rebuilt_as_it_was, accounts_fixture) {
  std::vector<uuid> accounts;
  for (int i = 0; i < 20; ++i) {
    time.advance(std::chrono::milliseconds{1234567});
    accounts.push_back(open("customer " + std::to_string(i)));
    for (int j = 0; j < i % 5; ++j) {
      time.advance(std::chrono::microseconds{1234567});
      BOOST_REQUIRE(move(accounts[static_cast<std::size_t>(i) / 2], 10 * j));
    }
  }
  const std::string before = rows();
  for (const std::int64_t slice : {1, 7, 50'000}) {
    session->execute("DELETE FROM balances WHERE id < $1", accounts[4]);
    session->execute("DELETE FROM balances WHERE id >= $1", accounts[18]);
    session->execute("UPDATE balances SET cents = cents + 1, version = 0 WHERE cents > 0");
    // Stray rows whose ids lie before, among and behind the others.
    session->execute(
        "INSERT INTO balances VALUES ($1, 'x', 1, 1, 1), ($2, 'y', 1, 1, 1), ($3, 'z', 1, 1, 1)",
        ids.next(time.wall() - std::chrono::hours{99}),
        derived_id(accounts[9], "nobody"),
        ids.next(time.wall() + std::chrono::hours{99}));
    BOOST_REQUIRE(rows() != before);

    const auto done = rebuild_all(slice);

    BOOST_TEST(rows() == before);
    BOOST_TEST(done.things == 20);
    BOOST_TEST(done.events == 20 + 4 * (0 + 1 + 2 + 3 + 4));
  }
}

BOOST_FIXTURE_TEST_CASE(a_slice_is_whole_things_and_says_where_to_go_on, accounts_fixture) {
  const uuid first = open("ada");
  BOOST_REQUIRE(move(first, 1));
  const uuid second = open("bob");

  const auto one = call<projection_rebuilt>("rebuild", rebuild_projection{{}, 1});
  const auto two = call<projection_rebuilt>("rebuild", rebuild_projection{one->next, 5});

  BOOST_TEST(one->things == 1);
  BOOST_TEST(one->events == 2);
  BOOST_TEST((one->next == first));
  BOOST_TEST(two->things == 1);
  BOOST_TEST((two->next == std::nullopt));
  BOOST_TEST((call<account>("move", move_money{second, 5})->cents == 5));
}

BOOST_FIXTURE_TEST_CASE(a_slice_of_large_events_is_of_fewer, accounts_fixture) {
  for (int i = 0; i < 40; ++i) {
    BOOST_REQUIRE(move(open(std::string(std::size_t{1} << 20U, 'x')), i));
  }
  const std::string before = rows();
  session->execute("DELETE FROM balances");

  const auto first = call<projection_rebuilt>("rebuild", rebuild_projection{});

  BOOST_TEST(first->things == 16);
  BOOST_TEST(first->events == 32);
  BOOST_REQUIRE(first->next.has_value());
  BOOST_TEST(session->integer_of("SELECT COUNT(*) FROM balances").value() == 16);
  BOOST_TEST(rebuild_all(50'000).things == 40);
  BOOST_TEST((rows() == before));
}

BOOST_FIXTURE_TEST_CASE(an_event_that_is_not_known_is_an_error_in_words, accounts_fixture) {
  const uuid id = open("ada");
  BOOST_REQUIRE(move(id, 1));

  const auto loaded = aggregate<older_life>::load(*session, id);

  BOOST_REQUIRE(!loaded.has_value());
  BOOST_TEST((loaded.error().code == errc::internal));
  BOOST_TEST(loaded.error().message.find("event 2 (`moved`)") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
