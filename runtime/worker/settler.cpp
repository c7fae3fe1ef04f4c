#include "runtime/worker/settler.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/backoff.hpp"
#include "runtime/observe/trace_context.hpp"

#include <utility>

namespace troupe {

namespace {

// The longest delay, of an item that failed again and again.
constexpr milliseconds again_most{60'000};

} // namespace

void settler::settle(write& each) {
  item& what = *each.what;
  const uuid cause = cause_of(what);
  note_time(each);
  with_.spans.end(each);
  if (each.threw && is_saga_event(what)) {
    log_saga_failure(each);
  } else if (each.threw && each.is_put_off) {
    // Next time it has a turn of its own, so that no other is undone for it.
    with_.instances.failed_of().blame(cause, with_.of.parts().time.now());
  } else if (!each.threw) {
    if (each.ran && !each.spoilt) {
      with_.instances.failed_of().acquit(cause);
    }
  } else if (
      cause != uuid{}
      && with_.instances.discard(
          each.by, *each.threw, cause, observe::trace_of(what.trace, cause))) {
    each.says_nothing = true; // The breaker knows this failure already.
  }
  if (what.what == item::kind::breaker_order) {
    // The order is committed, so the breaker's state is the answer.
    if (each.result.is != answer::kind::error) {
      each.result = {answer::kind::ok, wire::encoded(with_.of.breaker_report())};
    }
  } else if (!is_call(what) && !is_order(what)) {
    return settle_own(each);
  } else if (is_order(what)) {
    // No call of the capability: it says nothing about its health.
  } else if (each.says_nothing) {
    with_.breaker.note_nothing(each.admitted, each.took);
  } else {
    with_.breaker.note(each.admitted, each.failed, each.took);
  }
  with_.out.reply_with(what, each.result);
}

void settler::note_time(const write& each) {
  const item& what = *each.what;
  if (each.ran && is_call(what)) {
    with_.metrics.operation(what.operation_number).handler.record(each.took);
  } else if (each.ran && what.what == item::kind::event) {
    with_.metrics.event_handler.record(each.took);
  }
}

/// Logs that a saga waits. Its coordinator takes it up again, so the event is not needed any more,
/// and the instance is not blamed: a rollback also undoes the memory of coordinators.
void settler::log_saga_failure(const write& each) {
  const uuid& id = each.what->saga;
  const saga::coordinators* const sagas = each.by->sagas();
  const saga::trouble* const its = sagas == nullptr ? nullptr : sagas->standing_still().find(id);
  with_.of.parts().log.write(
      "saga.failed",
      {{"capability", with_.of.name()},
       {"saga", to_string(id)},
       {"reason", *each.threw},
       {"trace",
        observe::hex_of(observe::trace_of(its == nullptr ? std::string_view{} : its->trace, id))}});
}

/// Settles an item without a waiting caller. It cannot be requested again, so it must succeed in
/// the end.
void settler::settle_own(write& each) {
  item& what = *each.what;
  if (event_backlog::is_for(what)) {
    if (each.failed) {
      with_.backlog.add(std::move(what)); // Its turn was undone.
    } else if (what.what == item::kind::event) {
      with_.out.events_ended(1);
    }
  } else if (each.threw && is_saga_event(what)) {
    return; // The saga asks again when its wait is over.
  } else if (each.failed && !is_of_house(what)) {
    // Only an item's own failure counts: a full disk is not its fault.
    const bool counts = each.threw || each.is_put_off;
    const milliseconds wait =
        counts ? backoff_after(what.attempt, again_after, again_most) : again_after;
    what.attempt += counts ? 1U : 0U;
    if (each.is_put_off) {
      with_.effects.put_off(what.id);
    }
    with_.out.queue_again(wait, std::move(what));
  } else if (what.what == item::kind::effect_done && !each.is_not_ours && !each.is_repeat) {
    with_.out.effects_ended(with_.effects.settled(what.id));
  }
}

} // namespace troupe
