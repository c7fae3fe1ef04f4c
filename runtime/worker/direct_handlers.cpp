#include "runtime/worker/direct_handlers.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/thrown.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace troupe {

/// Runs a handler that returns an outcome and writes its reply into `bytes_`, then answers.
///
/// @param possible the effect to report if it throws, or if the reply is too large to leave.
template <class Handler>
void direct_handlers::run(
    const item& each, const admitted_by& by, effect possible, const Handler& handler) {
  with_.busy.begin(with_.busy.now());
  with_.busy.note(work_at_hand::kind::call, each.operation, each.id);
  bytes_.clear();
  try {
    const auto answered = handler();
    answer_with(each, by, answered ? nullptr : &answered.error(), possible);
  } catch (const no_store& wanted) {
    const error refused = wanted.to_error();
    answer_with(each, by, &refused, effect::none);
  } catch (const cannot_leave& refused) {
    answer_with(each, by, &refused.why(), possible);
  } catch (const store::database_error& fault) {
    if (with_.store != nullptr) {
      shut_if_damaged(with_.of, fault);
    }
    // A database error without a store comes from a database that the handler itself has opened. A
    // command may have changed it; a query is answered with the fault.
    if (with_.store == nullptr && possible == effect::unknown) {
      crash(each, by, possible);
    } else {
      const error why = fault.to_error();
      const auto took = handler_ended(each, by, &why);
      if (fault.kind == store::database_fault::away) {
        with_.breaker.note_nothing(by.call, took); // No failure of the group.
      } else {
        with_.breaker.note(by.call, errc::internal, took);
      }
      with_.out.reply_error(each, why);
    }
  } catch (...) {
    crash(each, by, possible);
  }
  with_.busy.rest();
}

/// Answers a call whose handler threw; for `catch` only.
void direct_handlers::crash(const item& each, const admitted_by& by, effect possible) {
  const bool is_repeat = with_.instances.discard(
      by.instance_of.instance.get(),
      what_was_thrown(),
      each.id,
      observe::trace_of(each.trace, each.id));
  const error why{
      .code = errc::crashed,
      .possible = possible,
      .message = fmt::format("the handler of `{}` failed", each.operation)};
  const auto took = handler_ended(each, by, &why);
  if (is_repeat) {
    with_.breaker.note_nothing(by.call, took); // The breaker knows this failure already.
  } else {
    with_.breaker.note(by.call, errc::crashed, took);
  }
  with_.out.reply_error(each, why);
}

void direct_handlers::run_query(
    const item& each, const handlers::query& query, const admitted_by& by) {
  store::database* const session = with_.store == nullptr ? nullptr : with_.store->database.get();
  const std::int64_t changed_before = session == nullptr ? 0 : session->changes();
  run(each, by, effect::none, [&]() -> outcome<void> {
    store::lending lent{session == nullptr ? nullptr : &with_.store->for_handlers()};
    auto answered = query.run(each.body, lent.session(), bytes_);
    lent.end();
    if (session != nullptr && session->changes() != changed_before) {
      // A query that writes does so outside the fair lock and the inbox, possibly twice: crash it,
      // so that its author hears of it.
      throw std::logic_error{"the query wrote; declare it as a command"};
    }
    return answered;
  });
}

void direct_handlers::run_command(
    item& each, const handlers::command& command, const admitted_by& by) {
  write one{.what = &each};
  with_.spans.begin(one, each.trace);
  turn current{
      *by.instance_of.instance,
      nullptr,
      0,
      each.id,
      each.key,
      with_.of.parts().time.wall(),
      with_.output};
  current.in_trace(one.trace(each.trace), one.recorded());
  // The work of a handler that throws stays done, as there is no transaction to undo.
  run(each, {by.instance_of, by.call, &one}, effect::unknown, [&] {
    TROUPE_FAULT("storeless.before_handler");
    auto handled = command.run(each.body, current, bytes_);
    if (handled && *handled == handlers::answered::later) {
      throw std::logic_error{"it put its answer off, and without a store no effect can bring one"};
    }
    return handled;
  });
}

void direct_handlers::run_event(item& each, event_turn& events) {
  const replica& by = *with_.instances.choose(each.key);
  write one{.what = &each, .by = by.instance.get(), .replica = by.number};
  with_.busy.begin(with_.busy.now());
  with_.busy.note(work_at_hand::kind::event, each.operation, each.id);
  const wall_time now = with_.of.parts().time.wall();
  try {
    events.run(one, with_.output, now);
  } catch (...) {
    one.threw = what_was_thrown();
    events.run(one, with_.output, now); // Notes the failure.
    with_.instances.discard(one.by, *one.threw, each.id, observe::trace_of(each.trace, each.id));
  }
  with_.out.events_ended(1);
  with_.spans.end(one);
  with_.metrics.event_handler.record(with_.busy.lap());
  with_.busy.rest();
}

/// @return how long it ran.
std::chrono::nanoseconds
direct_handlers::handler_ended(const item& each, const admitted_by& by, const error* why) {
  const auto took = with_.busy.lap();
  with_.spans.end_call(each, by.in, took, why);
  with_.metrics.operation(each.operation_number).handler.record(took);
  return took;
}

/// Answers with the handler's reply, or with the error `why`.
void direct_handlers::answer_with(
    const item& each, const admitted_by& by, const error* why, effect possible) {
  const auto fits = with_.of.check_answer(bytes_.size(), possible);
  if (why == nullptr && !fits) {
    why = &fits.error();
  }
  with_.breaker.note(
      by.call,
      why == nullptr ? std::nullopt : std::optional{why->code},
      handler_ended(each, by, why));
  with_.instances.failed_of().acquit(each.id);
  if (why == nullptr) {
    with_.out.reply(each, answer::kind::ok, bytes_);
  } else {
    with_.out.reply_error(each, *why);
  }
}

} // namespace troupe
