#include "runtime/broker/journal/question_line.hpp"

#include <algorithm>
#include <utility>

namespace troupe::broker {

bool question_line::add(waiting&& what) {
  if (what.from == own) {
    if (own_.size() >= questions_max_) {
      return false;
    }
    if (own_.empty()) {
      // Time in which nobody asked is no credit.
      spent_on_own_ = std::max(spent_on_own_, spent_on_peers_);
    }
    own_.push_back(std::move(what));
    return true;
  }
  const auto whom = static_cast<std::uint64_t>(what.from);
  if (!shares_.admits(whom, 1)) {
    return false;
  }
  if (of_peers_.empty()) {
    spent_on_peers_ = std::max(spent_on_peers_, spent_on_own_);
  }
  shares_.add(whom, 1);
  ++peers_waiting_;
  const auto [line, is_new] = of_peers_.try_emplace(what.from);
  if (is_new) {
    line->second.spent = least_spent_;
  }
  line->second.questions.push_back(std::move(what));
  return true;
}

question_line::waiting question_line::take() {
  ++taken_;
  if (!own_.empty() && (of_peers_.empty() || spent_on_own_ <= spent_on_peers_)) {
    waiting next = std::move(own_.front());
    own_.pop_front();
    return next;
  }
  const auto line = std::ranges::min_element(of_peers_, [](const auto& one, const auto& other) {
    return one.second.spent < other.second.spent;
  });
  waiting next = std::move(line->second.questions.front());
  line->second.questions.pop_front();
  --peers_waiting_;
  shares_.remove(static_cast<std::uint64_t>(next.from), 1);
  least_spent_ = line->second.spent;
  if (line->second.questions.empty()) {
    of_peers_.erase(line);
  }
  return next;
}

void question_line::answered(asker whom, instant::duration took) {
  --taken_;
  if (whom == own) {
    spent_on_own_ += took;
    return;
  }
  spent_on_peers_ += took;
  // A peer without another question starts over, behind those that wait now.
  if (const auto line = of_peers_.find(whom); line != of_peers_.end()) {
    line->second.spent += took;
  }
}

} // namespace troupe::broker
