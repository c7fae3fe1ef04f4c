#include "runtime/testing/saga_trial.hpp"

#include "runtime/saga/replay.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace troupe::testing {

namespace {

constexpr wall_time begun{std::chrono::hours{24 * 365 * 55}};
constexpr int asked_max = 10'000;

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
    : plan_{plan_of(std::move(of))}, state_{plan_, uuid_source{42}.next(begun)}, now_{begun} {
}

saga_trial& saga_trial::on_bytes(std::string call, participant answers) {
  participants_.on(std::move(call), std::move(answers));
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

saga_trial& saga_trial::say_bytes(std::string step, std::string message) {
  said_.insert_or_assign(std::move(step), std::move(message));
  return *this;
}

saga_trial& saga_trial::take_over_during(std::string step) {
  dies_during_.insert(std::move(step));
  return *this;
}

milliseconds saga_trial::passed() const {
  return std::chrono::duration_cast<milliseconds>(now_ - begun);
}

int saga_trial::asked(const std::string& call) const {
  const auto found = asked_.find(call);
  return found == asked_.end() ? 0 : found->second;
}

outcome<std::string> saga_trial::run(std::string input) {
  if (const auto& accept = plan_.what().accept) {
    TROUPE_CHECK(accept(input));
  }
  give(saga::started{.input = std::move(input)});
  for (int turns = 0; !end_ && turns < asked_max; ++turns) {
    if (!wishes_.calls.empty()) {
      const saga::call next = wishes_.calls.front();
      wishes_.calls.pop_front();
      send(next);
    } else if (!wishes_.listens.empty()) {
      const saga::listen next = wishes_.listens.front();
      wishes_.listens.pop_front();
      hear(next);
    } else if (!let_time_pass()) {
      break;
    }
  }
  return end_.value_or(
      failure{error{.code = errc::deadline_exceeded, .message = "the saga did not end"}});
}

/// Advances the time to the next timer.
/// @return false if there is none.
bool saga_trial::let_time_pass() {
  const auto next = std::ranges::min_element(
      wishes_.due, [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
  if (next == wishes_.due.end()) {
    return false;
  }
  auto [at, what] = std::move(next->second);
  wishes_.due.erase(next);
  now_ = std::max(now_, at);
  give(std::move(what));
  return true;
}

/// Delivers a message to a waiting step, if the test provides one.
void saga_trial::hear(const saga::listen& waits) {
  const saga::step& step = plan_.at(waits.as.step);
  if (dies_during_.erase(step.name) != 0) {
    return take_over();
  }
  const auto said = said_.find(step.name);
  if (said == said_.end()) {
    return;
  }
  const auto heard = step.hears.read(said->second);
  if (!heard) {
    throw std::invalid_argument{"step `" + step.name + "` cannot read: " + heard.error().message};
  }
  if (heard->refusal) {
    give(saga::failed{waits.as, *heard->refusal});
  } else {
    give(saga::answered{waits.as, said->second});
  }
}

/// Gives the saga an event, stores its records, and collects the actions it wants.
void saga_trial::give(saga::event what) {
  std::vector<saga::action> actions;
  saga::decide(plan_, state_, std::move(what), {now_, now_}, actions);
  for (const saga::action& each : actions) {
    if (const auto* written = std::get_if<saga::journal>(&each)) {
      rows_.push_back({written->row, std::string{written->row.data}});
    } else if (const auto* wanted = std::get_if<saga::call>(&each)) {
      wishes_.calls.push_back(*wanted);
      wishes_.due.erase(wanted->as.step);
    } else if (const auto* waits = std::get_if<saga::listen>(&each)) {
      wishes_.listens.push_back(*waits);
    } else if (const auto* wait = std::get_if<saga::timer>(&each)) {
      wishes_.due.insert_or_assign(
          wait->step,
          std::pair{now_ + wait->delay, saga::event{saga::timer_due{wait->step, wait->token}}});
    } else if (const auto* watch = std::get_if<saga::watch_deadline>(&each)) {
      wishes_.due.insert_or_assign(
          plan_.step_count(),
          std::pair{now_ + watch->delay, saga::event{saga::deadline_reached{}}});
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
  const auto key = saga::key_of(plan_, state_, wanted);
  if (!body || !key) {
    return give(saga::failed{wanted.as, body ? key.error() : std::move(body).error()});
  }
  std::deque<planned>& ahead = planned_[name];
  if (ahead.empty()) {
    return answer(wanted, participants_.carry_out(wanted, name, *body));
  }
  const planned next = std::move(ahead.front());
  ahead.pop_front();
  switch (next.what) {
  case mishap::refusal:
    return answer(
        wanted,
        participants_.refuse(wanted, rejected(next.reason, fmt::format("`{}` was refused", name))));
  case mishap::failure:
    return answer(
        wanted, failure{error{.code = next.code, .message = fmt::format("`{}` failed", name)}});
  case mishap::lost_answer:
    (void)participants_.carry_out(wanted, name, *body);
    return answer(
        wanted,
        failure{error{
            .code = errc::deadline_exceeded,
            .possible = effect::unknown,
            .message = fmt::format("the answer of `{}` was lost", name)}});
  case mishap::takeover:
    (void)participants_.carry_out(wanted, name, *body);
    return take_over();
  case mishap::time_up: {
    auto late = participants_.carry_out(wanted, name, *body);
    now_ = std::max(now_, state_.deadline);
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

/// Replays the journal as another owner, and continues.
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
  wishes_.calls.clear();
  wishes_.listens.clear();
  wishes_.due.clear();
  give(saga::taken_over{});
}

} // namespace troupe::testing
