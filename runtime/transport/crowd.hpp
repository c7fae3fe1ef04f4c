#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace troupe::transport {

/// The crowd: the connections that use the descriptors kept back for workers and operators.
///
/// A process has a limited number of open files. The system gives the lowest number that is free,
/// so that a connection whose descriptor is at `mark` or above has met all others in use. It is let
/// in, to be told why it is not served, and cut off after `told_within` unless it is kept. Pure.
class crowd {
public:
  /// Long enough to ask and to read the answer.
  static constexpr milliseconds told_within{500};
  /// The time that is left to them when not one descriptor is free. A handshake and an answer take
  /// less.
  static constexpr milliseconds told_in_haste{100};

  /// The descriptors kept back of so many: an eighth, 16 to 256. 0 of 0, which means no limit.
  static std::uint64_t reserve_of(std::uint64_t open_files_max);

  explicit crowd(std::uint64_t open_files_max);

  void accepted(int descriptor, instant now);
  void ended(int descriptor);
  /// Hurries those in the reserve, as not one descriptor is left.
  /// @param turned_away connections that were not even let in.
  void hurry(std::size_t turned_away, instant now);
  /// The connection is a worker's or an operator's, and stays.
  void keep(int descriptor);

  /// Whether any connection is in the reserve and not kept.
  bool is_any_in_reserve() const { return !beyond_.empty(); }

  bool is_in_reserve(int descriptor) const { return beyond_.count(descriptor) != 0; }

  /// Takes out those that are to be cut off now.
  std::vector<int> overdue(instant now);
  instant next_due() const;

  /// The first descriptor that is kept back.
  std::uint64_t mark() const { return mark_; }

  /// Connections that came when there was no room for them.
  std::uint64_t turned_away() const { return turned_away_; }

  /// Whether some came since it was told, which it is every 10 s at most.
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
