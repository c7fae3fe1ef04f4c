#include "nodes/page/page_json.hpp"

#include "nodes/commands/status/rows.hpp"
#include "runtime/observe/trace_context.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

namespace troupe {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t traces_shown = 30;

} // namespace

ordered_json places_json(const system_view& all) {
  ordered_json nodes = ordered_json::array();
  for (const node_view& each : all.nodes) {
    const wire::known_node* const known = known_node(all, each.name);
    ordered_json one = {
        {"name", each.name}, {"host", each.host}, {"presence", presence_of(all, each.name)}};
    if (known != nullptr) {
      one["away_ms"] = known->away_ms ? ordered_json(*known->away_ms) : ordered_json{};
      one["up_ms"] = known->up_ms ? ordered_json(*known->up_ms) : ordered_json{};
      one["draining"] = known->draining.value_or(false);
    }
    nodes.push_back(std::move(one));
  }
  ordered_json runs = ordered_json::object();
  for (const capability_view& each : all.capabilities) {
    ordered_json& on = runs[each.name] = ordered_json::array();
    for (const capability_place& one : places_of(all, each)) {
      on.push_back(
          {{"node", one.node},
           {"is", name_of(one.is)},
           {"word", one.word},
           {"rate_per_s", one.rate_per_s ? ordered_json(*one.rate_per_s) : ordered_json{}},
           {"in_hand", one.in_hand},
           {"credit", one.credit},
           {"p99_us", one.p99_us ? ordered_json(*one.p99_us) : ordered_json{}}});
    }
  }
  return {{"nodes", std::move(nodes)}, {"runs", std::move(runs)}};
}

ordered_json sagas_json(const system_state& state, std::size_t most) {
  ordered_json list = ordered_json::array();
  std::map<std::string, std::size_t> by_state;
  std::set<std::string> at_least;
  for (const bool still : {true, false}) {
    for (const placed_saga& each : state.sagas) {
      if (stands_still(each.saga.state) != still) {
        continue;
      }
      if (still ? state.has_more_standing : state.has_more_running) {
        at_least.insert(each.saga.state);
      }
      if (++by_state[each.saga.state] <= most) {
        list.push_back(
            {{"id", to_string(each.saga.id)},
             {"capability", each.capability},
             {"operation", each.saga.operation},
             {"state", each.saga.state},
             {"step", each.saga.step},
             {"code", each.saga.code},
             {"reason", each.saga.reason},
             {"maybe_done", each.saga.maybe_done},
             {"effects", each.saga.effects.value_or(std::vector<std::string>{})},
             {"since", each.saga.since},
             {"nodes", each.nodes}});
      }
    }
  }
  if (const std::uint64_t queued = queued_sagas(state.answers.view); queued != 0) {
    by_state["queued"] = queued; // Nodes list only some of them, but count all.
    at_least.erase("queued");
  }
  return {{"counts", by_state}, {"at_least", at_least}, {"list", std::move(list)}};
}

asked_spans ask_spans(
    system_links& links,
    const topology::plan& plan,
    const std::set<std::string>& skipped,
    const wire::get_spans& asked,
    milliseconds patience) {
  const std::string body = wire::encoded(asked);
  asked_spans all;
  const auto take = [&all](const std::string& node, const outcome<std::string>& said) {
    auto read = said.and_then(wire::checked_decode<wire::told_spans>);
    if (!read) {
      all.silent.push_back(node);
      return;
    }
    if (read->is_cut) {
      all.cut.push_back(node);
    }
    for (wire::told_span& each : read->spans) {
      all.found.push_back({each.of.value_or(node), std::move(each)});
    }
  };
  std::vector<std::string> nodes;
  std::vector<question> questions;
  for (const topology::node_plan& each : plan.nodes) {
    if (!skipped.contains(each.name.value)) {
      nodes.push_back(each.name.value);
      questions.push_back({"troupe.node." + each.name.value, "spans", body});
    }
  }
  const auto said = links.ask_any(questions, patience);
  for (std::size_t i = 0; i < said.size(); ++i) {
    take(nodes[i], said[i]);
  }
  for (std::size_t i = 0; i < plan.brokers.size(); ++i) {
    if (!skipped.contains(plan.brokers[i].name)) {
      take(
          plan.brokers[i].name,
          links.ask_broker(i, {{"troupe.broker", "spans", body}}, patience).front());
    }
  }
  return all;
}

ordered_json traces_json(const std::vector<placed_span>& spans) {
  ordered_json list = ordered_json::array();
  for (const trace_summary& each : summaries_of(spans)) {
    if (list.size() == traces_shown) {
      break;
    }
    list.push_back(
        {{"trace", observe::hex_of(each.trace)},
         {"name", each.name},
         {"node", each.node},
         {"at", each.start / 1'000'000},
         {"us", each.duration / 1'000},
         {"spans", each.spans},
         {"failed", each.failed}});
  }
  return list;
}

ordered_json trace_json(const asked_spans& all) {
  ordered_json list = ordered_json::array();
  for (const placed_span& each : all.found) {
    list.push_back(
        {{"span", observe::hex_of(each.what.id)},
         {"parent", each.what.parent == 0 ? "" : observe::hex_of(each.what.parent)},
         {"node", each.node},
         {"name", each.what.name},
         {"kind", each.what.kind},
         {"start_us", each.what.start / 1'000},
         {"us", each.what.duration / 1'000},
         {"failed", each.what.failed},
         {"notes", each.what.notes}});
  }
  return {{"spans", std::move(list)}, {"silent", all.silent}, {"cut", all.cut}};
}

} // namespace troupe
