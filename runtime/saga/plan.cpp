#include "runtime/saga/plan.hpp"

#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace troupe::saga {

tl::expected<plan, std::vector<fault>> plan::make(definition from, const tuning& tuned) {
  if (auto faults = apply(tuned, from); !faults.empty()) {
    return tl::unexpected{std::move(faults)};
  }
  plan made;
  made.fingerprint_ = fingerprint_of(table_of(from));
  made.what_ = std::move(from);
  return made;
}

plan plan::pinned(const step_table& table, const plan& now) {
  plan made;
  made.fingerprint_ = saga::fingerprint_of(table);
  made.what_ = definition_of(table, now.what_);
  made.is_pinned_ = true;
  return made;
}

bool plan::makes(std::uint32_t index, bool undo) const {
  const step& asked = what_.steps[index];
  // An earlier definition has its undo's function or none: `request` may be that of a call which
  // another undo follows now.
  const bool own = undo && (asked.undo_request || is_pinned_);
  return static_cast<bool>(own ? asked.undo_request : asked.request);
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
