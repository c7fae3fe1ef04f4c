#include "nodes/commands/status/saga_troubles.hpp"

#include "nodes/commands/status/counted.hpp"
#include "runtime/wire/saga_words.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>

namespace troupe {

namespace {

using weight = trouble::weight;

/// The number before `words` in a node's summary of its sagas; 0 if it is not there.
std::uint64_t count_told(std::string_view told, std::string_view words) {
  while (!told.empty()) {
    const std::string_view part = told.substr(0, told.find("; "));
    std::uint64_t count = 0;
    const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), count);
    const auto digits = static_cast<std::size_t>(end - part.data());
    if (fault == std::errc{} && part.substr(digits).starts_with(' ')
        && part.substr(digits + 1) == words) {
      return count;
    }
    told.remove_prefix(std::min(told.size(), part.size() + 2));
  }
  return 0;
}

void add_full_queues(std::vector<trouble>& to, const system_view& all) {
  for (const node_view& node : all.nodes) {
    if (!node.said) {
      continue;
    }
    for (const wire::group_status& each : node.said->groups) {
      if (each.sagas_full.value_or(false)) {
        to.push_back(
            {.is = weight::wrong,
             .what = fmt::format(
                 "{} on {} refuses new sagas: {} for their turn",
                 each.capability,
                 node.name,
                 count_of(each.sagas_queued.value_or(0), "waits", "wait")),
             .next = fmt::format(
                 "`troupe sagas list {} {} --state forward` says what those that run wait for; "
                 "`at_once` and `queue` of its `config` set how many may run, and wait",
                 all.file,
                 each.capability)});
      }
    }
  }
}

/// Sagas whose step is retried without limit. They continue without an order, so `resume`, which is
/// for stopped sagas, is refused.
trouble need_of(const waiting_view& of, const std::string& file) {
  const bool is_one = of.need_person == 1 && !of.has_more_sagas;
  const auto order = [&](std::string_view verb) {
    return fmt::format(
        "`troupe sagas {} {} {} --state needs_person --reason TEXT`", verb, file, of.capability);
  };
  return {
      .is = weight::waiting,
      .what = is_one ? fmt::format("1 saga of {} needs a person", of.capability)
                     : fmt::format(
                         "{} of {} need a person",
                         at_least(of.need_person, of.has_more_sagas, "saga", "sagas"),
                         of.capability),
      .why = of.need,
      .next = fmt::format(
          "remove the reason: the retries go on, and {} retries at once{}",
          order("retry"),
          of.may_turn_back
              ? fmt::format("; {} undoes what can still turn back", order("compensate"))
              : "")};
}

void add_standing(std::vector<trouble>& to, const system_view& all) {
  std::map<std::string, waiting_view> by_capability;
  for (const waiting_view& each : all.waiting) {
    waiting_view& of = by_capability[each.capability];
    of.capability = each.capability;
    // All nodes of a database list the same stopped sagas; a failing one runs on one node only.
    of.sagas = std::max(of.sagas, each.sagas - each.need_person);
    of.need = of.need_person == 0 ? each.need : of.need;
    of.need_person += each.need_person;
    of.may_turn_back = of.may_turn_back || each.may_turn_back;
    of.has_more_sagas = of.has_more_sagas || each.has_more_sagas;
  }
  for (const auto& [capability, each] : by_capability) {
    if (each.need_person > 0) {
      to.push_back(need_of(each, all.file));
    }
    if (each.sagas > 0) {
      to.push_back(
          {.is = weight::waiting,
           .what = fmt::format(
               "{} of {} still",
               at_least(each.sagas, each.has_more_sagas, "saga", "sagas"),
               capability + (each.sagas == 1 ? " stands" : " stand")),
           .next = fmt::format(
               "`troupe sagas list {} {}` says why; `troupe sagas resume` has one go on",
               all.file,
               capability)});
    }
  }
}

/// Sagas of an earlier definition. Each runs on one node, and ends by itself unless it needs steps
/// that this program lacks.
void add_earlier_steps(std::vector<trouble>& to, const system_view& all) {
  for (const capability_view& capability : all.capabilities) {
    std::uint64_t count = 0;
    std::string where;
    for (const std::string& name : capability.nodes) {
      const node_view* const node = find_node(all, name);
      const auto* const group = node == nullptr ? nullptr : group_of(*node, capability.name);
      const std::uint64_t here =
          group == nullptr
              ? 0
              : count_told(group->sagas_trouble.value_or(""), wire::follow_earlier_steps);
      where = count == 0 && here > 0 ? name : where;
      count += here;
    }
    if (count > 0) {
      to.push_back(
          {.is = weight::waiting,
           .what = count == 1
                       ? fmt::format("1 saga of {} follows earlier steps", capability.name)
                       : fmt::format("{} sagas of {} follow earlier steps", count, capability.name),
           .why =
               "they were started under other steps than those of this program, and end by these",
           .next = fmt::format(
               "keep what they need until they are over: saga.earlier_steps in log/{}.log says "
               "whether this program lacks any of it",
               where)});
    }
  }
}

} // namespace

std::vector<trouble> saga_troubles_of(const system_view& all) {
  std::vector<trouble> found;
  add_full_queues(found, all);
  add_standing(found, all);
  add_earlier_steps(found, all);
  return found;
}

} // namespace troupe
