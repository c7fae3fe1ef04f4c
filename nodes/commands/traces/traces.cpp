#include "nodes/commands/traces/traces.hpp"

#include "nodes/commands/node_questions.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/traces/waterfall.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

struct trace_arguments {
  std::string file;
  std::string id;
  std::string capability;
  milliseconds slow{0};
  std::uint64_t count = 20;
  milliseconds deadline{5'000};
  bool json = false;
};

/// The spans that all processes still have, and the processes that did not answer.
struct all_spans {
  std::vector<placed_span> found;
  std::vector<node_answer> answers;
  /// The nodes whose oldest spans did not fit into their answers.
  std::vector<std::string> cut;
};

all_spans ask_all(const topology::plan& plan, const wire::get_spans& asked, milliseconds deadline) {
  const std::string body = wire::encoded(asked);
  std::vector<node_question> questions;
  for (const topology::node_plan& node : plan.nodes) {
    questions.push_back({node.name.value, "troupe.node", body});
  }
  all_spans all;
  all.answers = ask_nodes(plan, "traces", "spans", questions, deadline);
  for (const topology::broker_plan& broker : plan.brokers) {
    auto said = ask_at_once(
        options_for_command(plan, {broker.listen}, "traces"),
        {{"troupe.broker", "spans", body}},
        deadline);
    all.answers.push_back({broker.name, "troupe.broker", std::move(said.front())});
  }
  const auto take = [&](const node_answer& from, wire::told_spans said) {
    if (said.is_cut) {
      all.cut.push_back(from.node);
    }
    for (wire::told_span& span : said.spans) {
      all.found.push_back({span.of.value_or(from.node), std::move(span)});
    }
  };
  take_answers<wire::told_spans>(all.answers, take);
  return all;
}

std::string start_text(std::int64_t nanoseconds) {
  return utc_time_text(milliseconds{nanoseconds / 1'000'000});
}

std::string json_of(const placed_span& from) {
  const wire::told_span& what = from.what;
  wire::json_object notes;
  for (const auto& [key, value] : what.notes) {
    notes.add(key, value);
  }
  wire::json_object line;
  line.add("trace", observe::hex_of(what.trace))
      .add("span", observe::hex_of(what.id))
      .add("parent", what.parent == 0 ? std::string{} : observe::hex_of(what.parent))
      .add("node", from.node)
      .add("name", what.name)
      .add("kind", what.kind)
      .add("start", start_text(what.start))
      .add("duration_us", what.duration / 1'000)
      .add("failed", what.failed)
      .add("notes", notes);
  return line.text();
}

std::string json_of(const trace_summary& from) {
  wire::json_object line;
  line.add("trace", observe::hex_of(from.trace))
      .add("name", from.name)
      .add("node", from.node)
      .add("start", start_text(from.start))
      .add("duration_us", from.duration / 1'000)
      .add("spans", static_cast<std::uint64_t>(from.spans))
      .add("failed", static_cast<std::uint64_t>(from.failed));
  return line.text();
}

int run_list(const trace_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  wire::get_spans asked{.slow_us = static_cast<std::uint64_t>(given.slow.count()) * 1'000};
  if (!given.capability.empty()) {
    if (plan.find(capability_name{given.capability}) == nullptr) {
      return print_error(unknown_capability(plan, given.capability), given.json);
    }
    asked.capability = given.capability;
  }
  const all_spans all = ask_all(plan, asked, given.deadline);
  auto traces = summaries_of(all.found);
  if (traces.size() > given.count) {
    traces.resize(given.count);
  }
  if (given.json) {
    for (const trace_summary& each : traces) {
      fmt::print("{}\n", json_of(each));
    }
  } else if (traces.empty()) {
    fmt::print("no process has a trace{}\n", given.slow.count() != 0 ? " as slow as that" : "");
  } else {
    text_table table{
        {{"trace"},
         {"began (UTC)"},
         {"took", text_table::side::right},
         {"spans", text_table::side::right},
         {"failed", text_table::side::right},
         {"name"}}};
    for (const trace_summary& each : traces) {
      table.add(
          {observe::hex_of(each.trace),
           start_text(each.start),
           span_time_text(each.duration),
           fmt::to_string(each.spans),
           fmt::to_string(each.failed),
           cell_text(each.name, 60)});
    }
    fmt::print("{}", table.for_terminal());
  }
  const bool is_part = print_silent(all.answers, given.json);
  const bool is_choice = given.slow.count() != 0 || !given.capability.empty();
  if (!given.json && !(traces.empty() && is_choice)) {
    print_aside(
        traces.empty()
            ? fmt::format(
                "  next: `traces: {{sample: 1}}` in {} has all of them recorded\n", given.file)
            : fmt::format("  next: `troupe trace {} TRACE` draws one\n", shell_word(given.file)));
  }
  return is_part ? exit_code::error : exit_code::ok;
}

int run_one(const trace_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  const all_spans all = ask_all(plan, {.trace = observe::parse_trace_id(given.id)}, given.deadline);
  if (given.json) {
    for (const placed_span& each : all.found) {
      fmt::print("{}\n", json_of(each));
    }
  } else if (all.found.empty()) {
    fmt::print("no process has spans of this trace\n");
    print_aside("  next: it may not be recorded (`traces: {sample: ...}`), or be older than what "
                "the processes keep: their newest 1,024 spans a thread\n");
  } else {
    const trace_summary sum = summaries_of(all.found).front();
    fmt::print(
        "trace {}\n{}, {}, {} spans{}\n\n",
        observe::hex_of(sum.trace),
        start_text(sum.start),
        span_time_text(sum.duration),
        sum.spans,
        sum.failed == 0 ? std::string{} : fmt::format(", {} failed", sum.failed));
    fmt::print("{}", waterfall(all.found));
  }
  if (!all.cut.empty()) {
    print_aside(fmt::format(
        "  a part: {} may have had more spans of it; the oldest are left out\n",
        fmt::join(all.cut, ", ")));
  }
  return print_silent(all.answers, given.json) ? exit_code::error : exit_code::ok;
}

std::string check_trace(const std::string& text) {
  return observe::parse_trace_id(text)
             ? std::string{}
             : fmt::format(
                 "`{}` is not a trace: 32 hexadecimal digits, or the id of the call or event that "
                 "began it",
                 cell_text(text, 60));
}

} // namespace

void add_traces(command_line& line) {
  const auto given = std::make_shared<trace_arguments>();
  line.add("traces", "Lists the newest traces that brokers and nodes still have")
      .word("FILE", given->file, "the topology")
      .option("--slow", given->slow, "only those with a span that took at least this long")
      .option("--capability", given->capability, "only those in which this capability took part")
      .option("--count", given->count, "the most to list [20]", 1, 1'000)
      .option("--deadline", given->deadline, "how long to wait for an answer [5s]")
      .flag("--json", given->json, "one JSON object for each")
      .footer(with_exit_codes(
          "Each process keeps its newest spans in memory: 1,024 for each of its threads."))
      .runs([given] { return run_list(*given); });
  line.add("trace", "Draws one trace: which process did what, when and for how long")
      .word("FILE", given->file, "the topology")
      .word(
          "TRACE",
          given->id,
          "32 hexadecimal digits; or the id of the call or event that began it",
          check_trace)
      .option("--deadline", given->deadline, "how long to wait for an answer [5s]")
      .flag("--json", given->json, "one JSON object for each span, with its notes")
      .footer(
          with_exit_codes("A span is listed below the one that caused it; `!` marks a failure."))
      .runs([given] { return run_one(*given); });
}

} // namespace troupe
