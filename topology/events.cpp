#include "topology/events.hpp"

#include "runtime/contains.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/events.hpp"
#include "topology/faults.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::topology {

namespace {

using kind = config_tree::kind;

// Each new topic is matched against every pattern, so their number is limited.
constexpr std::size_t subscribes_max = 256;
constexpr std::size_t rules_max = 1'024;

constexpr std::string_view default_journal = "sqlite:data/journal.db";

constexpr const char* pattern_remedy =
    "write a topic such as order.created (a-z, 0-9, _ and dots between, 64 bytes at most), all "
    "below one such as order.*, or \"*\"";

/// Whether `wide` matches every topic that `narrow` matches. It suffices to match the text of
/// `narrow` itself, with which all of its topics begin.
bool covers(std::string_view wide, std::string_view narrow) {
  return wire::matches(wide, narrow);
}

void read_broker(config_reader& reader, plan& into) {
  if (into.events.is_shared()) {
    if (reader.text("broker")) {
      reader.add_fault(
          "broker",
          "cannot be used with a journal in PostgreSQL, which all brokers share: one has it, and "
          "another takes it over by itself",
          "remove it");
    }
    return;
  }
  if (!into.brokers.empty()) {
    into.events.broker = into.brokers.front().name;
  }
  const auto name = reader.text("broker");
  // If no broker could be read, every name would be reported as unknown, so skip the look-up.
  if (!name || into.brokers.empty()) {
    return;
  }
  std::vector<std::string> known;
  for (const broker_plan& broker : into.brokers) {
    known.push_back(broker.name);
  }
  if (!contains(known, *name)) {
    reader.add_fault(
        "broker",
        "names the unknown broker `" + *name + "`",
        remedy_for_unknown(
            *name, known, fmt::format("the brokers are {}", fmt::join(known, ", "))));
    return;
  }
  into.events.broker = *name;
}

void read_journal(config_reader& reader, plan& into) {
  constexpr const char* remedy = "write sqlite:data/journal.db";
  const std::string journal = reader.text("journal").value_or(std::string{default_journal});
  if (journal == "none") {
    reader.add_fault("journal", "is `none`: events are kept until all have them", remedy);
  } else if (auto wrong = check_store(journal)) {
    reader.add_fault(
        "journal",
        told_of_store(journal, wrong->what),
        journal.starts_with("postgres") ? wrong->remedy : remedy);
  } else if (journal.find('{') != std::string::npos) {
    reader.add_fault(
        "journal", fmt::format("(`{}`) has braces: it is no capability's", journal), remedy);
  } else {
    into.events.journal = store_for(journal, {}, into.folder).value();
  }
}

void read_limits(config_reader& reader, retention_rule& into) {
  const auto keep = retention_rule::keep_range;
  const auto bytes = retention_rule::bytes_range;
  into.keep = reader.duration("keep", keep.least, keep.most).value_or(into.keep);
  into.bytes_max = reader.size("size", bytes.least, bytes.most).value_or(into.bytes_max);
}

void read_rule(const config_tree::entry& entry, events_plan& into, std::vector<fault>& found) {
  const auto say = [&](std::string what, std::string remedy) {
    found.push_back({entry.at, std::move(what), std::move(remedy)});
  };
  retention_rule rule = into.otherwise;
  rule.pattern = entry.key;
  config_reader reader{entry.value, fmt::format("topics `{}`", entry.key), found};
  read_limits(reader, rule);
  rule.drop_unread = reader.boolean("drop_unread").value_or(false);
  reader.finish();
  if (!wire::is_pattern(entry.key)) {
    say(fmt::format("`{}` in topics of events means no topics", entry.key), pattern_remedy);
    return;
  }
  const auto earlier = std::ranges::find_if(
      into.rules, [&](const retention_rule& each) { return covers(each.pattern, rule.pattern); });
  if (earlier != into.rules.end()) {
    say(fmt::format(
            "`{}` in topics of events never holds: `{}` before it means the same topics, and the "
            "first that matches holds",
            rule.pattern,
            earlier->pattern),
        fmt::format("put it before `{}`, or remove it", earlier->pattern));
    return;
  }
  into.rules.push_back(std::move(rule));
}

void read_rules(config_reader& reader, events_plan& into, std::vector<fault>& found) {
  const config_tree* section = reader.tree("topics");
  if (section == nullptr || section->is == kind::null) {
    return;
  }
  if (section->is != kind::map) {
    reader.add_fault(
        "topics",
        "is no map",
        "write a map with a pattern for each, such as `order.*: {keep: 30d}`");
    return;
  }
  if (section->entries.size() > rules_max) {
    reader.add_fault(
        "topics",
        fmt::format("has {} entries", section->entries.size()),
        fmt::format("stay below {}; a pattern such as order.* means many topics", rules_max + 1));
    return;
  }
  for (const config_tree::entry& entry : section->entries) {
    read_rule(entry, into, found);
  }
}

void read_start(config_reader& section, bool subscribes, capability_plan& into) {
  const auto text = section.text("subscribe_from");
  if (!text) {
    return;
  }
  if (!subscribes) {
    section.add_fault(
        "subscribe_from", "stands without `subscribes`", "add `subscribes`, or remove it");
    return;
  }
  using place = subscribe_start::place;
  if (*text == "new") {
    into.subscribe_from = {};
  } else if (*text == "oldest") {
    into.subscribe_from = {.from = place::oldest};
  } else if (const auto time = parse_utc_time(*text)) {
    into.subscribe_from = {.from = place::time, .time = *time};
  } else {
    section.add_fault(
        "subscribe_from",
        "is `" + *text + "`",
        "write new, oldest or a UTC time such as 2026-11-24T08:00:00Z");
  }
}

} // namespace

void read_events(config_reader& topology, plan& into, std::vector<fault>& found) {
  static const config_tree nothing{.is = kind::map};
  const config_tree* section = topology.tree("events");
  config_reader reader{section == nullptr ? nothing : *section, "events", found};
  read_journal(reader, into);
  read_broker(reader, into);
  read_limits(reader, into.events.otherwise);
  read_rules(reader, into.events, found);
  reader.finish();
}

void read_subscriptions(
    config_reader& section,
    const std::string& owner,
    capability_plan& into,
    std::vector<fault>& found) {
  const config_tree* list = section.tree("subscribes");
  const auto patterns = section.texts("subscribes");
  if (patterns && patterns->size() > subscribes_max) {
    section.add_fault(
        "subscribes",
        fmt::format("has {} entries", patterns->size()),
        fmt::format(
            "stay below {}; a pattern such as order.* means many topics", subscribes_max + 1));
  } else if (patterns) {
    // Pattern i is item i: `texts` returns a list only if all items are scalars.
    for (std::size_t i = 0; i < patterns->size(); ++i) {
      const std::string& pattern = (*patterns)[i];
      const auto& known = into.subscribes;
      if (!wire::is_pattern(pattern)) {
        found.push_back(
            {list->items[i].at,
             fmt::format("`{}` in `subscribes` of {} means no topics", pattern, owner),
             pattern_remedy});
      } else if (contains(known, pattern)) {
        found.push_back(
            {list->items[i].at,
             fmt::format("`subscribes` of {} has `{}` twice", owner, pattern),
             "remove one of them"});
      } else {
        into.subscribes.push_back(pattern);
      }
    }
  }
  read_start(section, list != nullptr, into);
}

void check_journal(const draft& checked, std::vector<fault>& found) {
  const plan& whole = checked.result;
  const bool is_shared = is_on_server(whole.events.journal);
  for (std::size_t i = 0; i < whole.capabilities.size(); ++i) {
    const capability_plan& capability = whole.capabilities[i];
    if (capability.store && capability.name.value == journal_name) {
      found.push_back(
          {capability.at,
           fmt::format(
               "capability `{}` has the name by which backups have the journal of events",
               journal_name),
           "give it another name"});
      continue;
    }
    if (is_shared && capability.store && is_on_server(*capability.store)) {
      // In a database, journal and capabilities have schemas of their own. (Addresses cannot be
      // compared, since one database has many.)
      if (capability.name.value == journal_schema) {
        found.push_back(
            {capability.at,
             fmt::format(
                 "capability `{}` has the name of the schema of the journal of events",
                 journal_schema),
             "give it another name"});
      }
      continue;
    }
    if (!capability.store || *capability.store != whole.events.journal) {
      continue;
    }
    found.push_back(
        {position_of(
             {checked.find("events", "journal"), checked.sections[i]->find("store")},
             capability.at),
         fmt::format(
             "the journal of events and capability `{}` share the database {}",
             capability.name.value,
             *capability.store),
         "give the journal a file of its own: `events: {journal: \"sqlite:data/NAME.db\"}`"});
  }
}

void check_subscriptions(
    const capability_plan& capability,
    const config_tree& section,
    const actor_type& type,
    std::vector<fault>& found) {
  const std::vector<std::string> handled = type.events();
  for (const std::string& pattern : capability.subscribes) {
    const bool is_handled = std::ranges::any_of(handled, [&](const std::string& event) {
      return covers(pattern, event) || covers(event, pattern);
    });
    if (is_handled) {
      continue;
    }
    const auto& items = section.find("subscribes")->items;
    const auto item = std::ranges::find(items, pattern, &config_tree::text);
    const std::string all = handled.empty()
                                ? "it handles none; remove `subscribes`, or name its topics "
                                  "where the actor type is registered"
                                : fmt::format("it handles {}", fmt::join(handled, ", "));
    found.push_back(
        {item->at,
         fmt::format(
             "capability `{}` subscribes to `{}`, and its actor type `{}` handles no such event",
             capability.name.value,
             pattern,
             type.name),
         remedy_for_unknown(pattern, handled, all)});
  }
}

} // namespace troupe::topology
