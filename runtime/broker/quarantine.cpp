#include "runtime/broker/quarantine.hpp"

#include <algorithm>

namespace troupe::broker {

void quarantine::request(suspect_of who, login_id node) {
  const auto known =
      std::find_if(line_.begin(), line_.end(), [&](const wish& each) { return each.who == who; });
  if (known == line_.end()) {
    line_.push_back({who, node});
    if (line_.size() == 1) {
      begin_turn();
    }
  } else if (known->node != node) {
    known->node = node;
    if (known == line_.begin()) {
      begin_turn();
    }
  }
}

void quarantine::release(suspect_of who) {
  const bool is_turn = has_turn(who);
  std::erase_if(line_, [&](const wish& each) { return each.who == who; });
  if (is_turn) {
    begin_turn();
  }
}

/// The turn of the first in line, if there is one.
void quarantine::begin_turn() {
  node_ = line_.empty() ? login_id{nowhere} : line_.front().node;
  awaited_ = joined_;
  ++changes_;
}

void quarantine::emptied(work of) {
  const std::uint8_t before = awaited_;
  awaited_ &= static_cast<std::uint8_t>(~static_cast<std::uint8_t>(of));
  if (!line_.empty() && before != 0 && awaited_ == 0) {
    ++changes_;
  }
}

} // namespace troupe::broker
