#include "runtime/saga/failures.hpp"

#include "runtime/backoff.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::saga {

milliseconds pause_after(const step& of, const tries& hand, const uuid& saga, const error& why) {
  const bool crashed = why.code == errc::crashed;
  const milliseconds full =
      backoff_after(hand.attempt, of.backoff, crashed ? crash_backoff_max : backoff_max);
  const auto share =
      static_cast<milliseconds::rep>((digest_of(saga.view()) >> (hand.attempt % 32)) % 256);
  const milliseconds spread = full - milliseconds{full.count() * share / 1024};
  // A longer `retry_after` is not obeyed: it is a breaker's guess, and an early try costs one
  // refusal.
  return std::max(spread, std::min(why.retry_after.value_or(spread), backoff_max));
}

bool is_unknown_there(errc code) {
  return code == errc::unknown_operation || code == errc::unknown_capability;
}

bool is_of_other_request(const error& why) {
  return why.code == errc::conflict && why.detail("reason") == "id_reused";
}

error other_request(const plan& by, const asked& command, error why) {
  why.message = fmt::format(
      "this program makes another request of {} than the one that was sent under its id, and what "
      "came of that is not known (another release sent it, or the function that makes it reads "
      "more than its facts): resume the saga in the release that sent it; or find out what it did, "
      "then skip the step, have the saga compensate, or resume it anew if nothing was done",
      words_for(by, command));
  return why;
}

std::string words_for(const plan& by, const asked& command) {
  const step& its = by.at(command.step);
  return fmt::format(
      "{}step `{}` ({}.{})",
      command.undo ? "the undo of " : "",
      its.name,
      its.capability,
      command.undo ? its.undo : its.operation);
}

error last_word_on(error why) {
  // The saga had no effect: everything that may have happened was undone.
  why.possible = effect::none;
  if (!verdict_on(why.code).is_technical) {
    return why;
  }
  if (why.detail("reason").empty()) {
    why.details.emplace(why.details.begin(), "reason", name_of(why.code));
  }
  why.code = errc::rejected;
  why.retry_after.reset();
  why.is_final = false; // The answer is not final: no refusal is.
  return why;
}

bool is_poison(const plan& by, const state& in, const failed& what) {
  const bool has_end = !what.to.undo && by.at(what.to.step).kind != step_kind::retriable;
  return !has_end && what.why.code == errc::crashed
         && in.steps[what.to.step].hand.crashes >= crashes_max;
}

error time_is_up(const plan& by, const state& current) {
  if (is_queued(current)) {
    return {
        .code = errc::deadline_exceeded,
        .message = "The saga's time was up before it was its turn; nothing was done."};
  }
  const std::uint32_t index = some_open_step(current);
  const std::string& name = by.at(index).name;
  error why{
      .code = errc::deadline_exceeded,
      .message = "The saga's time was up in step `" + name + "`; what it had done was undone.",
      .details = {{"step", name}}};
  if (const auto& last = current.steps[index].hand.last_failure) {
    why.details.emplace_back("last_failure", name_of(*last));
  }
  return why;
}

} // namespace troupe::saga
