#include "runtime/testing/saga_trial.hpp"

#include "runtime/saga/replay.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace troupe::testing {

namespace {

constexpr int asked_max = 10'000;
constexpr wall_time begun{std::chrono::hours{24 * 365 * 55}};
constexpr auto empty_map = "\x80";

saga::plan plan_of(saga::definition of) {
  auto made = saga::plan::make(std::move(of));
  if (!made) {
    std::string all;
    for (const fault& each : made.error()) {
      all += (all.empty() ? "" : "; ") + each.what;
    }
    throw std::invalid_argument{"the saga has faults: " + all};
  }
  return std::move(*made);
}

} // namespace

saga_trial::saga_trial(saga::definition of)
    : plan_{plan_of(std::move(of))}, state_{plan_, uuid_source{42}.next(begun)} {
}

saga_trial& saga_trial::on_bytes(std::string call, participant answers) {
  participants_.insert_or_assign(std::move(call), std::move(answers));
  return *this;
}

saga_trial& saga_trial::plan(std::string call, planned what, int times) {
  std::deque<planned>& of = planned_[std::move(call)];
  of.insert(of.end(), static_cast<std::size_t>(times), what);
  return *this;
}

saga_trial& saga_trial::refuse(std::string call, std::string reason) {
  return plan(std::move(call), {mishap::refusal, errc::rejected, std::move(reason)});
}

saga_trial& saga_trial::lose_answer(std::string call, int times) {
  return plan(std::move(call), {.what = mishap::lost_answer}, times);
}

saga_trial& saga_trial::fail(std::string call, errc code, int times) {
  return plan(std::move(call), {.what = mishap::failure, .code = code}, times);
}

saga_trial& saga_trial::take_over_at(std::string call) {
  return plan(std::move(call), {.what = mishap::takeover});
}

saga_trial& saga_trial::time_up_at(std::string call) {
  return plan(std::move(call), {.what = mishap::time_up});
}

int saga_trial::asked(const std::string& call) const {
  const auto found = asked_.find(call);
  return found == asked_.end() ? 0 : found->second;
}

outcome<std::string> saga_trial::run(std::string input) {
  give(saga::started{.input = std::move(input), .now = begun});
  for (int turns = 0; !end_ && turns < asked_max; ++turns) {
    if (call_) {
      send(*std::exchange(call_, std::nullopt));
    } else if (timer_) {
      give(saga::timer_due{std::exchange(timer_, std::nullopt)->token});
    } else {
      break;
    }
  }
  return end_.value_or(
      failure{error{.code = errc::deadline_exceeded, .message = "the saga did not end"}});
}

/// Gives the saga an event, keeps its records, and notes what it wants.
void saga_trial::give(saga::event what) {
  std::vector<saga::action> actions;
  saga::decide(plan_, state_, std::move(what), actions);
  for (const saga::action& each : actions) {
    if (const auto* written = std::get_if<saga::journal>(&each)) {
      rows_.push_back({written->row, std::string{written->row.data}});
    } else if (const auto* wanted = std::get_if<saga::call>(&each)) {
      call_ = *wanted;
      timer_.reset();
    } else if (const auto* wait = std::get_if<saga::timer>(&each)) {
      timer_ = *wait;
    } else if (const auto* over = std::get_if<saga::finish>(&each)) {
      end_ = over->answer;
    } else if (const auto* stuck = std::get_if<saga::park>(&each)) {
      end_ = failure{stuck->reason};
    }
  }
}

void saga_trial::send(const saga::call& wanted) {
  const std::string name =
      plan_.at(wanted.as.step).capability + "." + saga::operation_of(plan_, wanted);
  ++asked_[name];
  auto body = saga::body_of(plan_, state_, wanted);
  if (!body) {
    return give(saga::failed{wanted.as, std::move(body).error()});
  }
  std::deque<planned>& ahead = planned_[name];
  if (ahead.empty()) {
    return answer(wanted, carry_out(wanted, name, std::move(*body)));
  }
  const planned next = std::move(ahead.front());
  ahead.pop_front();
  switch (next.what) {
  case mishap::refusal: {
    const auto refused = inbox_.try_emplace(
        wanted.id, failure{rejected(next.reason, fmt::format("`{}` was refused", name))});
    return answer(wanted, refused.first->second);
  }
  case mishap::failure:
    return answer(
        wanted, failure{error{.code = next.code, .message = fmt::format("`{}` failed", name)}});
  case mishap::lost_answer:
    (void)carry_out(wanted, name, std::move(*body));
    return answer(
        wanted,
        failure{error{
            .code = errc::deadline_exceeded,
            .possible = effect::unknown,
            .message = fmt::format("the answer of `{}` was lost", name)}});
  case mishap::takeover:
    (void)carry_out(wanted, name, std::move(*body));
    return take_over();
  case mishap::time_up: {
    auto late = carry_out(wanted, name, std::move(*body));
    give(saga::deadline_reached{});
    return answer(wanted, std::move(late));
  }
  }
}

void saga_trial::answer(const saga::call& to, outcome<std::string> said) {
  if (said) {
    give(saga::answered{to.as, std::move(*said)});
  } else {
    give(saga::failed{to.as, std::move(said).error()});
  }
}

/// Another owner reads the journal and goes on.
void saga_trial::take_over() {
  std::vector<saga::record> rows;
  for (const kept& each : rows_) {
    rows.push_back(each.row);
    rows.back().data = each.data;
  }
  auto replayed = saga::replay(plan_, state_.saga, rows);
  if (!replayed) {
    throw std::logic_error{"the journal cannot be replayed: " + replayed.error().message};
  }
  state_ = std::move(*replayed);
  call_.reset();
  timer_.reset();
  give(saga::taken_over{begun});
}

/// A participant's turn: its inbox, its tombstones, its work.
outcome<std::string>
saga_trial::carry_out(const saga::call& wanted, const std::string& name, std::string body) {
  if (const auto known = inbox_.find(wanted.id); known != inbox_.end()) {
    return known->second;
  }
  outcome<std::string> said{empty_map};
  const bool has_nothing_to_undo = wanted.as.undo && !in_place_.contains(wanted.undoes);
  if (!wanted.as.undo && tombstones_.contains(wanted.id)) {
    said = failure{rejected("undone", "its undo came first")};
  } else if (const auto found = participants_.find(name);
             !has_nothing_to_undo && found != participants_.end()) {
    said = found->second(body);
  }
  if (said && !has_nothing_to_undo) {
    carried_out_.push_back(name);
  }
  if (said && wanted.as.undo) {
    tombstones_.insert(wanted.undoes);
    in_place_.erase(wanted.undoes);
  } else if (said) {
    in_place_.insert(wanted.id);
  }
  inbox_.emplace(wanted.id, said);
  return said;
}

} // namespace troupe::testing
