#include "runtime/saga/plan.hpp"

#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace troupe::saga {

plan::plan(definition from, std::uint64_t fingerprint)
    : what_{std::move(from)}, fingerprint_{fingerprint} {
  stages_.resize(what_.steps.size());
  for (std::uint32_t first = 0; first < step_count();) {
    std::uint32_t end = first + 1;
    while (end < step_count() && what_.steps[end].parallel) {
      ++end;
    }
    std::fill(stages_.begin() + first, stages_.begin() + end, stage{first, end});
    first = end;
  }
}

tl::expected<plan, std::vector<fault>> plan::make(definition from, const tuning& tuned) {
  if (auto faults = apply(tuned, from); !faults.empty()) {
    return tl::unexpected{std::move(faults)};
  }
  const std::uint64_t fingerprint = fingerprint_of(table_of(from));
  return plan{std::move(from), fingerprint};
}

plan plan::pinned(const step_table& table, const plan& now) {
  plan made{definition_of(table, now.what_), fingerprint_of(table)};
  made.is_pinned_ = true;
  return made;
}

bool plan::makes(std::uint32_t index, bool undo) const {
  const step& asked = what_.steps[index];
  if (asked.act != step_act::call) {
    return true;
  }
  // In an earlier definition an undo has its own function or none: `request` may belong to a call
  // that has another undo now.
  const bool own = undo && (asked.undo_request || is_pinned_);
  return static_cast<bool>(own ? asked.undo_request : asked.request);
}

std::vector<std::string> plan::gone() const {
  std::vector<std::string> found;
  for (std::uint32_t i = 0; i < step_count(); ++i) {
    const step& each = at(i);
    if (!makes(i, false) || (!each.undo.empty() && !makes(i, true))) {
      found.push_back(each.name);
    }
    if (lacks_condition(each)) {
      found.push_back("the condition of " + each.name);
    }
    if (each.act == step_act::wait && !each.hears.read) {
      found.push_back("the answer to " + each.name);
    }
  }
  return found;
}

uuid plan::command_id(const uuid& saga, std::uint32_t index, bool undo, std::uint32_t round) const {
  const std::string& name = what_.steps[index].name;
  // Names are bounded by validate(), so a buffer on the stack is large enough.
  std::array<char, wire::name_bytes_max + 24> label;
  const std::string_view verb = undo ? ":undo:" : ":do:";
  char* to = std::copy(name.begin(), name.end(), label.data());
  to = std::copy(verb.begin(), verb.end(), to);
  to = std::to_chars(to, label.data() + label.size(), round).ptr;
  return derived_id(saga, {label.data(), static_cast<std::size_t>(to - label.data())});
}

} // namespace troupe::saga
