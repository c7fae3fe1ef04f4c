#include "runtime/saga/collisions.hpp"

#include "runtime/wire/events.hpp"

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace troupe::saga {

namespace {

/// A name in calls or events from outside, and the part of a saga that it means.
struct heard_by {
  std::string_view word;
  /// "step `approval` of `book` waits for calls of it".
  std::string who;
};

std::vector<heard_by> operations_of(std::span<const definition> sagas) {
  std::vector<heard_by> all;
  for (const definition& of : sagas) {
    all.push_back({of.operation, fmt::format("a call of it starts the saga `{}`", of.operation)});
    if (!of.undo.empty()) {
      all.push_back({of.undo, fmt::format("a call of it undoes the saga `{}`", of.operation)});
    }
    for (const step& each : of.steps) {
      if (each.act == step_act::wait && !each.operation.empty()) {
        all.push_back(
            {each.operation,
             fmt::format("step `{}` of `{}` waits for it", each.name, of.operation)});
      }
    }
  }
  return all;
}

std::vector<heard_by> topics_of(std::span<const definition> sagas) {
  std::vector<heard_by> all;
  for (const definition& of : sagas) {
    for (const step& each : of.steps) {
      if (each.act == step_act::wait && !each.topic.empty()) {
        all.push_back(
            {each.topic, fmt::format("step `{}` of `{}` waits for it", each.name, of.operation)});
      }
    }
  }
  return all;
}

} // namespace

std::vector<fault> collisions_among(std::span<const definition> sagas) {
  std::vector<fault> faults;
  const auto operations = operations_of(sagas);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    for (std::size_t before = 0; before < i; ++before) {
      if (operations[i].word == operations[before].word && !operations[i].word.empty()) {
        faults.push_back(
            {.at = {},
             .what = fmt::format(
                 "the operation `{}` means two things: {}, and {}",
                 operations[i].word,
                 operations[before].who,
                 operations[i].who),
             .remedy =
                 "Give each an operation of its own: nothing in a call says which is meant."});
      }
    }
  }
  const auto topics = topics_of(sagas);
  for (std::size_t i = 0; i < topics.size(); ++i) {
    for (std::size_t before = 0; before < i; ++before) {
      const auto& [topic, who] = topics[i];
      const auto& [other, first] = topics[before];
      if (topic == other || wire::matches(topic, other) || wire::matches(other, topic)) {
        faults.push_back(
            {.at = {},
             .what = fmt::format(
                 "events of the topic `{}` are for two steps: {}, and {}{}",
                 topic,
                 first,
                 who,
                 topic == other ? std::string{} : fmt::format(" (`{}` covers both)", other)),
             .remedy = "Give each a topic of its own: nothing in an event says which is meant."});
      }
    }
  }
  return faults;
}

} // namespace troupe::saga
