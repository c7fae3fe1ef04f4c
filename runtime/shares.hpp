#pragma once

#include "runtime/secret_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <tsl/robin_map.h>

namespace troupe {

/// The shares of peers in a bounded store: each may have as much as is left for the others, so that
/// the next one always finds room, however many try to fill it. Pure.
/// @source Choudhury and Hahne 1998, "Dynamic queue length thresholds for shared-memory packet
/// switches", with alpha = 1.
class shares {
public:
  explicit shares(std::size_t most) : most_{most} {}

  /// Whether the peer may have that much more. The first item of a peer that has none may be larger
  /// than half of the store, and even than what is left.
  bool admits(std::uint64_t whom, std::size_t amount) const {
    const std::size_t left = most_ - (all_ < most_ ? all_ : most_);
    const std::size_t mine = of(whom);
    return left != 0 && (mine == 0 || mine + amount <= left);
  }

  void add(std::uint64_t whom, std::size_t amount) {
    of_[whom] += amount;
    all_ += amount;
  }

  void remove(std::uint64_t whom, std::size_t amount) {
    const auto found = of_.find(whom);
    if (found == of_.end()) {
      return;
    }
    all_ -= amount;
    found.value() -= amount;
    if (found->second == 0) {
      of_.erase(found);
    }
  }

  std::size_t of(std::uint64_t whom) const {
    const auto found = of_.find(whom);
    return found == of_.end() ? 0 : found->second;
  }

  std::size_t all() const { return all_; }

private:
  std::size_t most_;
  std::size_t all_ = 0;
  tsl::robin_map<std::uint64_t, std::size_t, secret_hash> of_;
};

} // namespace troupe
