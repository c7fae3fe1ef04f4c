#include "nodes/node_health.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

/// Whether a breaker in this state refuses every call.
bool is_open(std::string_view breaker) {
  return breaker == "open" || breaker == "forced_open";
}

/// Why the group will not recover by itself; empty if it will.
std::string stuck(const group_snapshot& group) {
  return group.busy * 2 < group.busy_limit || group.busy_limit.count() == 0
             ? ""
             : fmt::format(
                 "a handler or commit has run for {} ms; after {} ms the watchdog ends the process",
                 std::chrono::floor<milliseconds>(group.busy).count(),
                 std::chrono::floor<milliseconds>(group.busy_limit).count());
}

std::string trouble_of(const wire::group_status& group, const group_snapshot& more) {
  if (!group.down_reason.empty()) {
    return group.down_reason;
  }
  if (std::string why = stuck(more); !why.empty()) {
    return why;
  }
  return is_open(group.breaker) ? "its breaker is open: calls to it are refused here" : "";
}

std::string trouble_of_store(const wire::group_status& group, const group_snapshot& more) {
  if (!more.refused_store.empty()) {
    return more.refused_store;
  }
  if (!more.probed.database_trouble.empty()) {
    return more.probed.database_trouble;
  }
  return group.store_trouble ? fmt::format("it refuses turns: {}", *group.store_trouble)
                             : group.outbox_trouble;
}

/// Which of its sagas need a person; empty if none does. The node is ready all the same.
std::string trouble_of_sagas(const group_probe& probed) {
  if (probed.sagas->need_person != 0) {
    return fmt::format("{} need a person; {}", probed.sagas->need_person, probed.sagas->need);
  }
  if (!probed.sagas->full.empty()) {
    return fmt::format(
        "{} wait for their turn, and new ones of `{}` are refused",
        probed.sagas->queued,
        probed.sagas->full);
  }
  return probed.sagas_parked == 0
             ? ""
             : fmt::format("{} are parked or paused: `troupe sagas list`", probed.sagas_parked);
}

std::string why_unready(const worker_snapshot& worker) {
  if (worker.is_draining) {
    return "it is being drained";
  }
  if (std::ranges::none_of(worker.links, [](const auto& each) { return each.is_up; })) {
    return "it is logged in at no broker";
  }
  const auto& groups = worker.status.groups;
  const bool one_serves =
      std::ranges::any_of(groups, [](const auto& each) { return each.down_reason.empty(); });
  return one_serves ? "" : "none of its capabilities is served";
}

} // namespace

observe::health health_of(const broker::broker_snapshot& broker) {
  observe::health said;
  if (broker.status.draining) {
    said.unready = "it is being drained";
  }
  if (broker.events) {
    said.checks.push_back({"journal", broker.events->journal_trouble, broker.events->journal_took});
  }
  if (const auto& shared = broker.status.journal; shared && !broker.events) {
    said.checks.push_back({"journal", shared->trouble});
  }
  for (const wire::known_capability& each : broker.status.capabilities) {
    said.checks.push_back(
        {"capability." + each.name,
         each.waiting_for_workers ? fmt::format("no worker takes calls; {} wait", each.queued)
                                  : ""});
  }
  return said;
}

observe::health health_of(const worker_snapshot& worker, const std::vector<std::string>& brokers) {
  observe::health said{.unready = why_unready(worker), .checks = {}};
  for (std::size_t i = 0; i < worker.links.size(); ++i) {
    const link_snapshot& link = worker.links[i];
    said.checks.push_back(
        {"broker." + brokers[i], link.is_up ? "" : "not logged in there", link.took});
  }
  for (std::size_t i = 0; i < worker.status.groups.size(); ++i) {
    const wire::group_status& group = worker.status.groups[i];
    const group_snapshot& more = worker.groups[i];
    said.checks.push_back({"capability." + group.capability, trouble_of(group, more), more.took});
    if (group.store != "none") {
      said.checks.push_back(
          {"database." + group.capability, trouble_of_store(group, more), more.probed.database});
    }
    if (more.probed.sagas) {
      said.checks.push_back({"sagas." + group.capability, trouble_of_sagas(more.probed)});
    }
    if (group.open_matters) {
      said.checks.push_back(
          {"open." + group.capability,
           fmt::format("{} {}", group.open_matters->count, group.open_matters->what)});
    }
    if (std::string why = stuck(more); !why.empty()) {
      said.stuck = fmt::format("`{}`: {}", group.capability, why);
    }
  }
  return said;
}

} // namespace troupe
