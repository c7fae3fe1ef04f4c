#include "runtime/saga/graph.hpp"

#include <fmt/format.h>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::saga {

namespace {

/// `text` with each quote replaced, since it would end the quoted text.
std::string quoted(std::string_view text, std::string_view quote) {
  std::string safe;
  for (const char each : text) {
    if (each == '"') {
      safe += quote;
    } else if (each != '\\' && each != '\n') {
      safe += each;
    }
  }
  return '"' + safe + '"';
}

std::string what_it_does(const step& of) {
  switch (of.act) {
  case step_act::wait:
    return fmt::format(
        "waits for {}{}{}, {}",
        of.operation,
        of.operation.empty() || of.topic.empty() ? "" : " or ",
        of.topic,
        duration_text(of.deadline));
  case step_act::timer:
    return fmt::format("lets {} pass", duration_text(of.deadline));
  case step_act::call:
    break;
  }
  return of.capability + "." + of.operation;
}

std::string label_of(const step& of, const char* line_break) {
  constexpr std::string_view kinds[] = {"", "pivot", "retried until done"};
  const std::string_view kind = kinds[static_cast<std::size_t>(of.kind)];
  return fmt::format(
      "{}{}{}{}{}{}{}",
      of.name,
      line_break,
      what_it_does(of),
      kind.empty() ? "" : line_break,
      kind,
      of.when ? line_break : "",
      of.when ? "if its condition holds" : "");
}

/// The nodes that come before each step: those of the step before, and of all that are parallel to
/// it.
class frontier {
public:
  /// @return the nodes from which an edge goes to step `index`.
  const std::vector<std::string>& before(const step& each, std::size_t index) {
    if (!each.parallel) {
      before_ = std::exchange(here_, {});
    }
    here_.push_back(fmt::format("s{}", index));
    return before_;
  }

  const std::vector<std::string>& last() const { return here_; }

private:
  std::vector<std::string> before_;
  std::vector<std::string> here_{"begin"};
};

} // namespace

std::string mermaid_of(const definition& drawn) {
  const auto in_quotes = [](std::string_view text) { return quoted(text, "#quot;"); };
  std::string text = fmt::format("flowchart TD\n  begin([{}])\n", in_quotes(drawn.operation));
  frontier order;
  for (std::size_t i = 0; i < drawn.steps.size(); ++i) {
    const step& each = drawn.steps[i];
    const std::string label = in_quotes(label_of(each, "<br/>"));
    text += each.kind == step_kind::pivot ? fmt::format("  s{}{{{{{}}}}}\n", i, label)
                                          : fmt::format("  s{}[{}]\n", i, label);
    for (const std::string& before : order.before(each, i)) {
      text += fmt::format("  {} --> s{}\n", before, i);
    }
    if (!each.undo.empty()) {
      text += fmt::format(
          "  u{0}[/{1}/]\n  s{0} -. undo .-> u{0}\n",
          i,
          in_quotes(each.capability + "." + each.undo));
    }
  }
  for (const std::string& before : order.last()) {
    text += fmt::format("  {} --> done([\"completed\"])\n", before);
  }
  return text;
}

std::string dot_of(const definition& drawn) {
  const auto in_quotes = [](std::string_view text) { return quoted(text, "\\\""); };
  std::string text =
      fmt::format("digraph {0} {{\n  begin [label={0}, shape=oval]\n", in_quotes(drawn.operation));
  frontier order;
  for (std::size_t i = 0; i < drawn.steps.size(); ++i) {
    const step& each = drawn.steps[i];
    std::string label = in_quotes(label_of(each, "\x01"));
    for (std::size_t at = 0; (at = label.find('\x01', at)) != std::string::npos;) {
      label.replace(at, 1, "\\n");
    }
    text += fmt::format(
        "  s{} [label={}, shape={}]\n",
        i,
        label,
        each.kind == step_kind::pivot ? "hexagon" : "box");
    for (const std::string& before : order.before(each, i)) {
      text += fmt::format("  {} -> s{}\n", before, i);
    }
    if (!each.undo.empty()) {
      text += fmt::format(
          "  u{0} [label={1}, shape=parallelogram]\n  s{0} -> u{0} [label=undo, style=dashed]\n",
          i,
          in_quotes(each.capability + "." + each.undo));
    }
  }
  text += "  done [label=completed, shape=oval]\n";
  for (const std::string& before : order.last()) {
    text += fmt::format("  {} -> done\n", before);
  }
  return text + "}\n";
}

} // namespace troupe::saga
