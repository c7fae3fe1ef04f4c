#include "runtime/worker/turn_inbox.hpp"

#include <utility>

namespace troupe {

void turn_inbox::begin() {
  rows_.clear();
  added_ = {};
  is_inserting_ = false;
  const auto version = session_.version();
  remembers_ = version.has_value();
  if (!remembers_) {
    looked_up_.clear();
    store::retention{session_}.ask([this](const store::forgotten& now) { note(now); });
  } else if (known_at_ != version) { // Other processes have handled messages meanwhile.
    known_.start_over(store::inbox{session_}.newest());
    forgotten_ = {};
    note(store::retention{session_}.read());
  }
  known_at_.reset();
}

void turn_inbox::note(const store::forgotten& now) {
  forgotten_ = std::max(forgotten_, now.calls);
  is_on_trial_ = now.trial > milliseconds{0};
  kept_from_ = is_on_trial_ ? now.handled_from : std::nullopt;
  is_lower_ = false;
}

void turn_inbox::look_up(std::span<const write> writes) {
  if (remembers_) {
    return;
  }
  asked_.clear();
  for (const write& each : writes) {
    if (is_call(*each.what) && looked_up_.try_emplace(each.what->id, std::nullopt).second) {
      asked_.push_back(each.what->id);
    }
  }
  store::inbox{session_}.ask(asked_, [this](const uuid& id, store::inbox_entry&& found) {
    if (found.state == store::inbox_state::pending) {
      looked_up_.erase(id); // Another message of this turn may bring its answer.
    } else {
      looked_up_[id] = std::move(found);
    }
  });
}

std::optional<store::inbox_entry> turn_inbox::find(const uuid& id) {
  if (remembers_) {
    if (known_.is_new(id)) {
      return std::nullopt;
    }
  } else if (const auto found = looked_up_.find(id); found != looked_up_.end()) {
    return found->second;
  }
  insert_rows(); // The id may be in one of the rows that are not inserted yet.
  return store::inbox{session_}.find(id);
}

void turn_inbox::add(const store::inbox_row& row) {
  if (remembers_) {
    known_.add(row.id); // An id missing there counts as never seen and would run twice.
  } else {
    looked_up_.erase(row.id); // Likewise, if it comes twice in this turn.
  }
  if (is_on_trial_ && (!kept_from_ || row.id < *kept_from_)) {
    kept_from_ = row.id;
    is_lower_ = true;
  }
  rows_.push_back(row);
  added_ = row.id;
  if (rows_.size() == store::inbox::rows_best) {
    insert_rows();
  }
}

void turn_inbox::insert_rows() {
  is_inserting_ = true;
  store::inbox{session_}.insert(rows_);
  if (std::exchange(is_lower_, false)) {
    store::retention{session_}.note_handled(*kept_from_);
  }
  rows_.clear();
  is_inserting_ = false;
}

} // namespace troupe
