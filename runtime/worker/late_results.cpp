#include "runtime/worker/late_results.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/turn/faults.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/store/turn/unsettled.hpp"
#include "runtime/thrown.hpp"
#include "runtime/wire/envelope.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

/// The result that an item of kind `effect_done` brings.
outcome<std::string_view> result_in(const item& what) {
  if (!what.failed) {
    return what.body;
  }
  auto why = wire::read_error(what.body);
  return failure{why ? std::move(*why) : std::move(why).error()};
}

/// Runs the effect's `settle` and writes its reply into `reply`.
outcome<void>
settle(write& each, const store::effect_row& row, std::string& reply, turn_scope& in) {
  const handlers::effect* effect = each.by->find_effect(row.name);
  if (effect == nullptr) {
    return failure{internal_error("no such effect in this program", troupe::effect::unknown)};
  }
  store::lending lent{&in.handlers, in.output.at_savepoints()};
  turn current{*each.by, lent.session(), in.writer, row.call, {}, in.now, in.output};
  current.name_after(row.key);
  if (!row.trace.empty()) {
    in.spans.begin(each, row.trace);
  }
  current.in_trace(each.trace(row.trace), each.recorded());
  in.busy.note(work_at_hand::kind::settlement, row.name, row.key);
  TROUPE_FAULT("effect.before_settle");
  auto settled = effect->settle(row.request, result_in(*each.what), current, reply);
  lent.end();
  if (settled) {
    settled = in.of.check_answer(reply.size(), troupe::effect::unknown);
    if (!settled) {
      settled.error().is_final = true; // The books have the result; its answer is too large.
    }
  }
  return settled;
}

/// Settles with a savepoint: what a failure of the moment wrote is undone.
outcome<void>
settle_or_undo(write& each, const store::effect_row& row, std::string& reply, turn_scope& in) {
  const auto before = in.output.here();
  in.session.savepoint();
  outcome<void> settled;
  try {
    settled = settle(each, row, reply, in);
  } catch (const store::database_error& fault) {
    if (!store::is_of_message_at_hand(fault)) {
      throw;
    }
    settled = failure{internal_error(fault.what())};
    each.spoilt = true;
  } catch (...) {
    settled = failure{internal_error(what_was_thrown())};
    each.spoilt = true;
  }
  if (settled || !is_momentary(settled.error())) {
    in.session.release();
  } else {
    in.output.back_to(before);
    in.session.rollback_to_savepoint();
  }
  return settled;
}

/// Keeps a result that could not be settled: it is settled later, here or by an heir, and the
/// outside is not asked again.
void put_off(write& each, const error& why, turn_scope& in) {
  const item& what = *each.what;
  store::unsettled{in.session}.keep(
      what.id,
      {what.failed, std::string{what.body}, what.attempt},
      wire::travelling(why.message, wire::message_bytes_max),
      in.now);
  each.is_put_off = true;
  fail(each, why);
  if (is_worth_a_line(static_cast<int>(what.attempt))) {
    in.output.lines.push_back(
        {"effect.not_settled",
         {{"capability", in.of.name()},
          {"key", to_string(what.id)},
          {"attempt", fmt::to_string(what.attempt)},
          {"reason", why.message}}});
  }
}

} // namespace

bool run_effect_result(write& each, turn_scope& in) {
  store::effects effects{in.session};
  each.ran = true;
  const auto row = effects.find(each.what->id, in.writer);
  if (!row) {
    each.is_not_ours = true;
    return true; // The effect has a result already, or another process took it over.
  }
  const bool was_put_off = each.what->attempt > 1;
  if (was_put_off && store::unsettled{in.session}.attempts(row->key) >= each.what->attempt) {
    each.is_repeat = true;
    return true; // A person had it tried meanwhile; it comes again from there.
  }
  // The settlement violates a constraint that only the commit checks, so no savepoint helps.
  if (each.threw) {
    put_off(each, internal_error(*each.threw), in);
    each.spoilt = true;
    return true;
  }
  saga::outgoing::answer settled{row->call, false, {}};
  const bool may_undo = was_put_off || each.with_savepoint;
  const auto handled = may_undo ? settle_or_undo(each, *row, settled.bytes, in)
                                : settle(each, *row, settled.bytes, in);
  if (!handled && is_momentary(handled.error())) {
    if (!may_undo) {
      each.with_savepoint = true;
      return false;
    }
    put_off(each, handled.error(), in);
    return true;
  }
  // Unlike a command's, a settlement's refusal keeps its writes: a declined card is a fact to keep.
  if (!handled) {
    settled.failed = true;
    settled.bytes.clear();
    wire::append_error(settled.bytes, handled.error());
  }
  effects.remove(row->key);
  if (was_put_off) {
    store::unsettled{in.session}.remove(row->key);
  }
  const bool was_pending = store::inbox{in.session}.settle_by(
      row->key,
      row->call,
      settled.failed ? store::inbox_state::refused : store::inbox_state::ok,
      settled.bytes);
  // Nobody waits for an effect that was asked for by the handler of an event, or beside the one
  // that answers.
  if (was_pending) {
    in.output.answers.push_back(std::move(settled));
  }
  return true;
}

void run_saga_event(write& each, turn_scope& in) {
  const item& what = *each.what;
  each.ran = true;
  if (what.what == item::kind::saga_timer) {
    in.sagas->timer_due(in.of_sagas(), what.saga, what.token);
  } else {
    in.sagas->answered(in.of_sagas(), what.saga, what.token, what.failed, what.body);
  }
}

} // namespace troupe
