#pragma once

#include "runtime/ids.hpp"

#include <cstdint>
#include <deque>
#include <unordered_map>

namespace troupe::broker {

/// A call or event with which so many workers died is sent alone from then on.
inline constexpr std::uint8_t deaths_suspected = 2;
/// A call or event with which so many died, three of them with nothing else in hand, is not tried
/// again. Deaths in company prove little, and one death alone may be chance: somebody who kills
/// workers one after another hits some that have a suspect, but not the same suspect three times.
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
