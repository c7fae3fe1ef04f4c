#include "runtime/worker/regular_work.hpp"

#include "runtime/store/turn/faults.hpp"
#include "runtime/thrown.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

constexpr milliseconds look_interval{2'000};

} // namespace

void regular_work::run(write& house, turn_scope& in) {
  const actor& by = *house.by;
  const instant time = in.of.parts().time.now();
  const bool looks =
      by.waiting_for_people() && (!looked_at_ || time - *looked_at_ >= look_interval);
  if (!by.regular_work() && !looks) {
    return;
  }
  house.ran = true;
  const auto before = in.output.here();
  in.session.savepoint();
  std::string reason;
  in.busy.note(work_at_hand::kind::regular);
  try {
    store::lending lent{&in.handlers, in.output.at_savepoints()};
    if (looks) {
      looked_at_ = time;
      in.of.condition().set_open_matters(by.waiting_for_people()(*lent.session()));
    }
    if (by.regular_work()) {
      turn current{by, lent.session(), in.writer, ids_.next(in.now), {}, in.now, in.output};
      by.regular_work()(current);
    }
    lent.end();
    in.session.release();
    failures_ = 0;
    return;
  } catch (const store::database_error& fault) {
    if (!store::is_of_message_at_hand(fault)) {
      throw;
    }
    reason = fault.what();
  } catch (...) {
    reason = what_was_thrown();
  }
  house.spoilt = true;
  in.output.back_to(before);
  in.session.rollback_to_savepoint();
  if (is_worth_a_line(++failures_)) {
    in.output.lines.push_back(
        {"regular_work.failed",
         {{"capability", in.of.name()},
          {"in_a_row", fmt::to_string(failures_)},
          {"reason", std::move(reason)}}});
  }
}

} // namespace troupe
