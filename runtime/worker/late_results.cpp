#include "runtime/worker/late_results.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/wire/envelope.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

// The most tries of an effect's result or a saga's event whose handler throws. Nobody can send
// these items again, so after the last try the call gets an error, or the saga is parked.
constexpr int attempts_max = 3;

/// Runs the effect's `settle` and writes its reply into `reply`.
outcome<void> settle(
    write& each,
    const store::effect_row& row,
    const outcome<std::string_view>& result,
    std::string& reply,
    turn_scope& in) {
  const handlers::effect* effect = each.by->find_effect(row.name);
  if (effect == nullptr) {
    return failure{internal_error("no such effect in this program", troupe::effect::unknown)};
  }
  if (each.what->attempt > attempts_max) {
    return failure{
        {.code = errc::crashed,
         .possible = troupe::effect::unknown,
         .message = fmt::format("the result of `{}` could not be written down", row.name)}};
  }
  turn current{&in.session, in.writer, row.call, {}, in.now, in.output};
  current.name_events_after(row.key);
  TROUPE_FAULT("effect.before_settle");
  return effect->settle(row.request, result, current, reply);
}

} // namespace

void run_effect_result(write& each, turn_scope& in) {
  store::effects effects{in.session};
  each.ran = true;
  const auto row = effects.find(each.what->id, in.writer);
  if (!row) {
    return; // It has a result already, or another process took it over.
  }
  outcome<std::string_view> result = each.what->body;
  if (each.what->failed) {
    auto why = wire::read_error(each.what->body);
    result = failure{why ? std::move(*why) : std::move(why).error()};
  }
  saga::outgoing::answer settled{row->call, false, {}};
  // Unlike a command's, the refusal of a settlement keeps what it wrote: that the card was declined
  // is itself a fact to keep.
  auto handled = settle(each, *row, result, settled.bytes, in);
  if (handled) {
    handled = in.of.check_answer(settled.bytes.size(), effect::unknown);
  }
  if (!handled) {
    settled.failed = true;
    settled.bytes.clear();
    wire::append_error(settled.bytes, handled.error());
  }
  effects.remove(row->key);
  const bool was_pending = store::inbox{in.session}.settle(
      row->call,
      settled.failed ? store::inbox_state::refused : store::inbox_state::ok,
      settled.bytes);
  if (was_pending) { // Else the handler of an event asked for it, and nobody waits.
    in.output.answers.push_back(std::move(settled));
  }
}

void run_saga_event(write& each, turn_scope& in) {
  const item& what = *each.what;
  each.ran = true;
  if (what.attempt > attempts_max) {
    in.sagas->give_up(in.session, in.writer, what.saga, in.output);
  } else if (what.what == item::kind::saga_timer) {
    in.sagas->timer_due(in.session, what.saga, what.token, in.now, in.output);
  } else {
    in.sagas->answered(
        in.session, what.saga, what.token, what.failed, what.body, in.now, in.output);
  }
}

} // namespace troupe
