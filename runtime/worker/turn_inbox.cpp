#include "runtime/worker/turn_inbox.hpp"

#include "runtime/store/turn/retention.hpp"

namespace troupe {

void turn_inbox::begin() {
  rows_.clear();
  is_inserting_ = false;
  if (known_at_ != session_.version()) { // Other processes have handled messages meanwhile.
    known_.start_over(store::inbox{session_}.newest());
    forgotten_ = store::retention{session_}.read().calls;
  }
  known_at_.reset();
}

std::optional<store::inbox_entry> turn_inbox::find(const uuid& id) {
  if (known_.is_new(id)) {
    return std::nullopt;
  }
  insert_rows(); // The id may be in one of the rows that are not inserted yet.
  return store::inbox{session_}.find(id);
}

void turn_inbox::add(const store::inbox_row& row) {
  known_.add(row.id); // An id missing there counts as never seen and would run twice.
  rows_.push_back(row);
  if (rows_.size() == store::inbox::rows_best) {
    insert_rows();
  }
}

void turn_inbox::insert_rows() {
  is_inserting_ = true;
  store::inbox{session_}.insert(rows_);
  rows_.clear();
  is_inserting_ = false;
}

} // namespace troupe
