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

/// The readers by the patterns that they wait for, so that an event finds those who want it at a
/// cost that does not grow with the others. Pure.
class pattern_index {
public:
  /// @param patterns topics, `PREFIX.*` or `*`; each counts once, however often it is given.
  void add(std::uint64_t reader, std::span<const std::string> patterns);
  /// @param patterns the same as for `add`.
  void remove(std::uint64_t reader, std::span<const std::string> patterns);

  /// Appends the readers of whose patterns one matches the topic, some of them more than once.
  void find(std::string_view topic, std::vector<std::uint64_t>& readers) const;

private:
  using table =
      tsl::robin_map<std::string, std::vector<std::uint64_t>, secret_hash, std::equal_to<>>;

  table readers_;
};

} // namespace troupe::broker
