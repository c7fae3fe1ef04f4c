#pragma once

#include "runtime/secret_hash.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe::broker {

/// The readers by the patterns that they wait for, so that an event finds its readers at a cost
/// independent of the others. Pure.
class pattern_index {
public:
  /// @param patterns topics, `PREFIX.*` or `*`; duplicates count once.
  void add(std::uint64_t reader, std::span<const std::string> patterns);
  /// @param patterns the same as for `add`.
  void remove(std::uint64_t reader, std::span<const std::string> patterns);

  /// Appends the readers with a pattern that matches the topic, possibly more than once.
  void find(std::string_view topic, std::vector<std::uint64_t>& readers) const;

private:
  using table =
      tsl::robin_map<std::string, std::vector<std::uint64_t>, secret_hash, std::equal_to<>>;

  table readers_;
};

} // namespace troupe::broker
