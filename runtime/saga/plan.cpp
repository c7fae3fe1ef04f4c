#include "runtime/saga/plan.hpp"

#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>

namespace troupe::saga {

namespace {

std::uint64_t fingerprint_of(const definition& from) {
  std::string text = from.operation;
  for (const step& each : from.steps) {
    for (const std::string* word : {&each.name, &each.capability, &each.operation, &each.undo}) {
      text += '\0';
      text += *word;
    }
    text += static_cast<char>(each.kind);
  }
  return digest_of(std::as_bytes(std::span{text}));
}

} // namespace

tl::expected<plan, std::vector<fault>> plan::make(definition from, const tuning& tuned) {
  if (auto faults = apply(tuned, from); !faults.empty()) {
    return tl::unexpected{std::move(faults)};
  }
  plan made;
  made.fingerprint_ = fingerprint_of(from);
  made.what_ = std::move(from);
  return made;
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
