#include "runtime/broker/quarantine.hpp"

#include <algorithm>

namespace troupe::broker {

void quarantine::request(suspect_of who, login_id node, milliseconds alone) {
  const auto known = std::ranges::find(line_, who, &wish::who);
  if (known == line_.end()) {
    line_.push_back({who, node, alone});
    if (line_.size() == 1) {
      begin_turn();
    }
    return;
  }
  known->alone = alone;
  if (known->node != node) {
    known->node = node;
    if (has_turn(who)) {
      begin_turn();
    }
  }
}

void quarantine::release(suspect_of who) {
  const bool is_turn = has_turn(who);
  std::erase_if(line_, [&](const wish& each) { return each.who == who; });
  if (is_turn) {
    end_turn();
  }
}

/// The turn of the first in line, if there is one.
void quarantine::begin_turn() {
  if (is_resting()) {
    return;
  }
  node_ = line_.empty() ? login_id{nowhere} : line_.front().node;
  awaited_ = joined_;
  is_new_ = true;
  ++changes_;
}

void quarantine::end_turn() {
  if (awaited_ == 0) {
    patience_ = patience_first;
  }
  if (!is_fresh_ && now_ - kept_since_ >= kept_free_most) {
    rest();
  } else {
    begin_turn();
  }
}

/// Starts a rest: no node is kept free for as long as one was.
void quarantine::rest() {
  rest_until_ = now_ + (now_ - kept_since_);
  node_ = login_id{nowhere};
  awaited_ = joined_;
  ++changes_;
}

void quarantine::leave(work of) {
  emptied(of);
  joined_ &= static_cast<std::uint8_t>(~static_cast<std::uint8_t>(of));
}

void quarantine::tick(instant now) {
  now_ = now;
  if (is_resting() && now_ >= rest_until_) {
    rest_until_ = {};
    begin_turn();
    is_fresh_ = true;
  }
  if (node_ == login_id{nowhere}) {
    is_fresh_ = true;
    return;
  }
  if (is_fresh_) {
    kept_since_ = now_;
    is_fresh_ = false;
  }
  if (is_new_) {
    turn_since_ = now_;
    is_new_ = false;
  }
  const auto lasted = now_ - turn_since_;
  if (awaited_ == 0 && lasted >= line_.front().alone) {
    line_.pop_front(); // Its suspect goes on beside others.
    patience_ = patience_first;
    rest();
  } else if (awaited_ != 0 && lasted >= patience_) {
    line_.push_back(line_.front());
    line_.pop_front();
    patience_ = std::min(2 * patience_, patience_most);
    rest();
  }
}

void quarantine::emptied(work of) {
  const std::uint8_t before = awaited_;
  awaited_ &= static_cast<std::uint8_t>(~static_cast<std::uint8_t>(of));
  if (!line_.empty() && before != 0 && awaited_ == 0) {
    ++changes_;
  }
}

} // namespace troupe::broker
