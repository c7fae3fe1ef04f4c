#include "runtime/saga/state.hpp"

#include "runtime/bytes.hpp"
#include "runtime/saga/machine.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/message.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace troupe::saga {

TROUPE_WORDS(phase, forward, undoing, completed, compensated, parked)
TROUPE_WORDS(step_status, untouched, asked, done, failed, undo_asked, undone, passed)
TROUPE_WORDS(
    record_kind,
    started,
    intent,
    done,
    failed,
    undo_intent,
    undone,
    completed,
    compensated,
    parked,
    resumed,
    ordered,
    skipped,
    passed,
    recalled,
    queued)
static_assert(troupe_words(phase{}).size() == static_cast<std::size_t>(phase::parked) + 1);
static_assert(
    troupe_words(step_status{}).size() == static_cast<std::size_t>(step_status::passed) + 1);
static_assert(troupe_words(record_kind{}).size() == static_cast<std::size_t>(last_record_kind));

namespace {

template <wire::worded T>
std::string_view word_or_unknown(T value) {
  const std::string_view word = wire::word_of(value);
  return word.empty() ? "unknown" : word;
}

} // namespace

std::string_view name_of(phase phase) {
  return word_or_unknown(phase);
}

std::string_view name_of(step_status status) {
  return word_or_unknown(status);
}

std::string_view name_of(record_kind kind) {
  return word_or_unknown(kind);
}

bool step_state::operator==(const step_state& other) const {
  return status == other.status && round == other.round && undo_round == other.undo_round
         && skipped == other.skipped && due_data == other.due_data;
}

state::state(const plan& by, const uuid& id)
    : saga{id}, steps(by.step_count()), results(by.step_count()) {
}

bool state::operator==(const state& other) const {
  return saga == other.saga && now == other.now && before_parked == other.before_parked
         && current == other.current && round == other.round && next_seq == other.next_seq
         && deadline == other.deadline && steps == other.steps && results == other.results
         && why == other.why && why_parked == other.why_parked && start_data == other.start_data;
}

std::string_view state::input() const {
  return std::string_view{start_data}.substr(std::min(start_prefix_bytes, start_data.size()));
}

facts state::known(const plan& by) const {
  return {.saga = saga, .input = input(), .results = results, .of = &by.what()};
}

std::string start_data_of(wall_time deadline, std::uint64_t fingerprint, std::string_view input) {
  std::string data;
  data.reserve(start_prefix_bytes + input.size());
  append_big_endian(data, static_cast<std::uint64_t>(unix_millis(deadline)));
  append_big_endian(data, fingerprint);
  data += input;
  return data;
}

std::optional<std::uint64_t> fingerprint_in(std::string_view started_data) {
  if (started_data.size() < start_prefix_bytes) {
    return std::nullopt;
  }
  return load_big_endian<std::uint64_t>(started_data.data() + 8);
}

void apply_started(state& to, std::string data) {
  to.start_data = std::move(data);
  to.deadline = wall_time{milliseconds{load_big_endian<std::uint64_t>(to.start_data.data())}};
}

void apply_intent(state& to, std::uint32_t step, std::uint32_t round, std::string due_data) {
  to.current = step;
  to.steps[step].status = step_status::asked;
  to.steps[step].round = round;
  to.steps[step].due_data = std::move(due_data);
}

void apply_wait_anew(state& to, std::uint32_t step, std::string due_data) {
  to.steps[step].due_data = std::move(due_data);
}

std::string due_data_of(wall_time due) {
  std::string data;
  append_big_endian(data, static_cast<std::uint64_t>(unix_millis(due)));
  return data;
}

std::optional<wall_time> due_in(std::string_view intent_data) {
  if (intent_data.size() != sizeof(std::uint64_t)) {
    return std::nullopt;
  }
  return wall_time{milliseconds{load_big_endian<std::uint64_t>(intent_data.data())}};
}

constexpr char request_mark = 1;

std::string request_data_of(std::uint64_t digest) {
  std::string data{request_mark};
  append_big_endian(data, digest);
  return data;
}

std::optional<std::uint64_t> request_in(std::string_view intent_data) {
  if (intent_data.size() != 1 + sizeof(std::uint64_t) || intent_data.front() != request_mark) {
    return std::nullopt;
  }
  return load_big_endian<std::uint64_t>(intent_data.data() + 1);
}

void apply_done(state& to, std::uint32_t step, std::string body) {
  to.steps[step].status = step_status::done;
  to.results[step] = std::move(body);
}

void apply_failed(state& to, std::uint32_t step, error why) {
  to.now = phase::undoing;
  to.steps[step].status = step_status::failed;
  to.why = std::move(why);
}

void apply_undo_intent(state& to, std::uint32_t step, std::uint32_t round) {
  to.current = step;
  to.steps[step].status = step_status::undo_asked;
  to.steps[step].undo_round = round;
}

void apply_undone(state& to, std::uint32_t step) {
  to.steps[step].status = step_status::undone;
}

void apply_completed(state& to) {
  to.now = phase::completed;
  to.was_completed = true;
}

void apply_compensated(state& to) {
  to.now = phase::compensated;
}

void apply_recalled(state& to, error why) {
  to.now = phase::undoing;
  to.why = std::move(why);
}

void apply_passed(state& to, std::uint32_t step) {
  to.steps[step].status = step_status::passed;
}

void apply_parked(state& to, std::uint32_t step, error why) {
  to.current = step;
  to.before_parked = to.now;
  to.now = phase::parked;
  to.why_parked = std::move(why);
}

void apply_resumed(state& to, std::uint32_t round) {
  to.now = to.before_parked;
  to.round = round;
}

void apply_skipped(state& to, std::uint32_t step) {
  to.steps[step].skipped = true;
  to.steps[step].status = to.now == phase::undoing ? step_status::undone : step_status::done;
}

std::optional<std::uint32_t> next_to_undo(const plan& by, const state& in) {
  for (std::uint32_t i = by.step_count(); i-- > 0;) {
    const step_status status = in.steps[i].status;
    const bool may_stand =
        status == step_status::done || status == step_status::asked
        || (status == step_status::failed && in.why->possible == effect::unknown);
    if (may_stand && by.is_call(i)) {
      return i;
    }
  }
  return std::nullopt;
}

bool is_turned_back(const state& in) {
  return in.now == phase::undoing
         || (in.now == phase::parked && in.before_parked == phase::undoing);
}

bool is_open(const state& in, std::uint32_t step) {
  return !in.is_over()
         && in.steps[step].status
                == (is_turned_back(in) ? step_status::undo_asked : step_status::asked);
}

bool is_queued(const state& in) {
  return in.next_seq > 1
         && (in.now == phase::forward
             || (in.now == phase::parked && in.before_parked == phase::forward))
         && std::ranges::all_of(in.steps, [](const step_state& each) {
              return each.status == step_status::untouched;
            });
}

std::vector<std::uint32_t> open_steps(const state& in) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < in.steps.size(); ++i) {
    if (is_open(in, i)) {
      found.push_back(i);
    }
  }
  return found;
}

std::uint32_t some_open_step(const state& in) {
  if (is_open(in, in.current)) {
    return in.current;
  }
  const auto open = open_steps(in);
  return open.empty() ? in.current : open.front();
}

bool may_be_done(const plan& by, const state& in, std::uint32_t step) {
  if (!by.is_call(step)) {
    return false;
  }
  const tries& hand = in.steps[step].hand;
  // Of the steps that began together, only the one parked at is known not to have happened.
  return in.now == phase::parked ? step != in.current || in.why_parked->possible == effect::unknown
                                 : hand.maybe_done || hand.in_flight;
}

} // namespace troupe::saga
