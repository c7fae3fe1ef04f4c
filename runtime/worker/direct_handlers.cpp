#include "runtime/worker/direct_handlers.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/thrown.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace troupe {

void direct_handlers::run_query(
    const item& each,
    const handlers::query& query,
    const replica& by,
    const supervision::admitted& admitted) {
  with_.busy.begin(with_.busy.now());
  bytes_.clear();
  store::database* const session = with_.store == nullptr ? nullptr : with_.store->database.get();
  const std::int64_t changed_before = session == nullptr ? 0 : session->changes();
  try {
    const auto answered = query.run(each.body, session, bytes_);
    if (session != nullptr && session->changes() != changed_before) {
      // Outside the fair lock and the inbox, so possibly twice: fail loudly, for its author.
      throw std::logic_error{"the query wrote; declare it as a command"};
    }
    answer_with(each, admitted, answered ? nullptr : &answered.error(), effect::none);
  } catch (const no_store& wanted) {
    const error refused = wanted.to_error();
    answer_with(each, admitted, &refused, effect::none);
  } catch (const store::database_error& fault) {
    with_.breaker.note(admitted, errc::internal, with_.busy.lap());
    with_.out.reply_error(each, fault.to_error());
  } catch (...) {
    crash(each, by, admitted, what_was_thrown(), effect::none);
  }
  with_.busy.rest();
}

void direct_handlers::run_command(
    const item& each,
    const handlers::command& command,
    const replica& by,
    const supervision::admitted& admitted) {
  with_.busy.begin(with_.busy.now());
  bytes_.clear();
  turn current{nullptr, 0, each.id, each.key, with_.of.parts().time.wall(), with_.output};
  try {
    TROUPE_FAULT("storeless.before_handler");
    const auto answered = command.run(each.body, current, bytes_);
    answer_with(each, admitted, answered ? nullptr : &answered.error(), effect::unknown);
  } catch (const no_store& wanted) {
    const error refused = wanted.to_error();
    answer_with(each, admitted, &refused, effect::none);
  } catch (...) {
    // There is no transaction to undo: the handler's work stays done.
    crash(each, by, admitted, what_was_thrown(), effect::unknown);
  }
  with_.busy.rest();
}

void direct_handlers::run_event(item& each, event_turn& events) {
  write one{.what = &each};
  const replica& by = *with_.instances.choose(each.key);
  one.by = by.instance.get();
  one.replica = by.number;
  with_.busy.begin(with_.busy.now());
  const wall_time now = with_.of.parts().time.wall();
  try {
    events.run(one, with_.output, now);
  } catch (...) {
    one.threw = what_was_thrown();
  }
  if (one.threw) {
    events.run(one, with_.output, now); // Notes the failure.
    with_.instances.discard(one.by, *one.threw, each.id);
  }
  with_.of.queues().events_ended(1);
  with_.busy.lap();
  with_.busy.rest();
}

/// Answers with the handler's reply, or with the error `why`.
///
/// @param possible the effect to report if the reply is too large to leave.
void direct_handlers::answer_with(
    const item& each, const supervision::admitted& admitted, const error* why, effect possible) {
  const auto fits = with_.of.check_answer(bytes_.size(), possible);
  if (why == nullptr && !fits) {
    why = &fits.error();
  }
  if (why == nullptr) {
    with_.breaker.note(admitted, std::nullopt, with_.busy.lap());
    with_.out.reply(each, answer::kind::ok, bytes_);
  } else {
    with_.breaker.note(admitted, why->code, with_.busy.lap());
    with_.out.reply_error(each, *why);
  }
}

void direct_handlers::crash(
    const item& each,
    const replica& by,
    const supervision::admitted& admitted,
    std::string_view reason,
    effect possible) {
  with_.breaker.note(admitted, errc::crashed, with_.busy.lap());
  with_.out.reply_error(
      each,
      {.code = errc::crashed,
       .possible = possible,
       .message = fmt::format("the handler of `{}` failed", each.operation)});
  with_.instances.discard(by.instance.get(), std::string{reason}, each.id);
}

} // namespace troupe
