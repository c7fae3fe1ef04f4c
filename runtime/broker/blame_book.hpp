#pragma once

#include "runtime/ids.hpp"

#include <cstdint>
#include <deque>
#include <unordered_map>

namespace troupe::broker {

/// The number of worker deaths after which a call or event is sent alone.
inline constexpr std::uint8_t deaths_suspected = 2;
/// The number of worker deaths after which a call or event is not tried again, if three of these
/// workers had nothing else in hand. A death with other messages in hand proves little. One death
/// without them may be chance: an operator who kills workers hits some that run a suspect, but not
/// the same suspect three times.
inline constexpr std::uint8_t deaths_convicted = 5;

/// Remembers how many workers died with which call or event in hand, beyond the end of a call: a
/// client that gave up and asks again with the same id must not start a new count.
///
/// Bounded: of more than `ids_max` the oldest are forgotten.
class blame_book {
public:
  static constexpr std::size_t ids_max = 16'384;

  std::uint8_t deaths_of(const uuid& id) const;
  void set(const uuid& id, std::uint8_t deaths);
  /// A worker answered it and lived on.
  void clear(const uuid& id);

  bool empty() const { return deaths_.empty(); }

private:
  std::unordered_map<uuid, std::uint8_t> deaths_;
  std::deque<uuid> oldest_;
};

} // namespace troupe::broker
