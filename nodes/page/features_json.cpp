#include "nodes/page/features_json.hpp"

#include "runtime/strangler/flag_record.hpp"
#include "runtime/wire/differences.hpp"
#include "runtime/wire/flags.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace troupe {

namespace {

using nlohmann::ordered_json;

/// The most changes of flags read to find the newest of each feature.
constexpr std::size_t changes_read = 20;
constexpr std::size_t differences_shown = 20;
/// Differences are searched in this many events at the end of the journal.
constexpr std::uint64_t events_behind = 5'000;

strangler::journal_question question_over(system_links& links, milliseconds patience) {
  return [&links, patience](std::string_view operation, const std::string& body) {
    return links.ask_journal({{"troupe.events", std::string{operation}, body}}, patience).front();
  };
}

/// The newest change of each flag, as far as the search goes back.
std::map<std::string, strangler::recorded_change> newest_changes(
    const strangler::journal_question& ask, std::optional<strangler::recorded_change> change) {
  std::map<std::string, strangler::recorded_change> newest;
  for (std::size_t i = 0; i < changes_read && change; ++i) {
    const std::uint64_t before = change->what.base;
    const std::string flag = change->what.flag;
    newest.emplace(flag, *std::move(change));
    auto read = before == 0 ? outcome<strangler::recorded_change>{failure{error{}}}
                            : strangler::read_change(ask, before);
    change = read ? std::optional{std::move(*read)} : std::nullopt;
  }
  return newest;
}

ordered_json differences_json(const strangler::journal_question& ask) {
  ordered_json list = ordered_json::array();
  // The end of the journal, found by a question that matches no event.
  wire::read_events place;
  place.patterns = {std::string{wire::difference_topic}};
  place.from = "new";
  place.count = 1;
  const auto end =
      ask("read", wire::encoded(place)).and_then(wire::checked_decode<wire::events_read>);
  if (!end) {
    return list;
  }
  wire::read_events asked;
  asked.patterns = place.patterns;
  asked.after = end->last > events_behind ? end->last - events_behind : 0;
  asked.count = 1'000;
  const auto read =
      ask("read", wire::encoded(asked)).and_then(wire::checked_decode<wire::events_read>);
  if (!read) {
    return list;
  }
  const auto& events = read->events;
  const std::size_t first = events.size() - std::min(events.size(), differences_shown);
  for (std::size_t i = events.size(); i > first; --i) {
    const wire::read_event& event = events[i - 1];
    const auto said = wire::checked_decode<wire::answers_differ>(event.body.bytes);
    if (!said) {
      continue;
    }
    ordered_json places = ordered_json::array();
    for (const wire::answer_difference& each : said->differences) {
      places.push_back({{"at", each.at}, {"what", each.what}});
    }
    list.push_back(
        {{"at", event.time},
         {"feature", said->feature},
         {"gateway", said->gateway},
         {"request", said->request},
         {"differences", std::move(places)}});
  }
  return list;
}

ordered_json counts_json(const strangler::feature_counts& of) {
  return {
      {"legacy", of.legacy.load()},
      {"modern", of.modern.load()},
      {"refused", of.refused.load()},
      {"legacy_failed", of.legacy_failed.load()},
      {"same", of.same.load()},
      {"different", of.different.load()},
      {"not_compared", of.not_compared.load()}};
}

} // namespace

ordered_json features_json(
    const topology::plan& plan,
    system_links& links,
    const gateway_features* here,
    milliseconds patience) {
  ordered_json all = {{"list", ordered_json::array()}, {"differences", ordered_json::array()}};
  if (plan.features.empty()) {
    return all;
  }
  const auto ask = question_over(links, patience);
  const auto state = strangler::read_flags(ask);
  const auto values = state ? state->values() : strangler::flag_values{};
  const auto changes = newest_changes(ask, state ? state->newest : std::nullopt);
  for (const topology::strangler_plan& each : plan.features) {
    const std::string& name = each.feature.name;
    const auto value = values.find(name);
    ordered_json one = {
        {"name", name},
        {"share",
         value != values.end() ? strangler::share_text(value->second)
         : state               ? strangler::share_text(each.feature.share)
                               : ""},
        {"is_set", value != values.end()},
        {"compares", each.feature.compare.has_value()}};
    if (const auto change = changes.find(name); change != changes.end()) {
      one["who"] = change->second.what.who;
      one["why"] = change->second.what.why;
      one["since"] = change->second.time;
    }
    if (const auto* const counts = here == nullptr ? nullptr : here->counts_of(name)) {
      one["counts"] = counts_json(*counts);
    }
    all["list"].push_back(std::move(one));
  }
  all["differences"] = differences_json(ask);
  return all;
}

} // namespace troupe
