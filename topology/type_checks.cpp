#include "topology/type_checks.hpp"

#include "runtime/wire/compatibility.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace troupe::topology {

namespace {

constexpr const char* remedy = "give both sides the same fields, or make a field optional where it "
                               "is read";

/// The topics that both patterns match, as a pattern: if two patterns overlap, one contains the
/// other.
std::optional<std::string> common(const std::string& one, const std::string& other) {
  if (one == other || wire::matches(one, other)) {
    return other;
  }
  return wire::matches(other, one) ? std::optional{one} : std::nullopt;
}

/// The position of `pattern` in `subscribes`.
file_position position_of_pattern(const config_tree& section, const std::string& pattern) {
  const auto& items = section.find("subscribes")->items;
  const auto item = std::ranges::find(items, pattern, &config_tree::text);
  return item->at;
}

/// A subscriber, and a capability that publishes.
struct pair {
  const capability_plan& subscriber;
  const config_tree& section; // The subscriber's section.
  const actor_type& handling;
  const capability_plan& publisher;
  const actor_type& publishing;
};

/// Adds a fault for each handler that receives `published` through `pattern` and cannot read it.
void check_event(
    const pair& both,
    const std::string& pattern,
    const wire::topic_description& published,
    std::vector<fault>& found) {
  const auto heard = common(published.pattern, pattern);
  if (!heard || !published.event) {
    return;
  }
  for (const wire::topic_description& handler : both.handling.described.handles) {
    const auto handled = common(*heard, handler.pattern);
    if (!handled) {
      continue;
    }
    const auto wrong = handler.event ? wire::misfits(
                           both.publishing.described.types,
                           *published.event,
                           both.handling.described.types,
                           *handler.event)
                                     : std::vector<std::string>{};
    if (!wrong.empty()) {
      found.push_back(
          {position_of_pattern(both.section, pattern),
           fmt::format(
               "capability `{}` subscribes to `{}`, and its handler of `{}` reads `{}`; `{}` "
               "publishes `{}` as `{}`, which does not fit: {}",
               both.subscriber.name.value,
               pattern,
               handler.pattern,
               *handler.event,
               both.publisher.name.value,
               published.pattern,
               *published.event,
               fmt::join(wrong, ", ")),
           remedy});
    }
    if (*handled == *heard) {
      return; // The handler declared first gets the events.
    }
  }
}

} // namespace

void check_call_types(
    const std::string& capability,
    file_position at,
    const called_operation& call,
    const actor_type& calling,
    const wire::operation_description& served,
    const actor_type& serving,
    std::vector<fault>& found) {
  const auto tell = [&](const std::vector<std::string>& wrong, std::string_view what) {
    if (!wrong.empty()) {
      found.push_back(
          {at,
           fmt::format(
               "the sagas of capability `{}` call `{}`, {}: {}",
               capability,
               call.to,
               what,
               fmt::join(wrong, ", ")),
           remedy});
    }
  };
  if (call.request && served.request) {
    tell(
        wire::misfits(calling.call_types, *call.request, serving.described.types, *served.request),
        fmt::format(
            "which reads `{}`, with `{}`, which does not fit", *served.request, *call.request));
  }
  if (call.reply && served.reply) {
    tell(
        wire::misfits(serving.described.types, *served.reply, calling.call_types, *call.reply),
        fmt::format("and read its `{}` as `{}`, which does not fit", *served.reply, *call.reply));
  }
}

void check_event_types(
    const plan& whole,
    const capability_plan& subscriber,
    const config_tree& section,
    const std::vector<actor_type>& types,
    std::vector<fault>& found) {
  const actor_type& handling = *type_named(subscriber.actor, types);
  for (const capability_plan& publisher : whole.capabilities) {
    const actor_type* const publishing = type_named(publisher.actor, types);
    if (publishing == nullptr) {
      continue; // Reported elsewhere.
    }
    const pair both{subscriber, section, handling, publisher, *publishing};
    for (const wire::topic_description& published : publishing->described.publishes) {
      for (const std::string& pattern : subscriber.subscribes) {
        check_event(both, pattern, published, found);
      }
    }
  }
}

} // namespace troupe::topology
