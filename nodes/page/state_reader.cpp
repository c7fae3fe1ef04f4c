#include "nodes/page/state_reader.hpp"

#include "nodes/commands/status/report.hpp"
#include "nodes/commands/status/rows.hpp"
#include "nodes/page/features_json.hpp"
#include "nodes/page/page_json.hpp"
#include "runtime/ids.hpp"

#include <utility>

namespace troupe {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t sagas_shown = 50;
constexpr std::uint32_t spans_read = 500;

} // namespace

state_reader::state_reader(
    const topology::plan& plan,
    std::string gateway,
    std::vector<std::string> orders,
    const gateway_features* features,
    const clock& time)
    : plan_{plan}, gateway_{std::move(gateway)}, orders_{std::move(orders)},
      incarnation_{to_string(uuid_source{}.next(time.wall()))}, features_{features}, time_{time},
      system_{plan, plan.file, time} {
}

std::string state_reader::read(system_links& links) {
  const system_state state = system_.read(links);
  const system_view& view = state.answers.view;
  if (state.is_from_databases) {
    traces_ = traces_json(
        ask_spans(links, plan_, silent_in(view), {.count = spans_read}, reader_patience).found);
    moving_ = features_json(plan_, links, features_, reader_patience);
  }
  ordered_json all = {
      {"system", plan_.name},
      {"file", plan_.file},
      {"gateway", gateway_},
      {"incarnation", incarnation_},
      {"at", std::chrono::floor<milliseconds>(time_.wall().time_since_epoch()).count()},
      {"headline", headline(view, state.found)},
      {"journal", view.journal_broker},
      {"orders", orders_}};
  all.update(report_of(plan_, state.answers, state.found));
  all["places"] = places_json(view);
  all["events"] =
      view.events ? json_of(wire::encoded(*view.events)).value_or(nullptr) : ordered_json{};
  all["sagas"] = sagas_json(state, sagas_shown);
  all["letters"] = ordered_json::array();
  for (const wire::letter& each : state.letters) {
    all["letters"].push_back(json_of(wire::encoded(each)).value_or(nullptr));
  }
  all["traces"] = traces_;
  all["features"] = moving_;
  return line_of(all);
}

} // namespace troupe
