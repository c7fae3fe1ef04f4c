#include "nodes/node_health.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

constexpr std::string_view open_breaker = "open";

std::string trouble_of(const wire::group_status& group) {
  if (!group.down_reason.empty()) {
    return group.down_reason;
  }
  return group.breaker == open_breaker ? "its breaker is open: calls to it are refused here" : "";
}

std::string why_unready(const worker_snapshot& worker) {
  if (worker.is_draining) {
    return "it is being drained";
  }
  if (std::find(worker.links.begin(), worker.links.end(), true) == worker.links.end()) {
    return "it is logged in at no broker";
  }
  const auto& groups = worker.status.groups;
  const bool one_serves = std::any_of(
      groups.begin(), groups.end(), [](const auto& each) { return each.down_reason.empty(); });
  return one_serves ? "" : "none of its capabilities is served";
}

} // namespace

observe::health health_of(const wire::broker_status& broker, bool keeps_journal) {
  observe::health said;
  if (broker.draining) {
    said.unready = "it is being drained";
  }
  if (keeps_journal) {
    said.checks.push_back({"journal", ""});
  }
  for (const wire::known_capability& each : broker.capabilities) {
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
    said.checks.push_back({"broker." + brokers[i], worker.links[i] ? "" : "not logged in there"});
  }
  for (std::size_t i = 0; i < worker.status.groups.size(); ++i) {
    const wire::group_status& group = worker.status.groups[i];
    said.checks.push_back({"capability." + group.capability, trouble_of(group)});
    if (group.store != "none") {
      const std::string& refused = worker.refused_stores[i];
      said.checks.push_back(
          {"database." + group.capability, refused.empty() ? group.outbox_trouble : refused});
    }
  }
  return said;
}

} // namespace troupe
