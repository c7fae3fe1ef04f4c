#include "runtime/supervision/supervised_child.hpp"

#include <algorithm>
#include <array>

namespace troupe::supervision {

namespace {

// A longer reason adds nothing, and sixteen are kept for each child.
constexpr std::size_t reason_bytes_max = 512;

} // namespace

std::string_view name_of(child_state state) {
  constexpr std::array<std::string_view, 6> names{
      "fresh", "starting", "running", "waiting", "stopping", "ended"};
  return names[static_cast<std::size_t>(state)];
}

bool supervised_child::has_process() const {
  return state == child_state::starting || state == child_state::running
         || state == child_state::stopping;
}

void supervised_child::enter(child_state next, std::optional<instant> until) {
  state = next;
  due = until;
}

const failure_record& supervised_child::keep_failure(
    instant now,
    std::string reason,
    const std::optional<uuid>& message,
    const std::optional<uuid>& trace) {
  reason.resize(std::min(reason.size(), reason_bytes_max));
  failures.push_back({now, generation, std::move(reason), message, trace});
  if (failures.size() > failures_kept) {
    failures.pop_front();
  }
  return failures.back();
}

void supervised_child::renew() {
  enter(child_state::fresh);
  failures_in_row = 0;
  quick_failures_in_row = 0;
}

} // namespace troupe::supervision
