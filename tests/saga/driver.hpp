#pragma once

#include "runtime/saga/machine.hpp"
#include "runtime/saga/replay.hpp"
#include "runtime/saga/transition.hpp"

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::saga::test {

using namespace std::chrono_literals;

struct place_order {
  std::string sku;
  std::int64_t quantity = 0;
};

TROUPE_MESSAGE(place_order, sku, quantity)

struct reserved {
  std::string reservation;
};

TROUPE_MESSAGE(reserved, reservation)

/// A body maker that says which step it is for, with the saga's input.
inline body_maker body_for(std::string name) {
  return [name = std::move(name)](const facts& known) -> outcome<std::string> {
    return name + " " + std::string{known.input};
  };
}

inline step make_step(std::string name, step_kind kind, std::string undo = {}) {
  step made{
      .name = name,
      .capability = "shop",
      .operation = name,
      .undo = std::move(undo),
      .kind = kind,
      .deadline = 500ms,
      .retries = 2,
      .request = body_for(name)};
  return made;
}

/// reserve, credit, then the pivot charge, then confirm.
inline definition order_saga(std::string pivot_undo = {}) {
  return {
      .operation = "place",
      .deadline = 5s,
      .steps = {
          make_step("reserve", step_kind::compensatable, "release"),
          make_step("credit", step_kind::compensatable, "uncredit"),
          make_step("charge", step_kind::pivot, std::move(pivot_undo)),
          make_step("confirm", step_kind::retriable)}};
}

inline uuid some_saga() {
  return uuid_source{42}.next(wall_time{std::chrono::hours{24 * 365 * 55}});
}

/// A record that owns its data.
struct kept_record {
  record row;
  std::string data;
};

/// Gives events to one saga, keeps its journal, and reads off what it does.
struct driver {
  explicit driver(definition from = order_saga())
      : by{*plan::make(std::move(from))}, current{by, some_saga()} {}

  /// Gives an event; its records go to `rows` at once.
  driver& give(event what) {
    decide(by, current, std::move(what), {now, settled.value_or(now)}, actions);
    for (const action& each : actions) {
      if (const auto* written = std::get_if<journal>(&each)) {
        rows.push_back({written->row, std::string{written->row.data}});
      }
    }
    if (const auto* latest = find<call>()) {
      last_call = *latest;
    }
    if (wrote()) {
      boundaries.push_back(rows.size());
    }
    return *this;
  }

  driver& start() { return give(started{.input = "in"}); }

  /// Answers the last call.
  driver& ok(std::string body = "ok") { return give(answered{called().as, std::move(body)}); }

  driver& fail(errc code, effect possible = effect::none) {
    return give(failed{called().as, {.code = code, .possible = possible, .message = "no"}});
  }

  driver& refuse() { return fail(errc::rejected); }

  driver& timer_fires() { return fire(the<timer>()); }

  driver& fire(const timer& due) { return give(timer_due{.step = due.step, .token = due.token}); }

  /// The calls of the last decision.
  std::vector<call> calls() const {
    std::vector<call> found;
    for (const action& each : actions) {
      if (const auto* one = std::get_if<call>(&each)) {
        found.push_back(*one);
      }
    }
    return found;
  }

  /// The operations that the last decision called, in order: "flight hotel car".
  std::string called_at_once() const {
    std::string text;
    for (const call& each : calls()) {
      text += (text.empty() ? "" : " ") + operation_of(by, each);
    }
    return text;
  }

  template <class Action>
  const Action* find() const {
    const Action* found = nullptr;
    for (const action& each : actions) {
      if (const auto* match = std::get_if<Action>(&each)) {
        found = match;
      }
    }
    return found;
  }

  template <class Action>
  const Action& the() const {
    return *find<Action>();
  }

  /// The last call that any decision made.
  const call& called() const { return last_call; }

  bool wrote() const { return find<journal>() != nullptr; }

  std::string operation() const { return operation_of(by, called()); }

  /// "started intent:0 done:0 intent:1": the whole journal.
  std::string story() const {
    std::string text;
    for (const kept_record& each : rows) {
      text += text.empty() ? "" : " ";
      text += name_of(each.row.kind);
      const record_kind kind = each.row.kind;
      if (kind == record_kind::intent || kind == record_kind::done || kind == record_kind::failed
          || kind == record_kind::undo_intent || kind == record_kind::undone
          || kind == record_kind::passed) {
        text += ":" + std::to_string(each.row.step);
      }
    }
    return text;
  }

  /// The first `count` records, borrowed from `rows`.
  std::vector<record> prefix(std::size_t count) const {
    std::vector<record> borrowed;
    for (std::size_t i = 0; i < count; ++i) {
      borrowed.push_back(rows[i].row);
      borrowed.back().data = rows[i].data;
    }
    return borrowed;
  }

  /// As another owner: forgets the state and replays the journal.
  driver& take_over(milliseconds after = 0ms) {
    current = *replay(by, current.saga, prefix(rows.size()));
    now += after;
    return give(taken_over{});
  }

  wall_time now{std::chrono::hours{24 * 365 * 55}};
  /// The settled time, if it is not what the wall clock says.
  std::optional<wall_time> settled;
  plan by;
  state current;
  std::vector<action> actions;
  std::deque<kept_record> rows;
  std::vector<std::size_t> boundaries;
  call last_call{};
};

} // namespace troupe::saga::test
