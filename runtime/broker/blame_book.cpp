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

std::uint8_t blame_book::blame(const uuid& id, const uuid& incarnation, bool was_alone) {
  const auto [at, is_new] = blamed_.try_emplace(id);
  entry& blamed = at->second;
  if (is_new) {
    blamed.number = ++numbers_;
    in_order_.emplace(blamed.number, id);
  }
  const auto end = blamed.dead.begin() + blamed.deaths;
  if (blamed.deaths >= deaths_suspected && !was_alone) {
    blamed.outlasted = std::max(blamed.outlasted, static_cast<std::uint8_t>(blamed.outlasted + 1U));
  } else if (end != blamed.dead.end() && std::find(blamed.dead.begin(), end, incarnation) == end) {
    *end = incarnation;
    ++blamed.deaths;
  }
  const std::uint8_t deaths = blamed.deaths;
  if (blamed_.size() > ids_max) {
    blamed_.erase(in_order_.begin()->second);
    in_order_.erase(in_order_.begin());
  }
  return deaths;
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
  if (deaths == 0) {
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
