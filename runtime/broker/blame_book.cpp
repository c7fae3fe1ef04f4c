#include "runtime/broker/blame_book.hpp"

#include <algorithm>

namespace troupe::broker {

std::uint8_t blame_book::deaths_of(const uuid& id) const {
  const auto found = blamed_.find(id);
  return found == blamed_.end() ? std::uint8_t{0} : found->second.deaths;
}

std::uint8_t blame_book::outlasted(const uuid& id) const {
  const auto found = blamed_.find(id);
  return found == blamed_.end() ? std::uint8_t{0} : found->second.outlasted;
}

/// Forgets the one blamed first if there is no room.
blame_book::entry& blame_book::find_or_add(const uuid& id) {
  const auto known = blamed_.find(id);
  if (known != blamed_.end()) {
    return known->second;
  }
  if (blamed_.size() == ids_max) {
    blamed_.erase(in_order_.begin()->second);
    in_order_.erase(in_order_.begin());
  }
  entry& added = blamed_[id];
  added.number = ++numbers_;
  in_order_.emplace(added.number, id);
  return added;
}

std::uint8_t blame_book::blame(const uuid& id, const uuid& incarnation, bool was_alone) {
  entry& blamed = find_or_add(id);
  const auto end = blamed.dead.begin() + blamed.deaths;
  if (blamed.deaths >= deaths_suspected && !was_alone) {
    blamed.outlasted = std::max(blamed.outlasted, static_cast<std::uint8_t>(blamed.outlasted + 1U));
  } else if (end != blamed.dead.end() && std::find(blamed.dead.begin(), end, incarnation) == end) {
    *end = incarnation;
    ++blamed.deaths;
  }
  return blamed.deaths;
}

bool blame_book::is_set_aside(const uuid& id) const {
  const auto found = blamed_.find(id);
  return found != blamed_.end() && found->second.is_set_aside;
}

void blame_book::allow_again() {
  for (auto each = blamed_.begin(); each != blamed_.end();) {
    entry& blamed = each->second;
    if (blamed.is_set_aside && blamed.deaths == 0) {
      in_order_.erase(blamed.number);
      each = blamed_.erase(each);
    } else {
      blamed.is_set_aside = false;
      ++each;
    }
  }
}

std::uint8_t blame_book::take_back(const uuid& id, const uuid& incarnation) {
  const auto found = blamed_.find(id);
  if (found == blamed_.end()) {
    return 0;
  }
  entry& blamed = found->second;
  const auto end = blamed.dead.begin() + blamed.deaths;
  const auto known = std::find(blamed.dead.begin(), end, incarnation);
  if (known != end) {
    std::copy(known + 1, end, known);
    --blamed.deaths;
  }
  const std::uint8_t deaths = blamed.deaths;
  if (deaths == 0 && !blamed.is_set_aside) {
    clear(id);
  }
  return deaths;
}

void blame_book::clear(const uuid& id) {
  const auto found = blamed_.find(id);
  if (found != blamed_.end()) {
    in_order_.erase(found->second.number);
    blamed_.erase(found);
  }
}

} // namespace troupe::broker
