#include "runtime/actor/actor.hpp"

#include "runtime/wire/events.hpp"

namespace troupe {

namespace {

// An actor has a handful of operations: walking them beats hashing.
template <class Entries>
auto find_in(const Entries& entries, std::string_view name) {
  for (const auto& [known, handler] : entries) {
    if (known == name) {
      return &handler;
    }
  }
  return static_cast<decltype(&entries.front().second)>(nullptr);
}

} // namespace

const handlers::operation* actor::find(std::string_view name) const {
  return find_in(operations_, name);
}

const handlers::effect* actor::find_effect(std::string_view name) const {
  return find_in(effects_, name);
}

const handlers::event* actor::find_event(std::string_view topic) const {
  for (const auto& [pattern, handler] : events_) {
    if (wire::matches(pattern, topic)) {
      return &handler;
    }
  }
  return nullptr;
}

std::vector<std::string> actor::events() const {
  std::vector<std::string> patterns;
  for (const auto& [pattern, handler] : events_) {
    patterns.push_back(pattern);
  }
  return patterns;
}

std::vector<std::string> actor::operations() const {
  std::vector<std::string> names;
  for (const auto& [name, handler] : operations_) {
    names.push_back(name);
  }
  return names;
}

} // namespace troupe
