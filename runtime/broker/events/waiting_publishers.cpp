#include "runtime/broker/events/waiting_publishers.hpp"

#include "runtime/config.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

outcome<void> waiting_publishers::admit(origin from, std::size_t bytes, std::size_t all_bytes) {
  const auto known = of_.find(static_cast<std::uint64_t>(from));
  const share mine = known == of_.end() ? share{} : known->second;
  const std::size_t left = bytes_max_ - std::min(all_bytes, bytes_max_);
  if (mine.events >= events_max_ || left == 0 || (mine.bytes != 0 && mine.bytes + bytes > left)) {
    return failure{
        {.code = errc::overloaded,
         .message = fmt::format(
             "{} of events wait for the disk, {} of them in {} events of yours",
             size_text(all_bytes),
             size_text(mine.bytes),
             mine.events),
         .retry_after = milliseconds{20}}};
  }
  of_[static_cast<std::uint64_t>(from)] = {mine.events + 1, mine.bytes + bytes};
  return {};
}

void waiting_publishers::release(origin whom, std::size_t bytes) {
  const auto found = of_.find(static_cast<std::uint64_t>(whom));
  if (found == of_.end()) {
    return;
  }
  found.value().bytes -= bytes;
  if (--found.value().events == 0) {
    of_.erase(found);
  }
}

} // namespace troupe::broker
