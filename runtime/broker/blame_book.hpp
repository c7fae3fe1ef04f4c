#pragma once

#include "runtime/ids.hpp"

#include <cstdint>
#include <deque>
#include <unordered_map>

namespace troupe::broker {

/// So many workers died with it in hand: from now on it is sent alone.
inline constexpr std::uint8_t deaths_suspected = 2;
/// So many, the last three of them with nothing else in hand: it is not tried again. Deaths in
/// company prove little, and one alone may be chance: somebody who kills workers one after another
/// while suspects are cleared is bound to hit some of them, but not the same one three times.
inline constexpr std::uint8_t deaths_convicted = 5;

/// Remembers how many workers died with which call in hand, beyond the call's own end: a client
/// that gave up and asks again with the same id must not start a new count.
///
/// Bounded: of more than `ids_max` the oldest are forgotten.
class blame_book {
public:
  static constexpr std::size_t ids_max = 16'384;

  std::uint8_t deaths_of(const uuid& id) const;
  void set(const uuid& id, std::uint8_t deaths);
  /// It was answered by a worker that lived on.
  void clear(const uuid& id);

  bool empty() const { return deaths_.empty(); }

private:
  std::unordered_map<uuid, std::uint8_t> deaths_;
  std::deque<uuid> oldest_;
};

} // namespace troupe::broker
