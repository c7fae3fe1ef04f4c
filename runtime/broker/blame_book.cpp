#include "runtime/broker/blame_book.hpp"

namespace troupe::broker {

std::uint8_t blame_book::deaths_of(const uuid& id) const {
  const auto found = deaths_.find(id);
  return found == deaths_.end() ? std::uint8_t{0} : found->second;
}

void blame_book::set(const uuid& id, std::uint8_t deaths) {
  if (!deaths_.insert_or_assign(id, deaths).second) {
    return;
  }
  oldest_.push_back(id);
  // An id that was cleared is still in `oldest_`. If it was blamed again meanwhile, it is forgotten
  // early, by its earlier place there.
  while (oldest_.size() > ids_max) {
    deaths_.erase(oldest_.front());
    oldest_.pop_front();
  }
}

void blame_book::clear(const uuid& id) {
  deaths_.erase(id);
}

} // namespace troupe::broker
