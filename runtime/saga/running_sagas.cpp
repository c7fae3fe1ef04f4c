#include "runtime/saga/running_sagas.hpp"

#include "runtime/saga/order.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::saga {

bool coordinator::needs_person(wall_time now) const {
  // A step that can be undone is given up after its tries; a pivot that may have happened is
  // retried until the saga's deadline, which may be weeks away.
  const bool is_asked_on =
      current.now == phase::undoing || by->at(current.current).kind != step_kind::compensatable;
  return is_asked_on && !failure.empty() && now - since >= by->what().person_after;
}

std::string coordinator::need() const {
  const auto effects = standing_effects(*by, current);
  return fmt::format(
      "`{}` fails since {}: {}; effects that stand: {}",
      step_in_hand(*by, current),
      utc_time_text(since),
      failure,
      effects.empty() ? "none" : fmt::to_string(fmt::join(effects, ", ")));
}

coordinator& running_sagas::add(const uuid& id, const plan& by) {
  auto made = std::make_unique<coordinator>(by, id);
  coordinator& added = *made;
  all_.insert_or_assign(id, std::move(made));
  return added;
}

coordinator* running_sagas::find(const uuid& id) {
  const auto found = all_.find(id);
  return found == all_.end() ? nullptr : found->second.get();
}

const coordinator* running_sagas::find(const uuid& id) const {
  const auto found = all_.find(id);
  return found == all_.end() ? nullptr : found->second.get();
}

std::size_t running_sagas::waiting() const {
  std::size_t count = 0;
  for (const auto& [operation, its] : lanes_) {
    count += its.waiting();
  }
  return count;
}

std::string running_sagas::full() const {
  for (const auto& [operation, its] : lanes_) {
    if (its.is_full()) {
      return operation;
    }
  }
  return {};
}

std::vector<coordinator*> running_sagas::next() {
  std::vector<coordinator*> found;
  for (auto& [operation, its] : lanes_) {
    if (const auto saga = its.next()) {
      found.push_back(find(*saga));
    }
  }
  return found;
}

void running_sagas::touch(coordinator& which) {
  if (!which.touched) {
    which.touched = true;
    touched_.push_back(which.current.saga);
  }
}

void running_sagas::moved(const coordinator& which) {
  lane& its = lane_of(*which.by);
  const state& current = which.current;
  if (current.is_over() || current.now == phase::parked) {
    its.leave(current.saga);
  } else if (is_queued(current)) {
    its.wait(current.saga, which.line);
  } else {
    its.run(current.saga);
  }
}

void running_sagas::drop(const uuid& id) {
  if (const coordinator* const which = find(id)) {
    lane_of(*which->by).leave(id);
    all_.erase(id);
    dropped_.push_back(id);
  }
  std::erase(touched_, id);
}

std::vector<uuid> running_sagas::committed() {
  std::vector<uuid> wrote;
  for (const uuid& id : std::exchange(touched_, {})) {
    coordinator* const which = find(id);
    if (which == nullptr) {
      continue;
    }
    which->touched = false;
    if (std::exchange(which->moved, false)) {
      wrote.push_back(id);
    }
    if (which->current.is_over() || which->current.now == phase::parked) {
      drop(id);
    }
  }
  return wrote;
}

std::vector<std::pair<uuid, std::string>> running_sagas::rolled_back() {
  std::vector<std::pair<uuid, std::string>> gone;
  for (const uuid& id : std::exchange(touched_, {})) {
    const coordinator* const which = find(id);
    gone.emplace_back(id, which == nullptr ? std::string{} : which->trace);
    drop(id);
  }
  return gone;
}

void running_sagas::clear() {
  all_.clear();
  touched_.clear();
  dropped_.clear();
  lanes_.clear();
}

std::vector<uuid> running_sagas::ids() const {
  std::vector<uuid> found;
  found.reserve(all_.size());
  for (const auto& [id, which] : all_) {
    found.push_back(id);
  }
  return found;
}

std::string running_sagas::need_of(const uuid& id, wall_time now) const {
  const coordinator* const which = find(id);
  return which != nullptr && which->needs_person(now) ? which->need() : "";
}

standing running_sagas::standing_now(wall_time now) const {
  standing found;
  for (const auto& [id, each] : all_) {
    ++(each->current.now == phase::undoing ? found.undoing
       : is_queued(each->current)          ? found.queued
                                           : found.forward);
    found.earlier_steps += each->by->is_pinned() ? 1U : 0U;
    if (each->needs_person(now)) {
      found.need = found.need_person++ == 0
                       ? fmt::format("saga {}: {}", to_string(id), each->need())
                       : std::move(found.need);
    }
    found.oldest = std::min(found.oldest, id.born());
  }
  found.full = full();
  return found;
}

/// The lane of a plan, as wide as this program's definition has it.
lane& running_sagas::lane_of(const plan& by) {
  const std::string& operation = by.what().operation;
  const auto found = lanes_.find(operation);
  return found != lanes_.end()
             ? found->second
             : lanes_.emplace(operation, lane{by.what().at_once, by.what().queue}).first->second;
}

} // namespace troupe::saga
