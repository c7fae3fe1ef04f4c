#include "runtime/worker/awaited_answers.hpp"

#include "runtime/store/turn/inbox.hpp"

namespace troupe {

namespace {

constexpr std::size_t looked_up_max = 256;

} // namespace

void awaited_answers::add(const uuid& call) {
  if (!known_.insert(call).second) {
    return;
  }
  line_.push_back(call);
  if (line_.size() > calls_max) {
    known_.erase(line_.front());
    line_.pop_front();
  }
}

void awaited_answers::add(std::span<const uuid> calls) {
  for (const uuid& each : calls) {
    add(each);
  }
}

void awaited_answers::look(store::database& session, std::vector<saga::outgoing::answer>& found) {
  store::inbox inbox{session};
  std::size_t looked_up = 0;
  for (std::size_t left = line_.size(); left != 0 && looked_up < looked_up_max; --left) {
    const uuid call = line_.front();
    line_.pop_front();
    if (!known_.contains(call)) {
      continue;
    }
    line_.push_back(call);
    ++looked_up;
    auto row = inbox.find(call);
    if (row && row->state == store::inbox_state::pending) {
      continue;
    }
    found_.push_back(call);
    if (row) { // A call without a row was undone with the turn that added it.
      found.push_back({call, row->state == store::inbox_state::refused, std::move(row->reply)});
    }
  }
}

void awaited_answers::committed() {
  for (const uuid& each : found_) {
    forget(each);
  }
  found_.clear();
}

} // namespace troupe
