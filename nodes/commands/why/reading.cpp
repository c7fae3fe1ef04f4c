#include "nodes/commands/why/reading.hpp"

#include "nodes/commands/why/tables.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace troupe::why {

namespace {

// Events of one topic that a turn publishes, as far as they are looked for.
constexpr int events_of_topic_max = 4;
// How many steps away from the id that is asked for its consequences are followed, and how many
// ids.
constexpr int distance_max = 6;
constexpr std::size_t ids_max = 500;
constexpr std::size_t rounds_max = 3;

std::string file_of(const std::string& store, const std::string& folder) {
  const std::string path = store.substr(store.find(':') + 1);
  return folder.empty()
             ? path
             : (std::filesystem::path{folder} / std::filesystem::path{path}.filename()).string();
}

std::unique_ptr<store::database>
open(const std::string& path, std::string_view whose, std::vector<std::string>& not_known) {
  auto opened = store::open_sqlite(path, {.read_only = true});
  if (!opened) {
    not_known.push_back(fmt::format("{}: {}", whose, opened.error().message));
    return nullptr;
  }
  return std::move(*opened);
}

} // namespace

reading::reading(const topology::plan& plan, const registry& types, const std::string& folder)
    : plan_{plan} {
  for (const topology::capability_plan& each : plan.capabilities) {
    capability one{&each, types.find(each.actor), nullptr};
    if (each.store) {
      one.database = open(file_of(*each.store, folder), each.name.value, not_known_);
    } else {
      not_known_.push_back(fmt::format(
          "{} has no database: what it was asked is written down nowhere", each.name.value));
    }
    capabilities_.push_back(std::move(one));
  }
  journal_ = open(file_of(plan.events.journal, folder), "the journal of events", not_known_);
  not_known_.emplace_back(
      "calls on their way, tries that failed before a commit, and queries: they leave no row "
      "(`troupe trace` and the logs may tell)");
}

life reading::of(const uuid& asked) const {
  life found;
  std::set<uuid> known;
  std::set<uuid> ids{asked};
  for (int distance = 0; distance < distance_max && !ids.empty() && known.size() < ids_max;
       ++distance) {
    for (const capability& each : capabilities_) {
      if (each.database) {
        look_at(each, ids, found);
      }
    }
    if (journal_) {
      look_at_journal(ids, found);
    }
    known.insert(ids.begin(), ids.end());
    std::set<uuid> next = followers(found);
    std::erase_if(next, [&](const uuid& each) { return known.contains(each); });
    ids = std::move(next);
  }
  for (event_told& each : found.events) {
    add_deliveries(each);
  }
  found.not_known = not_known_;
  return found;
}

void reading::look_at(const capability& in, const std::set<uuid>& ids, life& into) const {
  store::database& session = *in.database;
  const std::string& name = in.plan->name.value;
  for (const uuid& id : ids) {
    read_message(session, name, id, into);
    read_saga(session, name, in.type, id, into);
    read_effects(session, name, id, into);
    read_outbox(session, name, id, into);
    read_changes(session, name, id, into);
  }
}

void reading::look_at_journal(const std::set<uuid>& ids, life& into) const {
  read_events(*journal_, ids, into);
  for (const uuid& id : ids) {
    read_letters(*journal_, id, into);
  }
}

/// The ids that follow from what is known: the commands of sagas; what messages may have published;
/// events of letters; what subscribers made of events.
std::set<uuid> reading::followers(const life& of) const {
  std::set<uuid> ids;
  const auto add_published = [&](const uuid& by, const capability& in) {
    if (in.type == nullptr) {
      return;
    }
    for (const wire::topic_description& topic : in.type->description.publishes) {
      for (int n = 1; n <= events_of_topic_max; ++n) {
        ids.insert(derived_id(by, fmt::format("{}#{}", topic.pattern, n)));
      }
    }
  };
  for (const capability& each : capabilities_) {
    for (const message_told& message : of.messages) {
      if (message.capability == each.plan->name.value) {
        add_published(message.id, each);
      }
    }
    for (const event_told& event : of.events) {
      if (each.type != nullptr
          && std::any_of(
              each.plan->subscribes.begin(), each.plan->subscribes.end(), [&](const auto& pattern) {
                return wire::matches(pattern, event.topic);
              })) {
        const uuid handled = derived_id(event.id, each.plan->name.value);
        ids.insert(handled); // Its effects wait for this one.
        add_published(handled, each);
      }
    }
    for (const effect_told& effect : of.effects) {
      if (effect.capability == each.plan->name.value) {
        add_published(effect.key, each);
      }
    }
    if (each.type == nullptr) {
      continue;
    }
    for (const saga_told& saga : of.sagas) {
      for (const saga::definition& known : each.type->sagas) {
        if (saga.capability != each.plan->name.value || saga.operation != known.operation) {
          continue;
        }
        for (const saga::step& step : known.steps) {
          for (std::size_t round = 0; round < rounds_max; ++round) {
            ids.insert(derived_id(saga.id, fmt::format("{}:do:{}", step.name, round)));
            ids.insert(derived_id(saga.id, fmt::format("{}:undo:{}", step.name, round)));
          }
        }
      }
    }
  }
  for (const letter_told& each : of.letters) {
    ids.insert(each.event);
  }
  for (const change_told& each : of.changes) {
    ids.insert(each.cause);
  }
  return ids;
}

void reading::add_deliveries(event_told& to) const {
  if (to.position == 0) {
    return;
  }
  const std::uint32_t partition = wire::partition_of(to.key, to.id);
  for (const capability& each : capabilities_) {
    const auto& patterns = each.plan->subscribes;
    if (!std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
          return wire::matches(pattern, to.topic);
        })) {
      continue;
    }
    delivery_told told{.capability = each.plan->name.value};
    if (each.database) {
      read_delivery(*each.database, partition, to.position, told);
    } else if (journal_) {
      read_cursor(*journal_, partition, to.position, told);
    }
    to.deliveries.push_back(std::move(told));
  }
}

std::vector<uuid> reading::with_key(std::string_view key) const {
  return journal_ ? read_events_with_key(*journal_, key) : std::vector<uuid>{};
}

} // namespace troupe::why
