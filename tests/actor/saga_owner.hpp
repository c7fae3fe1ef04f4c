#pragma once

#include "runtime/saga/coordinators.hpp"
#include "runtime/store/turn/tables.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/wire/envelope.hpp"
#include "tests/saga/driver.hpp"
#include "tests/store/engine.hpp"
#include "tests/worker/process_fixture.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <set>

namespace troupe::test {

/// The capabilities that a saga calls. They outlive the saga's owners, and have inboxes.
struct participants {
  std::map<uuid, std::string> inbox;
  std::map<uuid, std::string> requests;
  std::vector<std::string> done;
  std::string refuses;

  outcome<std::string> ask(const saga::outgoing::call& call) {
    if (call.operation == refuses) {
      return failure{rejected("no", "the participant refused")};
    }
    if (requests.try_emplace(call.id, call.body).first->second != call.body) {
      error other{.code = errc::conflict, .message = "this id was used for another request"};
      other.details.emplace_back("reason", "id_reused");
      return failure{std::move(other)};
    }
    if (inbox.emplace(call.id, call.operation + " done").second) {
      done.push_back(call.operation);
    }
    return inbox[call.id];
  }
};

/// A process that owns sagas. Its destructor is its death.
struct owner {
  owner(
      const std::string& path,
      const clock& clock,
      const saga::definition& of = saga::test::order_saga())
      : time{clock}, sagas{make_plans(of)} {
    auto opened = store::open_engine(path, "sagas");
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    session = std::move(*opened);
    BOOST_REQUIRE(store::migrate(*session, time, store::turn_components()));
    BOOST_REQUIRE(store::migrate(*session, time, saga::journal_components()));
    store::transaction joining{*session};
    writer = store::writers{*session}.add("n", uuid{}, time.wall());
    joining.commit();
  }

  static std::vector<saga::plan> make_plans(const saga::definition& of = saga::test::order_saga()) {
    std::vector<saga::plan> plans;
    plans.push_back(*saga::plan::make(of));
    return plans;
  }

  /// As when the actor's instance is made again.
  void make_anew(std::vector<saga::plan> plans) {
    std::destroy_at(&sagas);
    std::construct_at(&sagas, std::move(plans));
  }

  /// Runs one turn. False if this owner has been fenced; nothing was written then.
  template <class Work>
  bool turn(Work work) {
    session->begin();
    if (store::writers{*session}.is_fenced(writer)) {
      session->rollback();
      sagas.rolled_back();
      return false;
    }
    saga::outgoing out;
    out.settled = settled.value_or(time.wall());
    work(out);
    sagas.hear(in(out), false);
    sagas.admit(in(out));
    session->commit();
    sagas.committed(out);
    ++commits;
    calls.insert(calls.end(), out.calls.begin(), out.calls.end());
    answers.insert(answers.end(), out.answers.begin(), out.answers.end());
    parked.insert(parked.end(), out.parked_sagas.begin(), out.parked_sagas.end());
    timers.insert(timers.end(), out.timers.begin(), out.timers.end());
    stopped.insert(out.stopped.begin(), out.stopped.end());
    all_stopped += out.all_stopped ? 1 : 0;
    return true;
  }

  void await(const uuid& call, std::string_view operation = "place") {
    const std::array rows{store::inbox_row{
        .id = call, .operation = operation, .digest = 1, .reply = {}, .by = {.node = "n"}}};
    store::inbox{*session}.insert(rows);
  }

  bool start(const uuid& id, std::string_view key = {}) {
    const auto started = ask_for(id, key);
    BOOST_REQUIRE(started.has_value());
    return *started;
  }

  /// The turn at hand, as sagas see it.
  saga::saga_turn in(saga::outgoing& out) {
    return {*session, writer, time.wall(), time.now(), out};
  }

  /// Asks for a saga. @return whether a turn was made, or why it was not begun.
  outcome<bool> ask_for(const uuid& id, std::string_view key = {}, std::string_view trace = {}) {
    outcome<void> started;
    const bool made = turn([&](saga::outgoing& out) {
      const saga::plan& by = *sagas.plans().find("place");
      await(id);
      started = sagas.start(in(out), id, by, "input", 5s, trace, key);
      if (!started) {
        session->execute("DELETE FROM inbox WHERE id = $1", id);
      }
    });
    return started ? outcome<bool>{made} : failure{started.error()};
  }

  /// Says something to the step that waits.
  outcome<uuid> say(std::string_view step, std::string_view body) {
    outcome<uuid> told;
    BOOST_REQUIRE(turn([&](saga::outgoing&) {
      const saga::definition& of = sagas.plans().find("place")->what();
      for (const saga::step& each : of.steps) {
        if (each.name == step) {
          told = sagas.tell(*session, "place", each, body, time.wall());
        }
      }
    }));
    return told;
  }

  /// As a saga does of which `id` is a step. @return whether nothing is left to undo.
  bool undo(const uuid& id, const uuid& call) {
    bool is_undone = false;
    BOOST_REQUIRE(turn([&](saga::outgoing& out) {
      await(call, "unplace");
      is_undone = sagas.undo(in(out), *sagas.plans().find("place"), id, call).value();
    }));
    return is_undone;
  }

  /// As every second or so: hears what other processes were told.
  bool look() {
    return turn([&](saga::outgoing& out) { sagas.hear(in(out), true); });
  }

  bool fire(const saga::outgoing::timer& due) {
    return turn([&](saga::outgoing& out) { sagas.timer_due(in(out), due.saga, due.token); });
  }

  bool resume() {
    return turn([&](saga::outgoing& out) { sagas.resume(in(out)); });
  }

  /// Takes up what earlier heirs left alone.
  bool take_left_alone() {
    return turn([&](saga::outgoing& out) { sagas.take_left_alone(in(out)); });
  }

  outcome<void> resume_by_person(const uuid& id, bool anew = false) {
    outcome<void> done;
    BOOST_REQUIRE(turn([&](saga::outgoing& out) {
      const saga::order wanted{
          .what = saga::verb::resume, .who = "ann", .why = "mended", .vouched = anew};
      done = sagas.obey(in(out), id, wanted);
    }));
    return done;
  }

  outcome<void> obey(const uuid& id, saga::verb what, std::string step = {}, bool vouched = false) {
    outcome<void> done;
    const saga::order wanted{what, "ann", "as I said", std::move(step), vouched};
    BOOST_REQUIRE(turn([&](saga::outgoing& out) { done = sagas.obey(in(out), id, wanted); }));
    return done;
  }

  bool take_over(std::int64_t from) {
    return turn([&](saga::outgoing& out) {
      store::writers{*session}.fence(from);
      sagas.take_left_alone(in(out));
    });
  }

  /// Sends calls and takes answers until none are left, or for `commits_max` commits.
  /// @return false if it was cut short.
  bool work(participants& with, int commits_max = 1'000) {
    while (!calls.empty()) {
      if (commits >= commits_max) {
        return false;
      }
      const saga::outgoing::call call = calls.front();
      calls.pop_front();
      const auto reply = with.ask(call);
      std::string bytes;
      if (reply) {
        bytes = *reply;
      } else {
        wire::append_error(bytes, reply.error());
      }
      const bool heard = turn([&](saga::outgoing& out) {
        sagas.answered(in(out), call.saga, call.token, !reply, bytes);
      });
      if (!heard) {
        return false;
      }
    }
    return commits < commits_max;
  }

  std::int64_t number(std::string_view sql) { return session->integer_of(sql).value_or(-1); }

  const clock& time;
  /// The settled time, if it is not what the wall clock says.
  std::optional<wall_time> settled;
  std::unique_ptr<store::database> session;
  std::int64_t writer = 0;
  saga::coordinators sagas;
  std::deque<saga::outgoing::call> calls;
  std::vector<saga::outgoing::answer> answers;
  std::vector<saga::outgoing::parked> parked;
  std::vector<saga::outgoing::timer> timers;
  std::set<uuid> stopped;
  int all_stopped = 0;
  int commits = 0;
};

struct coordinators_fixture {
  temporary_folder folder;
  manual_clock time;
  participants others;
  const std::string path = folder.path + "/sagas.db";
  const uuid id = saga::test::some_saga();

  const std::vector<std::string> forward{"reserve", "credit", "charge", "confirm"};
  const std::vector<std::string> undone{"reserve", "credit", "uncredit", "release"};
};

} // namespace troupe::test
