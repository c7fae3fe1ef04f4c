#include "runtime/broker/events/known_topics.hpp"

#include <iterator>
#include <utility>

namespace troupe::broker {

known_topics::known_topics(std::size_t topics_max, std::vector<std::string> names)
    : topics_max_{topics_max}, names_{
                                   std::make_move_iterator(names.begin()),
                                   std::make_move_iterator(names.end())} {
}

bool known_topics::has_room_for(std::string_view topic) const {
  return topic == recent_ || names_.size() < topics_max_ || names_.contains(topic);
}

bool known_topics::admit(std::string_view topic) {
  if (!has_room_for(topic)) {
    return false;
  }
  if (topic == recent_) {
    return true;
  }
  recent_ = topic;
  if (names_.insert(recent_).second) {
    open_.push_back(recent_);
  }
  return true;
}

void known_topics::admit_closed(std::string_view topic) {
  if (names_.insert(std::string{topic}).second) {
    closed_.emplace_back(topic);
  }
}

void known_topics::close_batch() {
  closed_ = std::exchange(open_, {});
}

void known_topics::written() {
  closed_.clear();
}

void known_topics::take_back() {
  forget(std::exchange(closed_, {}));
  forget(std::exchange(open_, {}));
}

void known_topics::forget(const std::vector<std::string>& names) {
  recent_.clear();
  for (const std::string& each : names) {
    names_.erase(each);
  }
}

} // namespace troupe::broker
