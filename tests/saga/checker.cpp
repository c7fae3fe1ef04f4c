#include "tests/saga/checker.hpp"

#include <optional>

namespace troupe::saga::test {

namespace {

class checker {
public:
  explicit checker(const history& run) : run_{run}, steps_(run.kinds.size()) {}

  std::vector<std::string> check() {
    read_journal();
    check_end();
    if (found_.empty()) {
      check_world();
    }
    return std::move(found_);
  }

private:
  struct step_facts {
    bool intended = false;
    bool done = false;
    bool passed = false;
    bool undo_intended = false;
    bool failed_for_sure = false;
    int times_undone = 0;
  };

  void broken(const char* rule, const std::string& what) {
    found_.push_back(std::string{rule} + ": " + what);
  }

  void read_journal() {
    std::uint64_t seq = 0;
    std::uint64_t epoch = 0;
    for (const journal_row& row : run_.journal) {
      if (row.seq != ++seq) {
        broken(
            "I7", "seq " + std::to_string(row.seq) + " where " + std::to_string(seq) + " is due");
      }
      if (row.epoch < epoch) {
        broken("I7", "the epoch decreases at seq " + std::to_string(row.seq));
      }
      epoch = row.epoch;
      if ((row.kind == record_kind::started) != (&row == run_.journal.data())) {
        broken("I7", "`started` is not the one first record");
      }
      if (over_ == record_kind::completed && row.kind == record_kind::recalled) {
        over_.reset();
      }
      if (over_) {
        broken("I7", "a record after the end");
      }
      read(row);
    }
  }

  void read(const journal_row& row) {
    step_facts& step = steps_.at(row.step);
    switch (row.kind) {
    case record_kind::intent:
      if (last_undo_) {
        broken("I6", "a forward intent after the first undo intent");
      }
      step.intended = true;
      break;
    case record_kind::done:
      step.done = true;
      break;
    case record_kind::passed:
      if (step.intended && !resumed_) {
        broken("I6", "step " + std::to_string(row.step) + " was asked and passed over");
      }
      step.passed = true;
      break;
    case record_kind::resumed:
      resumed_ = true;
      break;
    case record_kind::failed:
      step.failed_for_sure = !row.maybe_done;
      break;
    case record_kind::undo_intent:
      // The same step twice is a resumed undo, or else shows as undone twice.
      if (last_undo_ && run_.stages[row.step] > run_.stages[*last_undo_]) {
        broken("I6", "step " + std::to_string(row.step) + " is undone after an earlier one");
      }
      last_undo_ = row.step;
      step.undo_intended = true;
      break;
    case record_kind::undone:
      if (++step.times_undone > 1) {
        broken("I6", "step " + std::to_string(row.step) + " is undone twice");
      }
      break;
    case record_kind::completed:
    case record_kind::compensated:
      over_ = row.kind;
      break;
    case record_kind::recalled:
      break; // What was completed goes on.
    default:
      break;
    }
  }

  void check_end() {
    const bool parked = !run_.journal.empty() && run_.journal.back().kind == record_kind::parked;
    if (!over_ && !parked) {
      broken("I5", "the saga has not ended");
    }
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const step_facts& step = steps_[i];
      const std::string name = "step " + std::to_string(i);
      if (over_ == record_kind::completed
          && ((!step.done && !step.passed) || step.times_undone > 0)) {
        broken("I6", name + " of a completed saga is not done");
      }
      const bool must_undo =
          run_.is_call[i] && (step.done || (step.intended && !step.failed_for_sure));
      if (over_ == record_kind::compensated && must_undo && step.times_undone == 0) {
        broken("I6", name + " of a compensated saga is not undone");
      }
      if (step.done && run_.kinds[i] != step_kind::compensatable && step.times_undone > 0) {
        broken("I6", name + " was past the point of no return and undone");
      }
    }
  }

  void check_world() {
    std::vector<int> in_place(steps_.size());
    std::vector<int> times_done(steps_.size());
    std::optional<std::uint32_t> last_undone;
    for (const effect_row& each : run_.effects) {
      if (each.undo) {
        --in_place[each.step];
        if (last_undone
            && (each.step == *last_undone || run_.stages[each.step] > run_.stages[*last_undone])) {
          broken("I6", "effects were undone out of order");
        }
        last_undone = each.step;
      } else {
        ++in_place[each.step];
        ++times_done[each.step];
      }
    }
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const std::string name = "step " + std::to_string(i);
      if (times_done[i] > 1) {
        broken("I8", name + " had its effect twice");
      }
      const journal_row& last = run_.journal.back();
      const step_facts& step = steps_[i];
      // Parked at a command whose outcome is unknown, or before the undo of a step whose is.
      const bool open_undo = step.undo_intended && !step.done && step.times_undone == 0;
      // Or beside such a step, while it is asked or undone itself.
      const bool open_beside = last.step != i && run_.stages[last.step] == run_.stages[i]
                               && step.times_undone == 0 && (!step.done || last_undo_);
      const bool unknown = last.kind == record_kind::parked
                           && ((last.step == i && (last.maybe_done || open_undo)) || open_beside);
      const bool expected = step.done && step.times_undone == 0 && run_.is_call[i];
      if (!unknown && in_place[i] != (expected ? 1 : 0)) {
        broken(
            "I8",
            name + (expected ? " is done in the journal only" : " is done in the world only"));
      }
    }
  }

  const history& run_;
  std::vector<step_facts> steps_;
  std::optional<std::uint32_t> last_undo_;
  std::optional<record_kind> over_;
  bool resumed_ = false;
  std::vector<std::string> found_;
};

} // namespace

std::vector<std::string> violations(const history& run) {
  return checker{run}.check();
}

} // namespace troupe::saga::test
