#include "nodes/commands/why/life.hpp"

#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace troupe::why {

namespace {

using wire::delivery_told;
using wire::effect_told;
using wire::event_told;
using wire::message_told;
using wire::saga_record_told;
using wire::saga_told;

constexpr std::size_t reason_width = 160;
constexpr std::size_t body_width = 200;
constexpr std::size_t line_width = 2'000;

wall_time time_of(std::int64_t at) {
  return time_since_1970(milliseconds{at});
}

std::string answer_text(const message_told& of) {
  switch (of.state) {
  case 2:
    return of.reply.bytes.empty()
               ? "answered"
               : "answered " + cell_text(wire::json_of(of.reply.bytes), body_width);
  case 3: {
    const auto why = wire::read_error(of.reply.bytes);
    return why ? fmt::format(
               "refused: {}: {}", name_of(why->code), cell_text(why->message, reason_width))
               : std::string{"refused; the stored error is unreadable"};
  }
  default:
    return "accepted; its answer is not there yet";
  }
}

std::string delivery_text(const delivery_told& of) {
  if (of.is_handled) {
    return fmt::format("handled by {}", of.capability);
  }
  if (of.is_dead) {
    return fmt::format(
        "given up for {} after {} tries: {}",
        of.capability,
        of.attempts,
        cell_text(of.reason, reason_width));
  }
  if (of.attempts != 0) {
    return fmt::format(
        "failed {} times for {}, which tries it again: {}",
        of.attempts,
        of.capability,
        cell_text(of.reason, reason_width));
  }
  return fmt::format("not yet handled by {}", of.capability);
}

/// The only capability for which the event was journaled again; null if it is for all.
const std::string* only_taker(const life& of, const event_told& which) {
  const auto found = std::ranges::find_if(
      of.retries, [&](const auto& each) { return each.position == which.position; });
  return found == of.retries.end() ? nullptr : &found->capability;
}

std::string event_text(const life& all, const event_told& of) {
  const std::string what = fmt::format(
      "event {}{} from {}",
      cell_text(of.topic, 60),
      of.key.empty() ? std::string{} : fmt::format(" (key {})", cell_text(of.key, 60)),
      of.source.empty() ? std::string{"a client"} : cell_text(of.source, 60));
  if (const std::string* const only = only_taker(all, of)) {
    return fmt::format("{}, delivered to {} again at position {}", what, *only, of.position);
  }
  return of.position != 0 ? fmt::format("{}, journaled at position {}", what, of.position)
         : of.is_timer
             ? fmt::format("{}, to be published at {}", what, utc_time_text(time_of(of.at)))
             : fmt::format("{}, committed and not yet in the journal", what);
}

std::string record_text(const saga_record_told& of) {
  std::string text = of.kind;
  text += of.step.empty() ? "" : " " + of.step;
  text += of.attempt > 1 ? fmt::format(" (try {})", of.attempt) : "";
  text += of.reason.empty() ? "" : ": " + cell_text(of.reason, reason_width);
  return text;
}

judgement judge_event(const life& all, const event_told& of) {
  if (of.position == 0) {
    return {verdict::under_way, event_text(all, of)};
  }
  const delivery_told* worst = nullptr;
  for (const delivery_told& each : of.deliveries) {
    if (each.is_dead) {
      return {verdict::waits_for_person, delivery_text(each)};
    }
    worst = each.is_handled ? worst : &each;
  }
  if (worst != nullptr) {
    return {verdict::under_way, delivery_text(*worst)};
  }
  for (const unheard_told& each : all.unheard) {
    if (each.position == of.position) {
      return {
          verdict::not_known,
          fmt::format(
              "journaled; whether {} has handled it is not known (see below)", each.capability)};
    }
  }
  return {
      verdict::done,
      of.deliveries.empty() ? "journaled; no capability subscribes to it"
                            : "journaled and handled by all that subscribe to it"};
}

/// The verdict on an event, the worst of several if it was journaled more than once.
std::optional<judgement> judge_events(const life& of, const uuid& asked) {
  constexpr auto rank = [](verdict of_one) {
    switch (of_one) {
    case verdict::waits_for_person:
      return 3;
    case verdict::under_way:
      return 2;
    case verdict::not_known:
      return 1;
    case verdict::done:
      break;
    }
    return 0;
  };
  std::optional<judgement> worst;
  for (const event_told& each : of.events) {
    if (each.id == asked) {
      judgement one = judge_event(of, each);
      if (!worst || rank(one.is) > rank(worst->is)) {
        worst = std::move(one);
      }
    }
  }
  return worst;
}

std::string letter_text(const letter_told& of) {
  return fmt::format(
      "dead letter {} of {}: {} after {} tries on {} (replica {}): {}",
      to_string(of.id),
      of.capability,
      of.cause,
      of.attempts,
      of.node,
      of.replica,
      cell_text(of.reason, reason_width));
}

std::string effect_text(const effect_told& of) {
  return of.unsettled == 0 ? fmt::format(
             "effect {} waits for the outside, under key {}", of.name, to_string(of.key))
                           : fmt::format(
                               "the result of effect {} (key {}) could not be settled {} times: {}",
                               of.name,
                               to_string(of.key),
                               of.unsettled,
                               cell_text(of.reason, reason_width));
}

judgement judge_pending(const life& of, const message_told& message) {
  for (const effect_told& each : of.effects) {
    if (each.call == message.id) {
      return {verdict::under_way, effect_text(each)};
    }
  }
  return {verdict::under_way, answer_text(message)};
}

/// Judges a call, or the saga that it started: a saga that is over may be undone later, and stop.
judgement judge_call(const life& of, const message_told* message, const saga_told* saga) {
  if (saga != nullptr && saga->phase == "parked") {
    return {
        verdict::waits_for_person,
        saga->records.empty() ? std::string{"its saga is parked"}
                              : "its saga is " + record_text(saga->records.back())};
  }
  if (message != nullptr && message->state == 1) {
    return judge_pending(of, *message);
  }
  if (saga != nullptr && saga->phase != "completed" && saga->phase != "compensated") {
    return {
        verdict::under_way,
        saga->records.empty()
            ? fmt::format("its saga is {}", saga->phase)
            : fmt::format(
                "its saga is {}, and came to: {}", saga->phase, record_text(saga->records.back()))};
  }
  return {
      verdict::done,
      message != nullptr ? answer_text(*message)
                         : fmt::format("its saga is {}; its answer was forgotten", saga->phase)};
}

/// The lines of a page in the order of their times; lines without a time come first.
struct lines {
  std::vector<std::pair<std::optional<wall_time>, std::string>> all;

  void add(std::optional<wall_time> at, const std::string& where, const std::string& text) {
    all.emplace_back(at, fmt::format("{:<14} {}", where, text));
  }
};

lines lines_of(const life& of) {
  lines made;
  for (const message_told& each : of.messages) {
    made.add(
        each.id.born(),
        each.capability,
        fmt::format(
            "{} {}, handled by {} (replica {}, try {}): {}",
            each.operation,
            to_string(each.id),
            each.node,
            each.replica,
            each.attempt,
            answer_text(each)));
  }
  for (const saga_told& saga : of.sagas) {
    for (const saga_record_told& each : saga.records) {
      made.add(
          time_of(each.at),
          saga.capability,
          fmt::format("saga {}: {}", saga.operation, record_text(each)));
    }
  }
  for (const wire::change_told& each : of.changes) {
    made.add(
        time_of(each.at),
        each.capability,
        fmt::format("{} became version {}: {}", to_string(each.stream), each.version, each.type));
  }
  for (const event_told& each : of.events) {
    made.add(
        time_of(each.at),
        "journal",
        fmt::format("{} {}", event_text(of, each), to_string(each.id)));
    for (const delivery_told& by : each.deliveries) {
      made.add(time_of(each.at), "journal", "  " + delivery_text(by));
    }
    for (const unheard_told& by : of.unheard) {
      if (by.position == each.position) {
        made.add(time_of(each.at), "journal", fmt::format("  not known of {}", by.capability));
      }
    }
  }
  for (const cancellation_told& each : of.cancelled) {
    made.add(each.at, "journal", each.words);
  }
  for (const letter_told& each : of.letters) {
    made.add(each.last, "journal", letter_text(each));
  }
  for (const effect_told& each : of.effects) {
    made.add(std::nullopt, each.capability, effect_text(each));
  }
  std::ranges::stable_sort(made.all, [](const auto& a, const auto& b) {
    return a.first.value_or(wall_time::max()) < b.first.value_or(wall_time::max());
  });
  return made;
}

} // namespace

std::string_view name_of(verdict of) {
  switch (of) {
  case verdict::done:
    return "done";
  case verdict::under_way:
    return "under way";
  case verdict::waits_for_person:
    return "waits for a person";
  case verdict::not_known:
    return "not known";
  }
  return "not known";
}

judgement judge(const life& of, const uuid& asked) {
  for (const letter_told& each : of.letters) {
    if (each.id == asked) {
      return {verdict::waits_for_person, letter_text(each)};
    }
  }
  const message_told* message = nullptr;
  for (const message_told& each : of.messages) {
    if (each.id == asked && (message == nullptr || each.state == 1)) {
      message = &each;
    }
  }
  const auto saga = std::ranges::find(of.sagas, asked, &saga_told::id);
  if (message != nullptr || saga != of.sagas.end()) {
    return judge_call(of, message, saga == of.sagas.end() ? nullptr : &*saga);
  }
  for (const effect_told& each : of.effects) {
    if (each.key == asked || each.call == asked) {
      return {verdict::under_way, effect_text(each)};
    }
  }
  for (const letter_told& each : of.letters) { // Also letters whose events retention has deleted.
    if (each.event == asked) {
      return {verdict::waits_for_person, letter_text(each)};
    }
  }
  if (auto found = judge_events(of, asked)) {
    return std::move(*found);
  }
  for (const cancellation_told& each : of.cancelled) {
    if (each.id == asked) {
      return {verdict::done, each.words};
    }
  }
  for (const wire::change_told& each : of.changes) {
    if (each.stream == asked) {
      return {verdict::done, fmt::format("a thing of {}; its changes are below", each.capability)};
    }
  }
  return {
      verdict::not_known,
      "no store has it: it was never accepted, it is a query (which leaves no row), it is the key "
      "of an effect or mail that is over (whose row is deleted once its result is settled: ask for "
      "the call or event that it belongs to), its answer was forgotten in time, or it was a dead "
      "letter that somebody has retried or dropped"};
}

std::vector<std::string> things_without_rows() {
  return {
      "calls in transit, attempts that failed before a commit, and queries: they leave no row "
      "(`troupe trace` and the logs may show them)",
      "effects that are over: their rows are deleted once their results are settled (the answers "
      "of their calls tell what came of them)",
      "repeats of a call or event that had been handled, and calls that a breaker refused: neither "
      "leaves a row (the metrics count repeats, the logs tell of breakers: breaker.open)",
      "dead letters that somebody dropped: they leave no row, and their events count as handled "
      "(the gateway's log tells of drops at its page)"};
}

std::string page_of(const life& of, const uuid& asked) {
  const judgement end = judge(of, asked);
  // Names and errors come from programs and their callers, so control characters are removed.
  std::string page = fmt::format(
      "{}\n{}: {}\n", to_string(asked), name_of(end.is), cell_text(end.why, line_width));
  const lines all = lines_of(of);
  if (!all.all.empty()) {
    page += "\n";
  }
  for (const auto& [at, text] : all.all) {
    page += fmt::format(
        "  {:<24} {}\n", at ? utc_time_text(*at) : std::string{"now"}, cell_text(text, line_width));
  }
  if (!of.not_known.empty()) {
    page += "\nnot known:\n";
  }
  for (const std::string& each : of.not_known) {
    page += fmt::format("  {}\n", cell_text(each, line_width));
  }
  return page;
}

std::string json_of(const life& of, const uuid& asked) {
  const judgement end = judge(of, asked);
  std::vector<std::string> told;
  for (const auto& [at, text] : lines_of(of).all) {
    told.push_back(fmt::format("{} {}", at ? utc_time_text(*at) : std::string{"now"}, text));
  }
  wire::json_object line;
  line.add("id", asked)
      .add("verdict", name_of(end.is))
      .add("why", end.why)
      .add("life", told)
      .add("not_known", of.not_known);
  return line.text();
}

} // namespace troupe::why
