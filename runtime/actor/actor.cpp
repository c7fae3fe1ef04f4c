#include "runtime/actor/actor.hpp"

#include "runtime/config.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>

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

/// The first of `names` that comes twice, or null.
template <class Entries, class Name>
const std::string* first_repeated(const Entries& all, Name name) {
  for (auto each = all.begin(); each != all.end(); ++each) {
    if (std::any_of(
            all.begin(), each, [&](const auto& known) { return known.*name == *each.*name; })) {
      return &(*each.*name);
    }
  }
  return nullptr;
}

} // namespace

std::optional<std::string> fault_in(const wire::actor_description& declared) {
  if (const auto* twice = first_repeated(declared.operations, &wire::operation_description::name)) {
    return fmt::format("it declares the operation `{}` twice", *twice);
  }
  for (const auto* topics : {&declared.handles, &declared.publishes}) {
    if (const auto* twice = first_repeated(*topics, &wire::topic_description::pattern)) {
      return fmt::format("it declares the topic `{}` twice", *twice);
    }
    for (const wire::topic_description& each : *topics) {
      if (!wire::is_pattern(each.pattern)) {
        return fmt::format(
            "`{}` is neither a topic (1 to 64 bytes of a-z 0-9 _ .) nor PREFIX.* nor *",
            each.pattern);
      }
    }
  }
  return std::nullopt;
}

actor::declared_operation actor::find(std::string_view name) const {
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    if (operations_[i].first == name) {
      return {&operations_[i].second, i};
    }
  }
  return {};
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

outcome<void> actor::may_publish(std::string_view topic, const wire::message_shape& event) const {
  const wire::message_shape* declared = nullptr;
  for (const auto& [pattern, as] : published_) {
    if (wire::matches(pattern, topic)) {
      if (as.type == &event) {
        return {};
      }
      declared = as.type;
    }
  }
  const std::string what =
      declared == nullptr
          ? fmt::format("its actor has not declared that it publishes `{}`", topic)
          : fmt::format(
              "its actor has declared events of type `{}` under `{}`", declared->name, topic);
  return failure{
      {.code = errc::internal,
       .message = fmt::format(
           "the handler publishes a `{0}` under `{1}`, and {2}; the turn's writes are undone. Add "
           "`publishes<{0}>(\"{1}\")` to the actor's constructor",
           event.name,
           topic,
           what),
       .details = {{"reason", "undeclared_topic"}}}};
}

outcome<void> actor::may_ask_for(std::string_view effect) const {
  if (find_effect(effect) != nullptr) {
    return {};
  }
  std::vector<std::string> known;
  for (const auto& [name, how] : effects_) {
    known.push_back(name);
  }
  return failure{
      {.code = errc::internal,
       .message = fmt::format(
           "the handler asks for the effect `{0}`, which its actor has not declared; the turn's "
           "writes are undone. Add `effect<Result>(\"{0}\", ...)` to the actor's constructor{1}",
           effect,
           did_you_mean(effect, known)),
       .details = {{"reason", "undeclared_effect"}}}};
}

outcome<wire::actor_description> actor::declarations() const {
  wire::actor_description made;
  wire::schema_book types;
  const auto name_of_type = [&](const wire::message_shape* type) -> std::optional<std::string> {
    return type == nullptr ? std::nullopt : std::optional{types.add(*type)};
  };
  const auto add_topics = [&](const auto& from, std::vector<wire::topic_description>& to) {
    for (const auto& [pattern, as] : from) {
      to.push_back({pattern, name_of_type(as.type)});
    }
  };
  for (const auto& [name, operation] : operations_) {
    const bool is_query = std::holds_alternative<handlers::query>(operation);
    const auto& of = std::visit(
        [](const auto& each) -> const handlers::operation_types& { return each.types; }, operation);
    made.operations.push_back(
        {name,
         is_query ? wire::operation_kind::query : wire::operation_kind::command,
         name_of_type(of.request),
         name_of_type(of.reply)});
  }
  add_topics(events_, made.handles);
  add_topics(published_, made.publishes);
  made.types = types.take();
  for (auto each = effects_.begin(); each != effects_.end(); ++each) {
    if (find_effect(each->first) != &each->second) {
      return failure{invalid(fmt::format("it declares the effect `{}` twice", each->first))};
    }
  }
  if (is_repeated_) {
    return failure{invalid("it declares `regularly` or `waits_for_people` twice; let one function "
                           "do all")};
  }
  if (auto wrong = fault_in(made)) {
    return failure{invalid(*std::move(wrong))};
  }
  return made;
}

} // namespace troupe
