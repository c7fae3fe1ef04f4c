#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace troupe::broker {

/// The positions of one subscriber's dead letters, on disk and on their way there. Pure.
class dead_positions {
public:
  /// @param on_disk in any order.
  explicit dead_positions(std::vector<std::uint64_t> on_disk);

  bool is_dead(std::uint64_t position) const;

  bool is_dying(std::uint64_t position) const {
    return !dying_.empty() && dying_.contains(position);
  }

  /// A dead letter must be written. False if it is on its way already.
  bool begin(std::uint64_t position, std::uint32_t partition) {
    return dying_.emplace(position, partition).second;
  }

  /// A dead letter is on disk.
  /// @return its partition; `nowhere` if it was not on its way.
  std::uint32_t written(std::uint64_t position);

  /// Whether it is time to forget the positions that all partitions have passed.
  bool is_full() const;
  void forget_up_to(std::uint64_t position);

private:
  std::vector<std::uint64_t> on_disk_; // Sorted.
  std::map<std::uint64_t, std::uint32_t> dying_;
};

} // namespace troupe::broker
