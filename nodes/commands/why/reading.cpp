#include "nodes/commands/why/reading.hpp"

#include "nodes/commands/why/tables.hpp"
#include "runtime/contains.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/worker/life_tables.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace troupe::why {

namespace {

// How many events of one topic, published by one turn, are searched for.
constexpr int events_of_topic_max = 4;
// Limits of the search for consequences: steps away from the given id, and the number of ids.
constexpr int distance_max = 6;
constexpr std::size_t ids_max = 500;
constexpr std::size_t rounds_max = 3;

std::string file_of(const std::string& store, const std::string& folder) {
  const std::string path = topology::path_in(store);
  return folder.empty()
             ? path
             : (std::filesystem::path{folder} / std::filesystem::path{path}.filename()).string();
}

/// Adds the contents of a database, or a node's answer, without duplicates.
void add_to(life& all, wire::told_life&& more) {
  std::move(more.messages.begin(), more.messages.end(), std::back_inserter(all.messages));
  std::move(more.sagas.begin(), more.sagas.end(), std::back_inserter(all.sagas));
  const auto add_new = [](auto& to, auto& from, const auto& is_same) {
    for (auto& each : from) {
      if (std::ranges::none_of(to, [&](const auto& known) { return is_same(known, each); })) {
        to.push_back(std::move(each));
      }
    }
  };
  add_new(all.effects, more.effects, [](const auto& one, const auto& other) {
    return one.key == other.key;
  });
  add_new(all.events, more.events, [](const auto& one, const auto& other) {
    return one.id == other.id;
  });
  add_new(all.changes, more.changes, [](const auto& one, const auto& other) {
    return one.stream == other.stream && one.version == other.version;
  });
}

} // namespace

reading::reading(const topology::plan& plan, const registry& types, const std::string& folder)
    : plan_{plan}, asked_{plan} {
  // A copy shows one moment, and a running system another, so do not mix them.
  const bool may_ask = folder.empty();
  const auto open = [&](const std::string& path, std::string_view whose, bool& is_asked) {
    auto opened = store::open_sqlite(path, {.read_only = true});
    is_asked = !opened && may_ask;
    if (!opened && !may_ask) {
      not_known_.push_back(fmt::format("{}: {}", whose, opened.error().message));
    }
    return opened ? std::move(*opened) : nullptr;
  };
  for (const topology::capability_plan& each : plan.capabilities) {
    capability one{&each, types.find(each.actor), nullptr};
    if (each.store) {
      one.database = open(file_of(*each.store, folder), each.name.value, one.is_asked);
    } else {
      not_known_.push_back(fmt::format(
          "{} has no database: what it was asked is not stored anywhere", each.name.value));
    }
    capabilities_.push_back(std::move(one));
  }
  if (plan.events.is_shared() && may_ask) {
    asks_journal_ = true;
  } else {
    journal_ = open(file_of(plan.events.journal, folder), "the journal of events", asks_journal_);
  }
  std::vector<std::string> nowhere = things_without_rows();
  std::move(nowhere.begin(), nowhere.end(), std::back_inserter(not_known_));
}

/// Adds a line to the list of unknowns, once.
void reading::note(std::string what) {
  if (!contains(not_known_, what)) {
    not_known_.push_back(std::move(what));
  }
}

/// Reads the journal from the time at which the id was made, or notes why that is unknown.
void reading::begin_asking_journal(const uuid& about, life& into) {
  if (!asks_journal_) {
    return;
  }
  const bool has_time = about.version() == 7 || about.version() == 8;
  const auto read = asked_.read_events(has_time ? about.born() : wall_time{}).and_then([&] {
    return asked_.look_at_schedule(about, into);
  });
  if (!read) {
    asks_journal_ = false;
    note(fmt::format(
        "the journal of events: it is not on this machine, and {} does not tell ({})",
        plan_.events.is_shared() ? "no broker" : "broker " + plan_.events.broker,
        read.error().message));
    return;
  }
  note("dead letters that were delivered again: brokers do not report what becomes of them");
  if (asked_.is_part()) {
    note("the newest events: the journal has more since then than are asked for");
  }
}

life reading::of(const uuid& asked) {
  life found;
  begin_asking_journal(asked, found);
  std::set<uuid> known;
  std::set<uuid> ids{asked};
  for (int distance = 0; distance < distance_max && !ids.empty() && known.size() < ids_max;
       ++distance) {
    for (capability& each : capabilities_) {
      look_at(each, ids, found);
    }
    look_at_journal(ids, found);
    known.insert(ids.begin(), ids.end());
    std::set<uuid> next = followers(found);
    std::erase_if(next, [&](const uuid& each) { return known.contains(each); });
    ids = std::move(next);
  }
  for (wire::event_told& each : found.events) {
    add_deliveries(each, found);
  }
  found.not_known = not_known_;
  return found;
}

void reading::look_at(capability& in, const std::set<uuid>& ids, life& into) {
  const std::string& name = in.plan->name.value;
  wire::told_life told;
  if (in.database) {
    for (const uuid& id : ids) {
      read_life(*in.database, name, in.type, id, told);
    }
  } else if (in.is_asked) {
    auto said = asked_.life_of(*in.plan, {ids.begin(), ids.end()});
    if (!said) {
      in.is_asked = false;
      note(fmt::format(
          "{}: its database is not on this machine, and no node of it tells ({})",
          name,
          said.error().message));
      return;
    }
    if (said->is_cut) {
      note(fmt::format("{}: large answers, and old records of sagas", name));
    }
    told = std::move(*said);
  }
  add_to(into, std::move(told));
}

void reading::look_at_journal(const std::set<uuid>& ids, life& into) {
  if (asks_journal_) {
    asked_.look_at_journal(ids, into);
  }
  if (!journal_) {
    return;
  }
  read_events(*journal_, ids, into);
  for (const uuid& id : ids) {
    read_letters(*journal_, id, into);
    read_cancelled(*journal_, id, into);
  }
}

/// The ids that may follow from what is known: the commands of sagas, events that messages may have
/// published, events of dead letters, and the results of subscribers' handlers.
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
    for (const wire::message_told& message : of.messages) {
      if (message.capability == each.plan->name.value) {
        add_published(message.id, each);
      }
    }
    for (const wire::event_told& event : of.events) {
      if (each.type != nullptr && wire::matches_any(each.plan->subscribes, event.topic)) {
        const uuid handled = derived_id(event.id, each.plan->name.value);
        ids.insert(handled); // The effects of this handling refer to this id.
        add_published(handled, each);
      }
    }
    for (const wire::effect_told& effect : of.effects) {
      if (effect.capability == each.plan->name.value) {
        add_published(effect.key, each);
      }
    }
    if (each.type == nullptr) {
      continue;
    }
    for (const wire::saga_told& saga : of.sagas) {
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
  for (const wire::change_told& each : of.changes) {
    ids.insert(each.cause);
  }
  return ids;
}

void reading::add_deliveries(wire::event_told& to, life& all) {
  if (to.position == 0) {
    return;
  }
  const auto again = std::ranges::find_if(
      all.retries, [&](const auto& each) { return each.position == to.position; });
  const std::uint32_t partition = wire::partition_of(to.key, to.id);
  for (capability& each : capabilities_) {
    const std::string& name = each.plan->name.value;
    const auto& patterns = each.plan->subscribes;
    const bool is_taker = again != all.retries.end() ? again->capability == name
                                                     : wire::matches_any(patterns, to.topic);
    if (!is_taker) {
      continue;
    }
    wire::delivery_told told{.capability = name};
    if (tell_delivery(each, partition, to.position, told)) {
      to.deliveries.push_back(std::move(told));
    } else {
      all.unheard.push_back({to.position, name});
    }
  }
}

/// @return false if no store can tell.
bool reading::tell_delivery(
    capability& by, std::uint32_t partition, std::uint64_t position, wire::delivery_told& told) {
  if (by.database) {
    read_delivery(*by.database, partition, position, told);
    return true;
  }
  if (by.is_asked) {
    auto said = asked_.delivery_of(*by.plan, partition, position);
    if (!said) {
      note(fmt::format("{}: no node of it tells ({})", told.capability, said.error().message));
      return false;
    }
    told = std::move(*said);
    return true;
  }
  if (journal_) {
    read_cursor(*journal_, partition, position, told);
  } else if (asks_journal_) {
    told.is_handled = asked_.has_passed(told.capability, position);
  }
  // How far it is beyond that, and what has failed, only its own database tells.
  return told.is_handled || (!by.plan->store && (journal_ || asks_journal_));
}

outcome<std::vector<uuid>> reading::with_key(std::string_view key) {
  outcome<std::vector<uuid>> found =
      journal_ ? outcome<std::vector<uuid>>{read_events_with_key(*journal_, key)}
      : asks_journal_
          ? asked_.with_key(key)
          : failure{error{
              .code = errc::unavailable,
              .message = "there is no copy of the journal of events, which knows keys"}};
  return std::move(found).and_then([&](std::vector<uuid> ids) -> outcome<std::vector<uuid>> {
    if (ids.empty()) {
      return failure{rejected(
          "no_such_key",
          !journal_ && asked_.is_part()
              ? fmt::format(
                  "none of the newest events of the journal, as many as are asked for, has the "
                  "key `{}`",
                  key)
              : fmt::format("the journal has no event with the key `{}`", key))};
    }
    return ids;
  });
}

} // namespace troupe::why
