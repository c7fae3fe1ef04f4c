#include "runtime/reconciler/reconciliation_actor.hpp"

#include "runtime/actor/turn_requests.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/turn/retention.hpp"
#include "tests/reconcile/books.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::reconcile::test {

namespace {

constexpr std::string_view rule = R"(
invariants:
  each_has_one:
    left: {capability: orders, query: list, rows: rows, key: order}
    right: {capability: stock, query: list, rows: rows, key: order}
)";

struct folder_fixture {
  folder_fixture() {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-cases-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    std::ofstream{folder + "/rules.yaml"} << rule;
  }

  folder_fixture(const folder_fixture&) = delete;
  folder_fixture& operator=(const folder_fixture&) = delete;

  ~folder_fixture() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::string folder;
};

/// One replica over a database of its own, with the runtime's part of the work done by hand.
struct capability_fixture : folder_fixture {
  capability_fixture() {
    for (std::int64_t i = 1; i <= 5; ++i) {
      shop.tables["orders"].push_back({i, "confirmed", "EUR", 0, 0, 1});
      shop.tables["stock"].push_back({i, "held", "EUR", 0, 0, 1});
    }
    settings.is = config_tree::kind::map;
    set("invariants", "rules.yaml");
    set("pause", "0s");
    auto opened = store::open_sqlite(folder + "/cases.db", {.capability = "c", .durable = false});
    BOOST_REQUIRE(opened.has_value());
    database = std::move(*opened);
    BOOST_REQUIRE(migrate(*database, time, type));
  }

  void set(std::string key, std::string text) {
    settings.entries.push_back(
        {std::move(key), {}, {.is = config_tree::kind::scalar, .text = std::move(text)}});
  }

  void start() {
    const ask_capability ask = [this](const capability_call& call) -> outcome<std::string> {
      if (call.operation == "mend") {
        mended.emplace_back(call.body);
        return std::string{"\x80"};
      }
      source from;
      from.capability = call.capability;
      const auto wanted = wire::checked_decode<page>(call.body);
      return shop.fetch()(from, wanted->after ? key_of(*wanted->after) : std::string{});
    };
    made = type.make({name, 0, name, folder, settings, time, log, false, ask});
  }

  template <class Work>
  void in_turn(Work work) {
    requests = {};
    store::transaction writing{*database};
    turn turn{*made, database.get(), 1, ids.next(time.wall()), {}, time.wall(), requests};
    work(turn);
    writing.commit();
    for (const store::outbox_row& each : requests.events) {
      const auto event = wire::checked_decode<inconsistency>(each.body);
      BOOST_REQUIRE(event.has_value());
      told.push_back(each.topic + " " + each.key + " " + std::to_string(event->times));
    }
  }

  /// What happens within the time of two looks.
  void pass(milliseconds of = milliseconds{300'000}) {
    time.advance(of);
    for (int i = 0; i < 4; ++i) {
      in_turn([&](turn& turn) { made->regular_work()(turn); });
      const auto effects = std::move(requests.effects);
      for (const store::effect_row& each : effects) {
        const bool is_held_look = each.name == "look" && !holds_looks_of.empty()
                                  && each.request.find(holds_looks_of) != std::string::npos;
        if ((holds_corrections && each.name == "correct") || is_held_look) {
          held.push_back(each);
        } else {
          carry_out(each);
        }
      }
      time.advance(milliseconds{2'000});
    }
  }

  /// Runs an effect and settles it.
  void carry_out(const store::effect_row& each) {
    const handlers::effect& how = *made->find_effect(each.name);
    const auto result = how.run(each.request, {each.key, 1});
    in_turn([&](turn& turn) {
      std::string reply;
      outcome<std::string_view> seen = failure{error{}};
      if (result) {
        seen = std::string_view{*result};
      }
      BOOST_REQUIRE(how.settle(each.request, seen, turn, reply));
      store::effects{*database}.remove(each.key);
    });
  }

  void correct_by(std::string saga) {
    config_tree correct{.is = config_tree::kind::map};
    correct.entries.push_back(
        {"each_has_one", {}, {.is = config_tree::kind::scalar, .text = std::move(saga)}});
    settings.entries.push_back({"correct", {}, correct});
  }

  void run_now_by_person() {
    in_turn([&](turn& turn) {
      std::string reply;
      const auto& how = std::get<handlers::command>(*made->find("run").how);
      BOOST_REQUIRE(how.run(wire::encoded(run_now{}), turn, reply));
    });
  }

  template <class Reply, class Request>
  Reply ask_for(std::string_view operation, const Request& request) {
    std::string reply;
    const auto& how = std::get<handlers::query>(*made->find(operation).how);
    BOOST_REQUIRE(how.run(wire::encoded(request), database.get(), reply));
    return *wire::checked_decode<Reply>(reply);
  }

  void lose(std::int64_t order) {
    std::erase_if(shop.tables["stock"], [&](const entry& each) { return each.order == order; });
  }

  const actor_type type = reconciliation_type();
  const std::string name = "reconciliation";
  books shop;
  manual_clock time;
  observe::event_log log{time, name, observe::log_format::text};
  config_tree settings;
  uuid_source ids{1};
  turn_requests requests;
  std::unique_ptr<store::database> database;
  std::unique_ptr<actor> made;
  std::vector<std::string> told;
  std::vector<std::string> mended;
  /// Corrections that are asked for, while they are to be held up.
  bool holds_corrections = false;
  /// The invariant whose looks do not end.
  std::string holds_looks_of;
  std::vector<store::effect_row> held;
};

using lines = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    reconciliation_capability, capability_fixture, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(a_case_is_told_when_it_is_written_down_and_when_it_heals) {
  start();
  pass(milliseconds{0}); // The first look comes as long after the start as one after another.
  pass();
  BOOST_TEST(told.empty());
  BOOST_TEST((ask_for<pass_list>("passes", list_passes{}).passes.at(0).compared_at > 0));

  lose(3);
  pass();
  pass();
  BOOST_TEST(told == (lines{"data.inconsistency.detected 3 1"}), boost::test_tools::per_element());
  const auto open = ask_for<case_list>("cases", list_cases{}).cases;
  BOOST_REQUIRE(open.size() == 1U);
  BOOST_TEST(open[0].key == "3");
  BOOST_TEST(open[0].type == "missing_right");

  shop.tables["stock"].push_back({3, "held", "EUR", 0, 0, 1});
  pass();
  lose(3);
  pass();
  const lines all{
      "data.inconsistency.detected 3 1",
      "data.inconsistency.resolved 3 1",
      "data.inconsistency.detected 3 2"};
  BOOST_TEST(told == all, boost::test_tools::per_element());
  BOOST_TEST((ask_for<case_list>("cases", list_cases{}).cases.at(0).case_id == open[0].case_id));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_compared_is_said) {
  start();
  shop.tables.erase("stock");
  pass(milliseconds{0});
  pass();

  BOOST_TEST(told.empty());
  const auto seen = ask_for<pass_list>("passes", list_passes{}).passes.at(0);
  BOOST_TEST(seen.not_compared == "not compared behind the beginning: nobody serves it");
  BOOST_TEST(seen.compared_at == 0);
}

BOOST_AUTO_TEST_CASE(a_person_need_not_wait) {
  start();
  lose(3);
  in_turn([&](turn& turn) {
    std::string reply;
    const auto& how = std::get<handlers::command>(*made->find("run").how);
    BOOST_REQUIRE(how.run(wire::encoded(run_now{}), turn, reply));
    BOOST_TEST(!how.run(wire::encoded(run_now{"nonesuch"}), turn, reply));
  });
  pass(milliseconds{0});

  BOOST_TEST(told.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_declared_saga_is_started_once_for_a_case) {
  correct_by("mender.mend");
  start();
  lose(3);
  pass(milliseconds{0});
  pass();
  pass();

  BOOST_REQUIRE(mended.size() == 1U);
  const auto wanted = wire::checked_decode<correct_inconsistency>(mended[0]);
  BOOST_REQUIRE(wanted.has_value());
  BOOST_TEST(wanted->key == "3");
  BOOST_TEST(ask_for<case_list>("cases", list_cases{}).cases.at(0).correction == "done");
}

// It healed by itself meanwhile, and broke again.
BOOST_AUTO_TEST_CASE(what_comes_of_an_earlier_correction_says_nothing_of_a_later_one) {
  correct_by("mender.mend");
  holds_corrections = true;
  start();
  lose(3);
  pass(milliseconds{0});
  pass();
  BOOST_REQUIRE(held.size() == 1U);
  shop.tables["stock"].push_back({3, "held", "EUR", 0, 0, 1});
  pass();
  lose(3);
  pass();
  BOOST_REQUIRE(held.size() == 2U);
  const auto said = [&] {
    return ask_for<case_list>("cases", list_cases{}).cases.at(0).correction;
  };

  carry_out(held[0]);

  BOOST_TEST(said() == "asked");
  carry_out(held[1]);
  BOOST_TEST(said() == "done");
}

// Its pass is under way, behind the keys that the new rule finds something about.
BOOST_AUTO_TEST_CASE(a_rule_that_changes_has_its_pass_begun_anew) {
  constexpr std::string_view one_sided = R"(
invariants:
  each_has_one:
    left: {capability: orders, query: list, rows: rows, key: order}
    right: {capability: stock, query: list, rows: rows, key: order}
    equal: [left.amount = right.amount]
)";
  shop.count = 1;
  shop.tables["orders"][0].amount = 5;
  start();
  pass(milliseconds{0});
  int pages = 0;
  std::vector<entry> away;
  shop.meanwhile = [&] {
    if (++pages == 7) {
      away = std::move(shop.tables["stock"]);
      shop.tables.erase("stock");
    }
  };
  pass();
  const auto stopped = ask_for<pass_list>("passes", list_passes{}).passes.at(0);
  BOOST_REQUIRE(stopped.not_compared.find("not compared behind") == 0U);
  BOOST_REQUIRE(stopped.not_compared.find("the beginning") == std::string::npos);
  shop.tables["stock"] = away;
  std::ofstream{folder + "/rules.yaml"} << one_sided;

  start();
  pass(milliseconds{10'000});

  BOOST_TEST(told == (lines{"data.inconsistency.detected 1 1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_is_in_a_hurry_does_not_shorten_the_time_that_a_finding_must_stand) {
  start();
  pass(milliseconds{0});
  time.advance(milliseconds{300'000});
  lose(3);
  const auto look_once = [&] {
    in_turn([&](turn& turn) { made->regular_work()(turn); });
    for (const store::effect_row& each : std::exchange(requests.effects, {})) {
      carry_out(each);
    }
  };
  look_once(); // It suspects something.

  run_now_by_person();
  look_once();
  BOOST_TEST(told.empty());
  shop.tables["stock"].push_back({3, "held", "EUR", 0, 0, 1});
  time.advance(milliseconds{2'000});
  look_once();

  BOOST_TEST(told.empty());
}

BOOST_AUTO_TEST_CASE(a_pass_that_ended_while_the_wall_clock_was_ahead_is_not_the_last) {
  constexpr std::chrono::hours ahead{24 * 365 * 14};
  start();
  pass(milliseconds{0});
  time.advance(ahead);
  pass();
  time.advance(-ahead);

  lose(3);
  pass();

  BOOST_TEST(told == (lines{"data.inconsistency.detected 3 1"}), boost::test_tools::per_element());
}

// Under the wall clock of one pass, all of them would go.
BOOST_AUTO_TEST_CASE(closed_cases_are_forgotten_by_the_settled_time) {
  constexpr std::chrono::hours day{24};
  const auto closed = [&] {
    return ask_for<case_list>("cases", list_cases{{}, true, {}, {}}).cases.size();
  };
  store::retention{*database}.open(time.wall(), 7 * day);
  start();
  lose(3);
  pass(milliseconds{0});
  pass();
  shop.tables["stock"].push_back({3, "held", "EUR", 0, 0, 1});
  time.advance(-100 * day); // It is closed under a clock that is behind.
  pass();
  time.advance(100 * day);
  BOOST_REQUIRE(closed() == 1U);

  pass();
  pass(91 * day);
  BOOST_TEST(closed() == 1U);

  store::retention{*database}.write({.time = time.wall()});
  pass();
  BOOST_TEST(closed() == 0U);
}

// Whatever kept one settlement from ending silenced all invariants, and nobody was told.
BOOST_AUTO_TEST_CASE(a_look_that_does_not_end_holds_up_its_invariant_alone_and_is_told) {
  std::ofstream{folder + "/rules.yaml"} << rule << R"(  held_up:
    left: {capability: orders, query: list, rows: rows, key: order}
    right: {capability: stock, query: list, rows: rows, key: order}
)";
  const auto pass_of = [&](const std::string& invariant) {
    for (listed_pass& each : ask_for<pass_list>("passes", list_passes{}).passes) {
      if (each.invariant == invariant) {
        return each;
      }
    }
    return listed_pass{};
  };
  holds_looks_of = "held_up";
  start();
  pass(milliseconds{0});
  pass();
  BOOST_REQUIRE(held.size() == 1U);
  BOOST_TEST(pass_of("held_up").not_compared.empty()); // It may be at work.

  lose(3);
  pass(std::chrono::minutes{11});

  BOOST_TEST(told == (lines{"data.inconsistency.detected 3 1"}), boost::test_tools::per_element());
  BOOST_TEST(held.size() == 1U);
  BOOST_TEST(pass_of("each_has_one").not_compared.empty());
  const std::string trouble = pass_of("held_up").not_compared;
  BOOST_TEST(trouble.find("has not ended") != std::string::npos);
  BOOST_TEST(trouble.find("`run` gives it up") != std::string::npos);

  holds_looks_of.clear();
  run_now_by_person();
  pass(milliseconds{0});
  BOOST_TEST(pass_of("held_up").not_compared.empty());
  BOOST_TEST(pass_of("held_up").open_cases == 1);
  carry_out(held[0]); // Late, and of the same keys: nothing is told twice.
  pass();
  BOOST_TEST(told.size() == 2U);
}

// Added to a time they are in the past, so that passes would follow each other without a pause.
BOOST_AUTO_TEST_CASE(durations_beyond_their_ranges_are_refused) {
  const auto problem = [](auto member, milliseconds value) {
    reconciliation_options given;
    given.invariants = "rules.yaml";
    given.*member = value;
    const auto found = problem_of(given);
    return found ? found->what + "; " + found->remedy : std::string{};
  };
  using options = reconciliation_options;

  BOOST_TEST(problem(&options::every, milliseconds{1'000}).empty());
  BOOST_TEST(
      problem(&options::every, milliseconds{999})
      == "config.every is 999ms; give a duration from 1s to 365d");
  BOOST_TEST(
      problem(&options::every, std::chrono::hours{24 * 366})
      == "config.every is 366d; give a duration from 1s to 365d");
  BOOST_TEST(
      problem(&options::recheck, milliseconds{0})
      == "config.recheck is 0ms; give a duration from 10ms to 1h");
  BOOST_TEST(
      problem(&options::pause, std::chrono::hours{1})
      == "config.pause is 1h; give a duration from 0ms to 10s");
  BOOST_TEST(
      problem(&options::settle, std::chrono::hours{24 * 31})
      == "config.settle is 31d; give a duration from 0ms to 30d");
}

BOOST_AUTO_TEST_CASE(a_file_with_faults_is_refused_with_the_place) {
  std::ofstream{folder + "/rules.yaml"} << "invariants:\n  one: {left: 5}\n";

  BOOST_CHECK_EXCEPTION(start(), std::invalid_argument, [](const std::exception& thrown) {
    return std::string_view{thrown.what()}.find("rules.yaml:2:") != std::string_view::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::reconcile::test
