#include "runtime/worker/awaited_answers.hpp"

#include "runtime/store/turn/inbox.hpp"

#include <algorithm>

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
  for (std::size_t left = std::min(line_.size(), looked_up_max); left != 0; --left) {
    const uuid call = line_.front();
    line_.pop_front();
    line_.push_back(call);
    auto row = inbox.find(call);
    if (row && row->state == store::inbox_state::pending) {
      continue;
    }
    found_.push_back(call);
    if (row) { // Else it was undone with the turn that added it.
      found.push_back({call, row->state == store::inbox_state::refused, std::move(row->reply)});
    }
  }
}

void awaited_answers::committed() {
  for (const uuid& each : found_) {
    known_.erase(each);
    line_.erase(std::find(line_.begin(), line_.end(), each));
  }
  found_.clear();
}

} // namespace troupe
