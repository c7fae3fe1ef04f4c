#include "tests/actor/saga_owner.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using namespace std::chrono_literals;
using saga::definition;
using saga::step;
using saga::step_kind;
using saga::together;
using saga::test::make_step;

/// What a person says to a saga that waits.
struct verdict {
  uuid saga;
  bool yes = false;
};

TROUPE_MESSAGE(verdict, saga, yes)

step taken(const std::string& name) {
  return make_step(name, step_kind::compensatable, "un" + name);
}

step kept(const std::string& name) {
  return make_step(name, step_kind::retriable);
}

step if_so(step made, bool is_so) {
  made.when = [is_so](const saga::facts&) -> outcome<bool> { return is_so; };
  return made;
}

step approval() {
  return saga::waits<verdict>("approval", "approve", 30s, [](const verdict& said) {
    return said.yes ? saga::heard{said.saga} : saga::heard{said.saga, rejected("declined", "no")};
  });
}

struct rich_saga {
  std::string name;
  definition of;
};

rich_saga made_of(std::string name, std::vector<step> steps) {
  return {
      std::move(name),
      {.operation = "place",
       .deadline = 5min,
       .steps = std::move(steps),
       .answer = saga::test::body_for("answer")}};
}

std::vector<rich_saga> every_kind() {
  return {
      made_of(
          "parallel",
          {taken("a"),
           together(taken("b")),
           make_step("c", step_kind::pivot),
           kept("d"),
           together(kept("e"))}),
      made_of("wait", {taken("a"), approval(), taken("b")}),
      made_of("timer", {taken("a"), saga::lets_pass("cooling", 10s), taken("b")}),
      made_of(
          "condition", {taken("a"), if_so(taken("b"), true), if_so(taken("c"), false), taken("d")}),
      made_of(
          "all of it",
          {taken("a"),
           together(if_so(taken("b"), true)),
           together(if_so(taken("c"), false)),
           approval(),
           saga::lets_pass("cooling", 10s),
           taken("d"),
           make_step("e", step_kind::pivot),
           kept("f")})};
}

/// One saga, what it calls, and whoever owns it.
class life {
public:
  life(const definition& of, manual_clock& time, std::string refused, bool yes)
      : of_{of}, time_{time}, yes_{yes} {
    with_.refuses = std::move(refused);
    now_ = std::make_unique<owner>(path_, time_, of_);
    now_->start(id_);
  }

  /// Lets the next thing happen: an answer, a word, the end of a time.
  /// @param hears false: whoever owns the saga dies before it has noted the answer.
  /// @return false if there is nothing left.
  bool go_on(bool hears = true) {
    if (is_over()) {
      return false;
    }
    if (!now_->calls.empty()) {
      answer_first(hears);
    } else if (!has_spoken_ && is_waiting()) {
      has_spoken_ = true;
      BOOST_TEST(now_->say("approval", wire::encoded(verdict{id_, yes_})).has_value());
    } else {
      fire_next();
    }
    return true;
  }

  void die() {
    const std::int64_t dead = now_->writer;
    now_.reset();
    now_ = std::make_unique<owner>(path_, time_, of_);
    now_->take_over(dead);
  }

  /// Goes on to the end; how it ended, and what stands then. (What was on its way is undone before
  /// it was done, or behind that: it leaves nothing.)
  std::string end() {
    for (int i = 0; i < 100 && go_on(); ++i) {
    }
    const std::set<std::string> done{with_.done.begin(), with_.done.end()};
    BOOST_TEST(done.size() == with_.done.size()); // None twice.
    std::string text = fmt::format("phase {}:", now_->number("SELECT phase FROM sagas"));
    for (const std::string& each : done) {
      const bool is_undo = each.compare(0, 2, "un") == 0;
      text += is_undo || done.contains("un" + each) ? "" : ' ' + each;
    }
    return text;
  }

private:
  bool is_over() { return now_->number("SELECT phase FROM sagas") >= 2; }

  /// Whether the step that waits has begun, and was not answered.
  bool is_waiting() {
    for (std::size_t i = 0; i < of_.steps.size(); ++i) {
      if (of_.steps[i].act == saga::step_act::wait) {
        return now_->number(
                   fmt::format("SELECT COUNT(*) FROM saga_journal WHERE step = {} AND kind = 2", i))
               > 0;
      }
    }
    return false;
  }

  void answer_first(bool hears) {
    const saga::outgoing::call call = now_->calls.front();
    now_->calls.pop_front();
    const auto reply = with_.ask(call);
    if (!hears) {
      return;
    }
    std::string bytes;
    if (reply) {
      bytes = *reply;
    } else {
      wire::append_error(bytes, reply.error());
    }
    BOOST_TEST(now_->turn([&](saga::outgoing& out) {
      now_->sagas.answered(now_->in(out), call.saga, call.token, !reply, bytes);
    }));
  }

  /// The next timer of a step: that of the deadline is not waited for.
  void fire_next() {
    const auto timers = std::exchange(now_->timers, {});
    for (const saga::outgoing::timer& each : timers) {
      if (each.slot != saga::steps_max) {
        time_.advance(each.delay);
        BOOST_TEST(now_->fire(each));
      }
    }
  }

  temporary_folder folder_;
  const std::string path_ = folder_.path + "/sagas.db";
  const definition& of_;
  manual_clock& time_;
  const bool yes_;
  const uuid id_ = saga::test::some_saga();
  participants with_;
  std::unique_ptr<owner> now_;
  bool has_spoken_ = false;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_saga_rich_sagas, *utf::label("integration") * utf::timeout(240))

// On disk, what the machine's own tests do in memory: whoever owns the saga dies behind each turn,
// and before each in which an answer would be noted.
BOOST_AUTO_TEST_CASE(a_death_at_any_boundary_of_any_kind_of_saga_changes_neither_end_nor_effects) {
  for (const rich_saga& each : every_kind()) {
    std::vector<std::string> refusals{""};
    for (const step& one : each.of.steps) {
      if (one.act == saga::step_act::call && one.kind != step_kind::retriable) {
        refusals.push_back(one.operation);
      }
    }
    refusals.emplace_back("approval"); // By a person.
    for (const std::string& refused : refusals) {
      manual_clock time;
      const bool yes = refused != "approval";
      const std::string expected = life{each.of, time, refused, yes}.end();
      for (int at = 0; at < 40; ++at) {
        bool is_at_end = false;
        for (const bool hears : {true, false}) {
          life one{each.of, time, refused, yes};
          for (int i = 0; i < at; ++i) {
            is_at_end = !one.go_on();
          }
          if (!hears) {
            (void)one.go_on(false);
          }
          one.die();

          BOOST_TEST_INFO(
              each.name << ", " << refused << " refused, death after turn " << at
                        << (hears ? "" : ", before the next one was noted"));
          BOOST_TEST(one.end() == expected);
        }
        if (is_at_end) {
          break;
        }
      }
    }
  }
}

BOOST_FIXTURE_TEST_CASE(sagas_are_listed_page_by_page_with_their_deadlines, coordinators_fixture) {
  owner first{path, time};
  std::vector<uuid> ids;
  uuid_source source{7};
  for (int i = 0; i < 3; ++i) {
    ids.push_back(source.next(time.wall()));
    first.start(ids.back());
    time.advance(1s);
  }
  const wall_time begun = time.wall() - 3s;
  BOOST_TEST(first.work(others));
  saga::journal_table journal{*first.session};

  const auto page = journal.page(uuid{}, 2);
  const auto rest = journal.page(ids[1], 2);

  BOOST_REQUIRE(page.size() == 2U);
  BOOST_REQUIRE(rest.size() == 1U);
  BOOST_TEST((page[0].id == ids[0] && page[1].id == ids[1] && rest[0].id == ids[2]));
  BOOST_TEST(page[1].operation == "place");
  BOOST_TEST((page[1].now == saga::phase::completed));
  BOOST_TEST((page[1].due == begun + 1s + 5s)); // As it was asked for.
  BOOST_TEST(journal.page(ids[2], 2).empty());
}

BOOST_FIXTURE_TEST_CASE(each_epoch_of_a_saga_has_its_node, coordinators_fixture) {
  auto first = std::make_unique<owner>(path, time);
  first->start(id);
  const std::int64_t dead = first->writer;
  BOOST_TEST(first->number("SELECT COUNT(*) FROM saga_owners") == 0); // Costs nothing so far.
  first.reset();
  owner heir{path, time};
  heir.session->execute("UPDATE writers SET node = 'm' WHERE id = $1", heir.writer);
  heir.take_over(dead);

  const std::map<std::int64_t, std::string> expected{{1, "n"}, {2, "m"}};
  BOOST_TEST((saga::journal_table{*heir.session}.nodes_by_epoch(id) == expected));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
