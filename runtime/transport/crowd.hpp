#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace troupe::transport {

/// The crowd: the connections that use the descriptors reserved for workers and operators.
///
/// A process has a limited number of open files. The system assigns the lowest free number, so a
/// connection whose descriptor is at `mark` or above found all lower ones in use. It is accepted,
/// is told why it is not served, and is closed after `told_within` unless it is kept. Pure.
class crowd {
public:
  /// Long enough to ask and to read the answer.
  static constexpr milliseconds told_within{500};
  /// The time they have when no descriptor is free. A handshake and an answer take less.
  static constexpr milliseconds told_in_haste{100};

  /// The number of descriptors reserved of a limit: an eighth, 16 to 256. 0 of 0, which means no
  /// limit.
  static std::uint64_t reserve_of(std::uint64_t open_files_max);

  explicit crowd(std::uint64_t open_files_max);

  void accepted(int descriptor, instant now);
  void ended(int descriptor);
  /// Shortens the time of those in the reserve, since no descriptor is left.
  /// @param turned_away connections that were not even accepted.
  void hurry(std::size_t turned_away, instant now);
  /// The connection belongs to a worker or an operator, and is kept.
  void keep(int descriptor);

  /// Whether any connection is in the reserve and not kept.
  bool is_any_in_reserve() const { return !beyond_.empty(); }

  bool is_in_reserve(int descriptor) const { return beyond_.count(descriptor) != 0; }

  /// Removes and returns those that are to be closed now.
  std::vector<int> overdue(instant now);
  instant next_due() const;

  /// The first descriptor that is reserved.
  std::uint64_t mark() const { return mark_; }

  /// Connections that came when there was no room for them.
  std::uint64_t turned_away() const { return turned_away_; }

  /// Whether some came since this was last reported, which happens at most every 10 s.
  bool is_worth_telling(instant now);

private:
  static constexpr std::chrono::seconds told_interval{10};

  std::uint64_t mark_;
  // The connections in the reserve, up to 256, and until when each stays.
  std::map<int, instant> beyond_;
  std::set<int> kept_;
  std::uint64_t turned_away_ = 0;
  std::uint64_t told_ = 0;
  instant told_at_{};
};

} // namespace troupe::transport
