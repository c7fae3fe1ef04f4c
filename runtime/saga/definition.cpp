#include "runtime/saga/definition.hpp"

#include "runtime/saga/collisions.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::saga {

namespace {

constexpr milliseconds deadline_max = std::chrono::hours{24 * 30};
constexpr milliseconds person_after_max = std::chrono::hours{24 * 30};

void add(std::vector<fault>& faults, std::string what, std::string remedy) {
  faults.push_back({.at = {}, .what = std::move(what), .remedy = std::move(remedy)});
}

std::string called(const step& which, std::size_t index) {
  return which.name.empty() ? "step " + std::to_string(index + 1) : "step `" + which.name + "`";
}

void check_word(
    std::vector<fault>& faults,
    const std::string& owner,
    const char* what,
    const std::string& word) {
  if (word.empty()) {
    add(faults, owner + " has no " + what, std::string{"Give it a "} + what + ".");
  } else if (word.size() > wire::name_bytes_max) {
    add(faults,
        owner + " has a " + what + " of more than " + std::to_string(wire::name_bytes_max)
            + " bytes",
        "Shorten it.");
  }
}

void check_undo(std::vector<fault>& faults, const std::string& owner, const step& checked) {
  if (checked.kind == step_kind::compensatable && checked.undo.empty()) {
    add(faults,
        owner + " is compensatable but has no undo",
        "Name the operation that undoes it, or make it the pivot or retriable.");
  }
  if (checked.kind == step_kind::retriable && !checked.undo.empty()) {
    add(faults, owner + " is retriable but has an undo", "Remove the undo: it would never run.");
  }
  if (checked.undo.empty() && checked.undo_request) {
    add(faults, owner + " has an undo_request but no undo", "Name the undo operation.");
  }
  if (checked.undo.size() > wire::name_bytes_max) {
    check_word(faults, owner, "undo", checked.undo);
  }
}

/// Checks a step that makes no call.
void check_idle(std::vector<fault>& faults, const std::string& owner, const step& checked) {
  const bool waits = checked.act == step_act::wait;
  const char* const does = waits ? " waits" : " lets time pass";
  if (!checked.capability.empty() || checked.request || !checked.undo.empty()
      || checked.undo_request || checked.key) {
    add(faults,
        owner + does + ", and has what only a call has",
        "Remove its capability, request, undo and key; let another step call.");
  }
  if (checked.kind == step_kind::pivot) {
    add(faults,
        owner + does + ", and is the pivot",
        "Make it compensatable, or retriable behind the pivot.");
  }
  if (waits && (!checked.hears.read || (checked.operation.empty() && checked.topic.empty()))) {
    add(faults,
        owner + " waits for nothing",
        "Name the operation or the topic that answers it, and say how it is read.");
  } else if (!waits && !(checked.operation.empty() && checked.topic.empty())) {
    add(faults,
        owner + " lets time pass, and names what answers it",
        "Remove the operation and the topic, or let it wait.");
  }
  if (checked.operation.size() > wire::name_bytes_max) {
    check_word(faults, owner, "operation", checked.operation);
  }
  if (!checked.topic.empty() && !wire::is_pattern(checked.topic)) {
    add(faults,
        owner + " waits for events of `" + checked.topic + "`, which is no topic",
        "Take 1 to 64 bytes of a-z 0-9 _ . , or PREFIX.* or *.");
  }
}

void check_parallel(
    std::vector<fault>& faults, const std::string& owner, const definition& of, std::size_t index) {
  if (!of.steps[index].parallel) {
    return;
  }
  if (index == 0) {
    add(faults, owner + " is parallel and the first step", "Begin together with a step before it.");
  } else if (
      of.steps[index].kind == step_kind::pivot
      || of.steps[index].kind != of.steps[index - 1].kind) {
    add(faults,
        owner + " is parallel to a step of another kind, or is the pivot",
        "Let steps begin together that are all compensatable or all retriable.");
  }
}

void check_numbers(
    std::vector<fault>& faults,
    const std::string& owner,
    const step& checked,
    milliseconds saga_deadline) {
  if (checked.deadline < milliseconds{1} || checked.deadline > deadline_max) {
    add(faults,
        owner + " has a deadline of " + std::to_string(checked.deadline.count()) + " ms",
        "Take 1 ms to the deadline of the saga.");
  } else if (checked.deadline > saga_deadline) {
    add(faults,
        owner + " has a longer deadline than the whole saga",
        "Shorten it, or give the saga more than " + duration_text(saga_deadline) + ".");
  }
  if (checked.retries < 0 || checked.retries > retries_max) {
    add(faults,
        owner + " has " + std::to_string(checked.retries) + " retries",
        "Take 0 to " + std::to_string(retries_max) + ".");
  }
  if (checked.backoff < milliseconds{1} || checked.backoff > backoff_max) {
    add(faults,
        owner + " has a back-off of " + std::to_string(checked.backoff.count()) + " ms",
        "Take 1 ms to " + duration_text(backoff_max) + ".");
  }
}

void check_step(std::vector<fault>& faults, const definition& of, std::size_t index) {
  const step& checked = of.steps[index];
  const std::string owner = called(checked, index);
  check_word(faults, owner, "name", checked.name);
  if (checked.act == step_act::call) {
    check_word(faults, owner, "capability", checked.capability);
    check_word(faults, owner, "operation", checked.operation);
    if (!checked.request) {
      add(faults, owner + " has no request", "Say how its body is made.");
    }
    check_undo(faults, owner, checked);
  } else {
    check_idle(faults, owner, checked);
  }
  check_parallel(faults, owner, of, index);
  check_numbers(faults, owner, checked, of.deadline);
  const auto end = of.steps.begin() + static_cast<std::ptrdiff_t>(index);
  const auto same = [&](const step& other) { return other.name == checked.name; };
  if (!checked.name.empty() && std::any_of(of.steps.begin(), end, same)) {
    add(faults, owner + " comes twice", "Give each step its own name: results are found by it.");
  }
}

void check_order(std::vector<fault>& faults, const definition& of) {
  for (std::size_t i = 1; i < of.steps.size(); ++i) {
    const step& before = of.steps[i - 1];
    const step& after = of.steps[i];
    if (before.kind == step_kind::pivot && after.kind == step_kind::pivot) {
      add(faults, called(after, i) + " is a second pivot", "Keep one point of no return.");
    } else if (after.kind < before.kind) {
      add(faults,
          called(after, i) + " stands after " + called(before, i - 1),
          "Order the steps: compensatable ones, at most one pivot, retriable ones.");
    }
  }
}

/// Checks what some steps require of the whole definition.
void check_whole(std::vector<fault>& faults, const definition& of) {
  const step& last = of.steps.back();
  if (!of.answer && (last.when || last.act == step_act::timer)) {
    add(faults,
        "the last step, " + called(last, of.steps.size() - 1)
            + ", may have no result, and the saga has no answer",
        "Say how the answer is made.");
  }
  const bool can_be_undone = std::ranges::all_of(
      of.steps, [](const step& each) { return each.kind == step_kind::compensatable; });
  if (!of.undo.empty() && !can_be_undone) {
    add(faults,
        "`" + of.operation + "` names `" + of.undo
            + "` as its undo, and has a step that cannot be undone",
        "Remove the undo, or make all steps compensatable.");
  }
  if (of.at_once < 0 || of.at_once > at_once_max) {
    add(faults,
        "the saga has " + std::to_string(of.at_once) + " as at_once",
        "Take 0 to " + std::to_string(at_once_max) + ".");
  }
  if (of.queue < 1 || of.queue > queue_max) {
    add(faults,
        "the saga has a queue of " + std::to_string(of.queue),
        "Take 1 to " + std::to_string(queue_max) + ".");
  }
}

void check_sum(std::vector<fault>& faults, const definition& of) {
  milliseconds sum{0};
  milliseconds longest{0}; // The longest of the steps that begin together with the one at hand.
  for (const step& each : of.steps) {
    if (each.kind != step_kind::retriable) {
      const milliseconds its = std::clamp(each.deadline, milliseconds{0}, deadline_max);
      sum -= each.parallel ? longest : milliseconds{0};
      longest = each.parallel ? std::max(longest, its) : its;
      sum += longest;
    }
  }
  if (sum > of.deadline) {
    add(faults,
        "one try of each step up to the pivot may take " + duration_text(sum)
            + ", more than the saga's " + duration_text(of.deadline),
        "Shorten the steps' deadlines or lengthen the saga's.");
  }
}

} // namespace

const wire::message_shape* input_of(const definition& declared) {
  const wire::message_shape* input = declared.answer.input;
  for (const step& each : declared.steps) {
    input = input == nullptr ? each.request.input : input;
  }
  return input;
}

bool outlives_caller(const definition& declared) {
  return std::ranges::any_of(
      declared.steps, [](const step& each) { return each.act != step_act::call; });
}

std::vector<fault> validate(const definition& checked) {
  std::vector<fault> faults;
  check_word(faults, "the saga", "operation", checked.operation);
  if (checked.deadline < milliseconds{1} || checked.deadline > deadline_max) {
    add(faults,
        "the saga has a deadline of " + std::to_string(checked.deadline.count()) + " ms",
        "Take 1 ms to " + duration_text(deadline_max) + ".");
  }
  if (checked.person_after < milliseconds{1} || checked.person_after > person_after_max) {
    add(faults,
        "the saga has a person_after of " + std::to_string(checked.person_after.count()) + " ms",
        "Take 1 ms to " + duration_text(person_after_max) + ".");
  }
  if (checked.steps.empty()) {
    add(faults, "the saga has no steps", "Give it at least one.");
  }
  if (checked.steps.size() > steps_max) {
    add(faults,
        "the saga has " + std::to_string(checked.steps.size()) + " steps",
        "Take at most " + std::to_string(steps_max) + ", or start a second saga from the first.");
    return faults;
  }
  for (std::size_t i = 0; i < checked.steps.size(); ++i) {
    check_step(faults, checked, i);
  }
  check_order(faults, checked);
  if (!checked.steps.empty()) {
    check_whole(faults, checked);
  }
  std::vector<fault> twice = collisions_among({&checked, 1});
  faults.insert(
      faults.end(), std::make_move_iterator(twice.begin()), std::make_move_iterator(twice.end()));
  // Skip the sum rule if a deadline itself is wrong: the fault would be reported twice.
  if (faults.empty()) {
    check_sum(faults, checked);
  }
  return faults;
}

std::vector<fault> apply(const tuning& by, definition& tuned) {
  std::vector<fault> faults;
  tuned.deadline = by.deadline.value_or(tuned.deadline);
  tuned.person_after = by.person_after.value_or(tuned.person_after);
  tuned.at_once = by.at_once.value_or(tuned.at_once);
  tuned.queue = by.queue.value_or(tuned.queue);
  for (const auto& [name, changes] : by.steps) {
    const auto found = std::ranges::find(tuned.steps, name, &step::name);
    if (found == tuned.steps.end()) {
      std::vector<std::string> names;
      for (const step& each : tuned.steps) {
        names.push_back(each.name);
      }
      add(faults,
          "`" + tuned.operation + "` has no step `" + name + "`" + did_you_mean(name, names),
          "Name one of its steps, or remove the entry.");
      continue;
    }
    found->deadline = changes.deadline.value_or(found->deadline);
    found->retries = changes.retries.value_or(found->retries);
  }
  std::vector<fault> rest = validate(tuned);
  faults.insert(
      faults.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  return faults;
}

outcome<std::string_view>
result_body(const facts& known, std::size_t index, const wire::message_shape* as) {
  const bool is_step = known.of != nullptr && index < known.of->steps.size();
  const wire::message_shape* const declared = is_step ? known.of->steps[index].reply : nullptr;
  if (as != nullptr && declared != nullptr && as != declared) {
    return failure{internal_error(
        "step `" + known.of->steps[index].name + "` declares the reply `"
        + std::string{declared->name} + "`, and it is read as `" + std::string{as->name} + "`")};
  }
  if (index >= known.results.size() || known.results[index].empty()) {
    return failure{internal_error("the result of step " + std::to_string(index) + " is not known")};
  }
  return known.results[index];
}

outcome<std::string_view>
result_body(const facts& known, std::string_view name, const wire::message_shape* as) {
  const std::size_t count = known.of == nullptr ? 0 : known.of->steps.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (known.of->steps[i].name == name) {
      return result_body(known, i, as);
    }
  }
  return failure{internal_error("the saga has no step `" + std::string{name} + "`")};
}

} // namespace troupe::saga
