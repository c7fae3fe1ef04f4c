#include "tests/supervision/group_bench.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace troupe::supervision {

namespace {

child_id id_of(char name) {
  return child_id{static_cast<std::uint32_t>(name - 'a' + 1)};
}

std::string letter(child_id child) {
  return std::string(1, static_cast<char>('a' + static_cast<int>(child) - 1));
}

template <class T>
std::string with_generation(const char* what, const T& action) {
  return what + (" " + letter(action.child)) + std::to_string(action.generation);
}

std::string text_of(const start_child& action) {
  return with_generation("start", action);
}

std::string text_of(const stop_child& action) {
  return with_generation("stop", action);
}

std::string text_of(const plan_restart&) {
  return {};
}

std::string text_of(const record_failure&) {
  return {};
}

std::string text_of(const group_up&) {
  return "up";
}

std::string text_of(const group_down&) {
  return "down";
}

} // namespace

std::vector<child_spec> children_named(std::string_view names) {
  std::vector<child_spec> children;
  for (const char name : names) {
    children.push_back({.id = id_of(name), .name = std::string(1, name)});
  }
  return children;
}

options at_once(strategy on_failure, int max_restarts, milliseconds within) {
  return {
      .on_failure = on_failure,
      .max_restarts = max_restarts,
      .within = within,
      .backoff_min = 0ms,
      .backoff_max = 0ms};
}

group_bench::group_bench(const options& of, std::vector<child_spec> children, std::uint64_t seed)
    : policy{{of, std::move(children)}, seed} {
}

void group_bench::up(char child) {
  tell(child_started{id_of(child), generation_of(child)});
}

void group_bench::fail_start(char child, std::string reason) {
  tell(child_start_failed{id_of(child), generation_of(child), std::move(reason)});
}

void group_bench::exit(char child, std::string reason, std::optional<uuid> message) {
  tell(child_exited{id_of(child), generation_of(child), std::move(reason), message});
}

void group_bench::stopped(char child) {
  tell(child_stopped{id_of(child), generation_of(child)});
}

void group_bench::pass(milliseconds by) {
  now += by;
  tell(time_passed{});
}

void group_bench::pass_to_due() {
  const auto due = policy.next_due();
  if (!due) {
    throw std::logic_error{"nothing is due"};
  }
  now = std::max(now, *due);
  tell(time_passed{});
}

void group_bench::tell(const group_event& event) {
  policy.handle(event, now, actions_);
  collect();
}

std::string group_bench::take() {
  unanswered_.clear();
  return std::exchange(asked_, {});
}

void group_bench::bring_up() {
  start();
  obey();
}

std::string group_bench::obey() {
  while (!unanswered_.empty()) {
    for (const auto& action : std::exchange(unanswered_, {})) {
      if (const auto* starts = std::get_if<start_child>(&action)) {
        tell(child_started{starts->child, starts->generation});
      } else if (const auto* stops = std::get_if<stop_child>(&action)) {
        tell(child_stopped{stops->child, stops->generation});
      }
    }
  }
  return take();
}

const supervised_child& group_bench::child(char name) const {
  return policy.children().at(static_cast<std::size_t>(name - 'a'));
}

std::vector<std::string> group_bench::failures_of(char name) const {
  std::vector<std::string> reasons;
  for (const auto& failed : child(name).failures) {
    reasons.push_back(failed.reason);
  }
  return reasons;
}

void group_bench::collect() {
  for (const auto& action : actions_) {
    const auto text = std::visit([](const auto& each) { return text_of(each); }, action);
    if (!text.empty()) {
      asked_ += (asked_.empty() ? "" : ", ") + text;
      unanswered_.push_back(action);
    }
    if (const auto* planned = std::get_if<plan_restart>(&action)) {
      plans.push_back(*planned);
    } else if (const auto* down = std::get_if<group_down>(&action)) {
      down_reason = down->reason;
      retry_at = down->retry_at;
    }
  }
  actions_.clear();
}

} // namespace troupe::supervision
