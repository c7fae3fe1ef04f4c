#include "nodes/commands/saga_filter.hpp"

#include "nodes/text_table.hpp"
#include "runtime/contains.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace troupe {

namespace {

std::vector<node_question> questions_of(
    const saga_filter& filter, const std::vector<const topology::capability_plan*>& meant) {
  std::vector<node_question> questions;
  for (const auto* const each : meant) {
    wire::get_standing_sagas asked{.capability = each->name.value};
    asked.count = static_cast<std::uint32_t>(filter.count);
    if (!filter.states.empty()) {
      asked.states = filter.states;
    }
    if (!filter.step.empty()) {
      asked.step = filter.step;
    }
    if (!filter.operation.empty()) {
      asked.operation = filter.operation;
    }
    asked.older_ms = static_cast<std::uint64_t>(filter.older.count());
    if (!filter.after.empty()) {
      asked.after = parse_uuid(filter.after);
    }
    std::ranges::copy(questions_to(*each, wire::encoded(asked)), std::back_inserter(questions));
  }
  return questions;
}

/// Whether a saga matches the filter, with the rules that nodes of this release apply.
bool is_meant(const wire::standing_saga& saga, const saga_filter& filter, wall_time now) {
  return (filter.states.empty() || contains(filter.states, saga.state))
         && (filter.step.empty() || wire::stands_at(saga.step, filter.step))
         && (filter.operation.empty() || filter.operation == saga.operation)
         && saga.id.born() <= now - filter.older;
}

} // namespace

void add_filter(command& takes, saga_filter& given) {
  takes
      .option(
          "--state",
          given.states,
          "only those in this state; may be repeated",
          one_of(
              {"parked",
               "paused",
               "failing",
               "left_alone",
               "needs_person",
               "forward",
               "undoing",
               "queued",
               "completed",
               "compensated"}))
      .option("--step", given.step, "only those at this step")
      .option("--operation", given.operation, "only those that this operation started")
      .option("--older", given.older, "only those started at least this long ago, such as 5m");
}

void end_at_next(saga_page& page) {
  if (page.next) {
    std::erase_if(page.found, [&](const auto& each) { return *page.next < each.first.second; });
  }
}

saga_page list_sagas(
    const topology::plan& plan,
    const std::vector<const topology::capability_plan*>& meant,
    const saga_filter& filter,
    milliseconds deadline) {
  saga_page page;
  page.answers = ask_nodes(plan, "sagas", "sagas", questions_of(filter, meant), deadline);
  const wall_time now = system_clock{}.wall();
  const auto take = [&](const node_answer& from, const wire::standing_sagas& said) {
    page.queued += said.queued.value_or(0);
    for (const wire::standing_saga& saga : said.sagas) {
      if (!is_meant(saga, filter, now)) {
        continue;
      }
      listed_saga& one = page.found[{from.capability, saga.id}];
      if (one.nodes.empty()) {
        one.capability = from.capability;
        one.saga = saga;
      }
      one.nodes.push_back(from.node);
    }
    if (said.next && (!page.next || *said.next < *page.next)) {
      page.next = said.next;
    }
  };
  take_answers<wire::standing_sagas>(page.answers, take);
  end_at_next(page);
  return page;
}

std::string json_of(const listed_saga& from) {
  wire::json_object line;
  line.add("id", from.saga.id)
      .add("capability", from.capability)
      .add("operation", from.saga.operation)
      .add("state", from.saga.state)
      .add("step", from.saga.step)
      .add("code", from.saga.code)
      .add("reason", from.saga.reason)
      .add("maybe_done", from.saga.maybe_done)
      .add("failures", from.saga.failures)
      .add("effects", from.saga.effects.value_or(std::vector<std::string>{}))
      .add("earlier_steps", from.saga.earlier_steps.value_or(false))
      .add("since", utc_time_text(milliseconds{from.saga.since}))
      .add("nodes", from.nodes);
  return line.text();
}

std::string text_of(const saga_page& page) {
  text_table table{
      {{"id"}, {"capability"}, {"operation"}, {"state"}, {"at"}, {"since"}, {"reason"}}};
  for (const auto& [key, each] : page.found) {
    const bool is_everywhere = each.saga.state == "parked" || each.saga.state == "paused";
    const std::string reason = each.saga.reason.empty()
                                   ? each.saga.code
                                   : fmt::format("{}: {}", each.saga.code, each.saga.reason);
    table.add(
        {to_string(each.saga.id),
         each.capability,
         cell_text(each.saga.operation),
         is_everywhere ? each.saga.state
                       : fmt::format("{} ({})", each.saga.state, fmt::join(each.nodes, ", ")),
         cell_text(each.saga.step),
         utc_time_text(milliseconds{each.saga.since}),
         cell_text(reason, 100)});
  }
  return table.for_terminal();
}

} // namespace troupe
