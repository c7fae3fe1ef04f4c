#include "runtime/broker/server/status.hpp"

#include <algorithm>

namespace troupe::broker {

namespace {

std::uint64_t millis(instant::duration span) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(span).count());
}

/// The words of a worker about itself, cut.
std::string shown(const std::string& text) {
  return wire::travelling(text, wire::why_bytes_max);
}

/// Nodes and brokers answer for themselves under names that begin so; status does not list them.
bool is_own(const capability& which) {
  return which.name.starts_with("troupe.");
}

wire::known_node describe(const node& which, const directory& from, instant now) {
  wire::known_node said{.name = which.name, .live = which.live};
  if (!which.live) {
    if (which.heard != instant{}) {
      said.away_ms = millis(now - which.heard);
    }
    return said;
  }
  said.incarnation = to_string(which.incarnation);
  said.pid = which.pid;
  said.up_ms = millis(now - which.since);
  said.draining = which.draining;
  said.busy_ms = which.progress.busy_ms;
  said.capabilities.emplace();
  for (const node::place& at : which.placements) {
    const capability& where = from.capabilities[at.capability];
    if (!is_own(where)) {
      const placement& served = where.placements[at.placement];
      said.capabilities->push_back(
          {where.name,
           served.credit,
           served.outstanding,
           served.replicas,
           served.inbox,
           shown(served.breaker),
           shown(served.why_shut),
           shown(served.forced)});
    }
  }
  return said;
}

wire::known_capability describe(const capability& which, const directory& from) {
  const bool is_served = std::ranges::any_of(which.placements, [&](const placement& each) {
    return from.nodes[each.node].live && each.credit > 0;
  });
  wire::known_capability said{
      which.name, which.waiting(), which.outstanding, which.awaiting.size, !is_served};
  if (const auto p99 = which.recent.p99(which.times.ended())) {
    said.p99_us = static_cast<std::uint64_t>(p99->count());
  }
  return said;
}

} // namespace

void leave_out_details(wire::broker_status& said) {
  said.events = {
      {"status_cut",
       0,
       {{"what",
         "events and what each node serves are left out: together they outgrow an answer"}}}};
  for (wire::known_node& each : said.nodes) {
    each.capabilities.reset();
  }
}

std::vector<call_times> times_of(const router& calls) {
  std::vector<call_times> times;
  for (const capability& each : calls.nodes().capabilities) {
    if (!is_own(each)) {
      times.push_back(each.times);
    }
  }
  return times;
}

wire::broker_status status_of(const router& calls, const broker_log& log, instant now) {
  wire::broker_status said;
  said.calls_held = calls.size();
  said.counters = calls.counts();
  for (const node& each : calls.nodes().nodes) {
    said.nodes.push_back(describe(each, calls.nodes(), now));
  }
  for (const capability& each : calls.nodes().capabilities) {
    if (!is_own(each)) {
      said.capabilities.push_back(describe(each, calls.nodes()));
    }
  }
  for (const broker_log::line& each : log.recent()) {
    auto& told = said.events.emplace_back();
    told.name = each.what.name;
    told.ago_ms = millis(now - each.at);
    for (const auto& [name, text] : each.what.fields) {
      told.fields.emplace(name, wire::travelling(text, text.size()));
    }
  }
  return said;
}

} // namespace troupe::broker
