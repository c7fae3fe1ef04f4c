#include "runtime/broker/server/login_table.hpp"

namespace troupe::broker {

login_id login_table::add(transport::peer whom, bool is_worker, std::uint32_t batch) {
  auto place = static_cast<std::uint32_t>(logins_.size());
  if (free_.empty()) {
    logins_.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  logins_[place] = {.peer = whom, .in_use = true, .is_worker = is_worker, .batch = batch};
  workers_ += is_worker ? 1U : 0U;
  return login_id{place};
}

void login_table::bind(login_id whom) {
  of_peer_[static_cast<std::uint64_t>((*this)[whom].peer)] = whom;
  is_last_known_ = false;
}

void login_table::set_proved(login_id whom, std::string owner, instant until, instant now) {
  login& proved = logins_[static_cast<std::size_t>(whom)];
  proved.owner = std::move(owner);
  proved.until = until;
  // The owner sends the next token when a third of the time is left. The leeway of clocks is part
  // of the time.
  proved.overdue = until == instant::max() ? until : until - (until - now) / 6;
  proved.refused.clear();
}

void login_table::remove(login_id whom) {
  login& ended = logins_[static_cast<std::size_t>(whom)];
  // The connection may have a newer login by now.
  const auto bound = of_peer_.find(static_cast<std::uint64_t>(ended.peer));
  if (bound != of_peer_.end() && bound->second == whom) {
    of_peer_.erase(bound);
    is_last_known_ = false;
  }
  workers_ -= ended.is_worker ? 1U : 0U;
  ended = {};
  free_.push_back(static_cast<std::uint32_t>(whom));
}

login_id login_table::find(transport::peer whom) {
  if (!is_last_known_ || whom != last_peer_) {
    const auto found = of_peer_.find(static_cast<std::uint64_t>(whom));
    last_peer_ = whom;
    last_found_ = found == of_peer_.end() ? login_id{nowhere} : found->second;
    is_last_known_ = true;
  }
  return last_found_;
}

} // namespace troupe::broker
