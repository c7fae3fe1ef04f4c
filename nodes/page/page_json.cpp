#include "nodes/page/page_json.hpp"

#include "runtime/observe/trace_context.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace troupe {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t traces_shown = 30;

/// "live", "away" or "unknown": what the brokers say of a node, and "silent" if it is live and does
/// not answer itself.
std::string_view presence_of(const system_view& all, const std::string& name) {
  const wire::known_node* const known = known_node(all, name);
  if (known == nullptr) {
    return "unknown";
  }
  const node_view* const node = find_node(all, name);
  return !known->live ? "away" : node == nullptr || !node->said ? "silent" : "live";
}

} // namespace

ordered_json places_of(const system_view& all) {
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
    runs[each.name] = each.nodes;
  }
  return {{"nodes", std::move(nodes)}, {"runs", std::move(runs)}};
}

ordered_json sagas_json(const std::vector<wire::standing_sagas>& said, std::size_t most) {
  // By the capability too: the id alone is the call's, which may start several.
  std::map<std::pair<uuid, std::string>, ordered_json> all;
  for (const wire::standing_sagas& page : said) {
    for (const wire::standing_saga& each : page.sagas) {
      ordered_json& one = all[{each.id, page.capability}];
      if (one.is_null()) {
        one = {
            {"id", to_string(each.id)},
            {"capability", page.capability},
            {"operation", each.operation},
            {"state", each.state},
            {"step", each.step},
            {"code", each.code},
            {"reason", each.reason},
            {"maybe_done", each.maybe_done},
            {"since", each.since},
            {"nodes", ordered_json::array()}};
      }
      one["nodes"].push_back(page.node);
    }
  }
  ordered_json list = ordered_json::array();
  std::map<std::string, std::size_t> by_state;
  for (auto& [id, each] : all) {
    if (++by_state[each["state"].get<std::string>()] <= most) {
      list.push_back(std::move(each));
    }
  }
  return {{"counts", by_state}, {"list", std::move(list)}};
}

std::vector<placed_span> ask_spans(
    system_links& links,
    const topology::plan& plan,
    const std::set<std::string>& skipped,
    const wire::get_spans& asked,
    milliseconds patience) {
  const std::string body = wire::encoded(asked);
  std::vector<placed_span> found;
  const auto take = [&found](const std::string& node, const outcome<std::string>& said) {
    if (said) {
      if (auto read = wire::checked_decode<wire::told_spans>(*said)) {
        for (wire::told_span& each : read->spans) {
          found.push_back({node, std::move(each)});
        }
      }
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
  return found;
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

ordered_json trace_json(const std::vector<placed_span>& spans) {
  ordered_json list = ordered_json::array();
  for (const placed_span& each : spans) {
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
  return list;
}

} // namespace troupe
