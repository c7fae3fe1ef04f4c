#include "runtime/saga/step_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>

namespace troupe::saga {

namespace {

bool can_all_be_undone(const step_table& table) {
  return std::ranges::all_of(table.steps, [](const step_row& row) {
    return row.kind == static_cast<std::uint8_t>(step_kind::compensatable);
  });
}

/// Stands for a condition that this program does not have.
struct gone_condition {
  outcome<bool> operator()(const facts&) const {
    return failure{error{
        .code = errc::conflict,
        .message = "this program has no condition of step `" + step
                   + "` any more, which the saga began with"}};
  }

  std::string step;
};

} // namespace

step_table table_of(const definition& from) {
  step_table table{from.operation, from.deadline, {}};
  for (const step& each : from.steps) {
    table.steps.push_back(
        {each.name,
         each.capability,
         each.operation,
         each.undo,
         static_cast<std::uint8_t>(each.kind),
         each.deadline,
         static_cast<std::uint32_t>(std::max(0, each.retries)),
         each.backoff,
         each.act == step_act::call ? std::nullopt
                                    : std::optional{static_cast<std::uint8_t>(each.act)},
         each.parallel ? std::optional{true} : std::nullopt,
         each.when ? std::optional{true} : std::nullopt,
         each.topic.empty() ? std::nullopt : std::optional{each.topic}});
  }
  return table;
}

std::uint64_t fingerprint_of(const step_table& table) {
  std::string text = table.operation;
  for (const step_row& each : table.steps) {
    for (const std::string* word : {&each.name, &each.capability, &each.operation, &each.undo}) {
      text += '\0';
      text += *word;
    }
    text += static_cast<char>(each.kind);
    const int act = each.act.value_or(0);
    const bool parallel = each.parallel.value_or(false);
    const bool conditional = each.conditional.value_or(false);
    if (act != 0 || parallel || conditional) {
      text += fmt::format("\1{}{:d}{:d}", act, parallel, conditional);
    }
  }
  return digest_of(std::as_bytes(std::span{text}));
}

outcome<step_table> read_table(std::string_view bytes, std::uint64_t fingerprint) {
  auto table = wire::checked_decode<step_table>(bytes);
  if (!table) {
    return failure{internal_error(
        fmt::format("step table {:016x} is damaged: {}", fingerprint, table.error().message))};
  }
  const bool has_kinds = std::ranges::all_of(table->steps, [](const auto& row) {
    return row.kind <= static_cast<std::uint8_t>(step_kind::retriable)
           && row.act.value_or(0) <= static_cast<std::uint8_t>(step_act::timer);
  });
  if (!has_kinds || table->steps.empty() || table->steps.size() > steps_max
      || fingerprint_of(*table) != fingerprint) {
    return failure{internal_error(
        fmt::format("step table {:016x} is damaged: it has another fingerprint", fingerprint))};
  }
  return table;
}

definition definition_of(const step_table& table, const definition& now) {
  definition made{
      .operation = table.operation,
      .deadline = table.deadline,
      .person_after = now.person_after,
      .steps = {},
      .answer = now.answer,
      .accept = now.accept,
      .undo = can_all_be_undone(table) ? now.undo : "",
      .at_once = now.at_once,
      .queue = now.queue};
  for (const step_row& row : table.steps) {
    step& old = made.steps.emplace_back();
    old.name = row.name;
    old.capability = row.capability;
    old.operation = row.operation;
    old.undo = row.undo;
    old.kind = static_cast<step_kind>(row.kind);
    old.deadline = row.deadline;
    old.retries = static_cast<int>(row.retries);
    old.backoff = row.backoff;
    old.act = static_cast<step_act>(row.act.value_or(0));
    old.parallel = row.parallel.value_or(false);
    old.topic = row.topic.value_or("");
    const bool conditional = row.conditional.value_or(false);
    if (conditional) {
      old.when = gone_condition{row.name};
    }
    const auto same = std::ranges::find_if(now.steps, [&](const step& each) {
      return each.name == row.name && each.capability == row.capability;
    });
    if (same == now.steps.end()) {
      continue;
    }
    old.key = same->key;
    if (conditional && same->when) {
      old.when = same->when;
    }
    if (old.act == step_act::wait && same->act == step_act::wait) {
      old.hears = same->hears;
      old.reply = same->reply;
    }
    if (same->operation == row.operation && same->act == old.act) {
      old.request = same->request;
      old.reply = same->reply;
    }
    if (same->undo == row.undo) {
      old.undo_request = same->undo_request ? same->undo_request : same->request;
    }
  }
  return made;
}

bool lacks_condition(const step& of) {
  return of.when.target<gone_condition>() != nullptr;
}

} // namespace troupe::saga
