#include "runtime/transport/named_peers.hpp"

namespace troupe::transport {

std::uint64_t named_peers::number_of(std::string_view name) {
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, known->second);
    return known->second->number;
  }
  if (by_use_.size() == names_max) {
    by_number_.erase(by_use_.back().number);
    by_name_.erase(by_use_.back().name);
    by_use_.pop_back();
  }
  by_use_.push_front({std::string{name}, next_++});
  by_name_.emplace(by_use_.front().name, by_use_.begin());
  by_number_.emplace(by_use_.front().number, by_use_.begin());
  return by_use_.front().number;
}

std::string_view named_peers::name_of(std::uint64_t number) const {
  const auto known = by_number_.find(number);
  return known == by_number_.end() ? std::string_view{} : known->second->name;
}

} // namespace troupe::transport
