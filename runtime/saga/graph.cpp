#include "runtime/saga/graph.hpp"

#include <fmt/format.h>
#include <string_view>

namespace troupe::saga {

namespace {

/// `text` with each quote replaced, as inside of quotes it would end them.
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

std::string label_of(const step& of, const char* line_break) {
  constexpr std::string_view kinds[] = {"", "pivot", "retried until done"};
  const std::string_view kind = kinds[static_cast<std::size_t>(of.kind)];
  return fmt::format(
      "{}{}{}.{}{}{}",
      of.name,
      line_break,
      of.capability,
      of.operation,
      kind.empty() ? "" : line_break,
      kind);
}

} // namespace

std::string mermaid_of(const definition& drawn) {
  const auto in_quotes = [](std::string_view text) { return quoted(text, "#quot;"); };
  std::string text = fmt::format("flowchart TD\n  begin([{}])\n", in_quotes(drawn.operation));
  std::string before = "begin";
  for (std::size_t i = 0; i < drawn.steps.size(); ++i) {
    const step& each = drawn.steps[i];
    const std::string label = in_quotes(label_of(each, "<br/>"));
    text += each.kind == step_kind::pivot ? fmt::format("  s{}{{{{{}}}}}\n", i, label)
                                          : fmt::format("  s{}[{}]\n", i, label);
    text += fmt::format("  {} --> s{}\n", before, i);
    if (!each.undo.empty()) {
      text += fmt::format(
          "  u{0}[/{1}/]\n  s{0} -. undo .-> u{0}\n",
          i,
          in_quotes(each.capability + "." + each.undo));
    }
    before = fmt::format("s{}", i);
  }
  return text + fmt::format("  {} --> done([\"completed\"])\n", before);
}

std::string dot_of(const definition& drawn) {
  const auto in_quotes = [](std::string_view text) { return quoted(text, "\\\""); };
  std::string text =
      fmt::format("digraph {0} {{\n  begin [label={0}, shape=oval]\n", in_quotes(drawn.operation));
  std::string before = "begin";
  for (std::size_t i = 0; i < drawn.steps.size(); ++i) {
    const step& each = drawn.steps[i];
    std::string label = in_quotes(label_of(each, "\x01"));
    for (std::size_t at = 0; (at = label.find('\x01', at)) != std::string::npos;) {
      label.replace(at, 1, "\\n");
    }
    text += fmt::format(
        "  s{} [label={}, shape={}]\n  {} -> s{}\n",
        i,
        label,
        each.kind == step_kind::pivot ? "hexagon" : "box",
        before,
        i);
    if (!each.undo.empty()) {
      text += fmt::format(
          "  u{0} [label={1}, shape=parallelogram]\n  s{0} -> u{0} [label=undo, style=dashed]\n",
          i,
          in_quotes(each.capability + "." + each.undo));
    }
    before = fmt::format("s{}", i);
  }
  return text + fmt::format("  done [label=completed, shape=oval]\n  {} -> done\n}}\n", before);
}

} // namespace troupe::saga
