#include "runtime/reconciler/reconciliation_actor.hpp"

#include "runtime/contains.hpp"
#include "runtime/range.hpp"
#include "runtime/reconciler/case_tables.hpp"
#include "runtime/reconciler/invariants_file.hpp"
#include "runtime/store/turn/retention.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace troupe::reconcile {

namespace {

constexpr std::chrono::hours closed_kept{24 * 90};
/// Far more than a look takes. After this time its result could not be stored, or its effect hangs.
constexpr std::chrono::minutes look_patience{10};
constexpr range<milliseconds> every_range{milliseconds{1'000}, std::chrono::hours{24 * 365}};
constexpr range<milliseconds> settle_range{milliseconds{0}, std::chrono::hours{24 * 30}};
/// Without time in between, both looks would see the same state.
constexpr range<milliseconds> recheck_range{milliseconds{10}, std::chrono::hours{1}};
/// A waiting look occupies an effect thread.
constexpr range<milliseconds> pause_range{milliseconds{0}, milliseconds{10'000}};
constexpr std::int64_t page_least = 10;
constexpr std::int64_t page_most = 10'000;
constexpr std::size_t trouble_bytes_max = 1'000;

/// The request of the effect `look`.
struct look_request {
  std::string invariant;
  wire::binary_value behind;
  /// The key at which the second look ends, where the first one did; absent: at its bounds.
  std::optional<wire::binary_value> until{};
};

TROUPE_MESSAGE(look_request, invariant, behind, until)

/// The request of the effect `correct`.
struct correction_request {
  std::string saga;
  correct_inconsistency what;
  /// Which opening of the case it is for; absent if an earlier release made the request.
  std::optional<std::int64_t> times{};
};

TROUPE_MESSAGE(correction_request, saga, what, times)

/// The answer of effects, which nobody receives.
struct settled {};

TROUPE_MESSAGE(settled)

pass_times times_of(const reconciliation_options& given) {
  return {.every = given.every, .recheck = given.recheck};
}

/// What is wrong with a duration; nothing if it is within its range.
std::optional<config_problem>
problem_with(std::string_view key, milliseconds given, const range<milliseconds>& allowed) {
  if (given >= allowed.least && given <= allowed.most) {
    return std::nullopt;
  }
  return config_problem{
      fmt::format("config.{} is {}", key, duration_text(given)),
      fmt::format(
          "give a duration from {} to {}",
          duration_text(allowed.least),
          duration_text(allowed.most))};
}

/// Whether a look has not ended in time. A start in the future was recorded by a wall clock that
/// was ahead, and counts as stuck.
bool is_stuck(const pass_row& pass, wall_time now) {
  return pass.looking_since
         && (now - *pass.looking_since > look_patience
             || *pass.looking_since - now > look_patience);
}

outcome<settled>
start_saga(const ask_capability& ask, const correction_request& wanted, const effect_call& call) {
  const std::size_t dot = wanted.saga.find('.');
  const std::string body = wire::encoded(wanted.what);
  const auto answer = ask(
      {.capability = std::string_view{wanted.saga}.substr(0, dot),
       .operation = std::string_view{wanted.saga}.substr(dot + 1),
       .body = body,
       .id = call.key});
  return answer ? outcome<settled>{settled{}} : failure{answer.error()};
}

} // namespace

std::optional<config_problem> problem_of(const reconciliation_options& given) {
  if (given.invariants.empty()) {
    return config_problem{
        "config.invariants is missing", "name the file of invariants, from this file's folder"};
  }
  if (auto wrong = problem_with("every", given.every, every_range)) {
    return wrong;
  }
  if (auto wrong = problem_with("recheck", given.recheck, recheck_range)) {
    return wrong;
  }
  if (auto wrong = problem_with("pause", given.pause, pause_range)) {
    return wrong;
  }
  if (auto wrong = problem_with("settle", given.settle.value_or(milliseconds{0}), settle_range)) {
    return wrong;
  }
  if (given.page < page_least || given.page > page_most) {
    return config_problem{
        fmt::format("config.page is {}", given.page), "give a whole number from 10 to 10000"};
  }
  for (const auto& [invariant, saga] : given.correct) {
    const std::size_t dot = saga.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == saga.size()) {
      return config_problem{
          fmt::format("config.correct.{} is `{}`", invariant, saga), "write CAPABILITY.OPERATION"};
    }
  }
  return std::nullopt;
}

reconciliation_actor::reconciliation_actor(const context& context)
    : options_{context.config<reconciliation_options>()}, time_{context.time}, ask_{context.ask},
      file_{(std::filesystem::path{context.folder} / options_.invariants).string()} {
  if (!context.is_trial) {
    invariants_file read = read_invariants_file(file_);
    if (!read.faults.empty()) {
      throw std::invalid_argument{text_of_faults(read)};
    }
    invariants_ = std::move(read.all);
    for (invariant& each : invariants_) {
      each.settle = options_.settle.value_or(each.settle);
    }
    for (const auto& [name, saga] : options_.correct) {
      if (find(name) == nullptr) {
        throw std::invalid_argument{
            fmt::format("config.correct names `{}`, and {} has no such invariant", name, file_)};
      }
    }
  }
  publishes<inconsistency>("data.inconsistency.detected");
  publishes<inconsistency>("data.inconsistency.resolved");
  query("cases", [](const list_cases& request, store::database& session) {
    return case_tables{session}.list(request);
  });
  query("passes", [this](const list_passes&, store::database& session) {
    return list_passes_of(session);
  });
  command("run", [this](const run_now& request, turn& turn) { return handle(request, turn); });
  effect<slice>(
      "look",
      [this](const look_request& wanted, const effect_call&) -> outcome<slice> {
        const invariant* const what = find(wanted.invariant);
        if (what == nullptr || !ask_) {
          return slice{.trouble = fmt::format("not compared: {} has no such invariant now", file_)};
        }
        slice seen = look(
            *what,
            wanted.behind.bytes,
            wanted.until ? std::string_view{wanted.until->bytes} : std::string_view{},
            {.page = static_cast<std::uint32_t>(options_.page), .pause = options_.pause},
            time_,
            ask_);
        shorten(seen, {});
        return seen;
      },
      [this](const look_request& wanted, const outcome<slice>& seen, turn& turn) {
        take(
            wanted.invariant,
            wanted.behind.bytes,
            seen ? *seen : slice{.trouble = "not compared: " + seen.error().message},
            turn);
        return settled{};
      });
  effect<settled>(
      "correct",
      [this](const correction_request& wanted, const effect_call& call) {
        return start_saga(ask_, wanted, call);
      },
      [](const correction_request& wanted, const outcome<settled>& done, turn& turn) {
        case_tables{turn.database()}.note_correction(
            wanted.what.case_id,
            wanted.times.value_or(1),
            done ? "done" : std::string_view{done.error().message});
        return settled{};
      });
  regularly([this](turn& turn) { begin_what_is_due(turn); });
  waits_for_people([](store::database& session) { return case_tables{session}.open_now(); });
}

const invariant* reconciliation_actor::find(const std::string& name) const {
  const auto found = std::ranges::find(invariants_, name, &invariant::name);
  return found == invariants_.end() ? nullptr : &*found;
}

void reconciliation_actor::begin_what_is_due(turn& turn) {
  case_tables books{turn.database()};
  const std::vector<pass_row> passes = books.passes();
  for (const invariant& each : invariants_) {
    if (!contains(passes, each.name, &pass_row::invariant)) {
      books.add_pass(each.name, turn.now() + options_.every);
    }
  }
  const pass_row* next = nullptr;
  bool is_looking = false;
  for (const pass_row& each : passes) {
    // A look that does not end blocks its own invariant only.
    is_looking = is_looking || (each.looking_since && !is_stuck(each, turn.now()));
    if (!each.looking_since && is_due(each.due, turn.now(), times_of(options_))
        && find(each.invariant) != nullptr && (next == nullptr || each.due < next->due)) {
      next = &each;
    }
  }
  if (next != nullptr && !is_looking) {
    books.begin_look(next->invariant, turn.now());
    const pass_state state =
        by_rule(*books.state(next->invariant), rule_of(*find(next->invariant)));
    look_request wanted{next->invariant, {state.behind}};
    if (!state.suspected.changes.empty() && !state.suspected.is_last) {
      wanted.until = state.suspected.to;
    }
    turn.effect("look", wanted);
  }
  if (!options_.correct.empty()) {
    if (auto wanted = books.take_wanted()) {
      const auto saga = options_.correct.find(wanted->what.invariant);
      if (saga == options_.correct.end()) {
        books.note_correction(wanted->what.case_id, wanted->times, "");
      } else {
        turn.effect(
            "correct", correction_request{saga->second, std::move(wanted->what), wanted->times});
      }
    }
  }
}

/// Stores the result of a look, and reports what changed.
/// @param behind the key after which the look began.
void reconciliation_actor::take(
    const std::string& invariant, std::string_view behind, slice seen, turn& turn) {
  case_tables books{turn.database()};
  seen.trouble = wire::travelling(seen.trouble, trouble_bytes_max);
  auto before = books.state(invariant);
  if (!before) {
    return;
  }
  if (const reconcile::invariant* const what = find(invariant)) {
    before = by_rule(std::move(*before), rule_of(*what));
  }
  const bool is_of_other_rule = seen.rule && before->rule && *seen.rule != *before->rule;
  if (behind != before->behind || is_of_other_rule) {
    // The file was changed meanwhile, so the result no longer answers the question.
    pass_step again{*before};
    again.next.due = turn.now();
    return books.save(invariant, again, turn.now());
  }
  const auto open = books.open_cases(
      invariant, before->behind, seen.is_last ? std::string_view{} : seen.to.bytes);
  const pass_step step = after_look(*before, std::move(seen), open, turn.now(), times_of(options_));
  for (const case_change& each : step.changes) {
    tell(invariant, each, turn);
  }
  books.save(invariant, step, turn.now());
  if (step.is_over) {
    books.forget(store::retention{turn.database()}.read().time - closed_kept);
  }
}

void reconciliation_actor::tell(
    const std::string& invariant, const case_change& change, turn& turn) {
  case_tables books{turn.database()};
  inconsistency told;
  if (change.opens) {
    const uuid id = derived_id(
        turn.id(),
        fmt::format("{}#{}#{}", invariant, wire::word_of(change.what.type), change.what.key.bytes));
    told = books.open(
        invariant,
        change.what,
        id,
        turn.now(),
        options_.correct.contains(invariant) ? "wanted" : "");
  } else {
    // Cases are deleted by the settled time, so they must not be closed with an earlier time.
    const wall_time settled_time = store::retention{turn.database()}.read().time;
    told = books.close(invariant, change.what, std::max(turn.now(), settled_time));
  }
  const bool fits = told.order_id.size() <= wire::key_bytes_max && wire::is_utf8(told.order_id)
                    && !wire::has_nul(told.order_id);
  turn.publish(
      change.opens ? "data.inconsistency.detected" : "data.inconsistency.resolved",
      told,
      fits ? std::string_view{told.order_id} : std::string_view{});
}

outcome<run_begun> reconciliation_actor::handle(const run_now& request, turn& turn) const {
  case_tables books{turn.database()};
  for (const pass_row& each : books.passes()) {
    if (is_stuck(each, turn.now())
        && request.invariant.value_or(each.invariant) == each.invariant) {
      books.give_up_look(each.invariant);
    }
  }
  run_begun begun;
  for (const invariant& each : invariants_) {
    if (!request.invariant || *request.invariant == each.name) {
      ++begun.invariants;
      const auto state = books.state(each.name);
      if (!state) {
        books.add_pass(each.name, turn.now());
      } else if (state->suspected.changes.empty()) { // Otherwise it looks again after `recheck`.
        books.run_now(each.name, turn.now());
      }
    }
  }
  if (begun.invariants == 0) {
    return failure{rejected(
        "unknown_invariant",
        fmt::format("{} has no invariant `{}`.", file_, request.invariant.value_or("")))};
  }
  return begun;
}

pass_list reconciliation_actor::list_passes_of(store::database& session) const {
  const case_tables books{session};
  pass_list all = books.list();
  const std::vector<pass_row> passes = books.passes();
  for (listed_pass& each : all.passes) {
    const auto row = std::ranges::find(passes, each.invariant, &pass_row::invariant);
    if (find(each.invariant) == nullptr) {
      each.not_compared = fmt::format("{} has no such invariant", file_);
    } else if (row != passes.end() && is_stuck(*row, time_.wall())) {
      each.not_compared = fmt::format(
          "not compared: the look that began at {} has not ended: `troupe effects` and the log say "
          "what it waits for; `run` gives it up and begins another",
          utc_time_text(*row->looking_since));
    }
  }
  return all;
}

actor_type reconciliation_type(std::string name) {
  actor_type made = type_of<reconciliation_actor, reconciliation_options>(std::move(name), schema);
  made.asks_others = true;
  return made;
}

} // namespace troupe::reconcile
