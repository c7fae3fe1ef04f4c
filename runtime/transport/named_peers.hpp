#pragma once

#include "runtime/secret_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>

namespace troupe::transport {

/// The numbers of peers that chose a routing id of their own (`ZMQ_ROUTING_ID`, "identity"), so
/// that they are served like all others.
///
/// Numbers start above those that libzmq assigns, rise, and are never used twice. Bounded: beyond
/// `names_max` the name that was silent longest is forgotten, and gets a new number if it returns.
/// Belongs to the loop's thread.
class named_peers {
public:
  /// The most names, as many as there may be connections of this kind: a name has up to 255 bytes.
  static constexpr std::size_t names_max = 16'384;
  static constexpr std::size_t name_bytes_max = 255;
  static constexpr std::uint64_t first = std::uint64_t{1} << 32U;

  /// The number of a name of 1 to `name_bytes_max` bytes.
  std::uint64_t number_of(std::string_view name);

  /// The name that has the number; empty if it was forgotten.
  std::string_view name_of(std::uint64_t number) const;

private:
  struct entry {
    std::string name;
    std::uint64_t number = 0;
  };

  using entries = std::list<entry>;

  entries by_use_; // The last one heard of in front.
  tsl::robin_map<std::string, entries::iterator, secret_hash, std::equal_to<>> by_name_;
  tsl::robin_map<std::uint64_t, entries::iterator> by_number_;
  std::uint64_t next_ = first;
};

} // namespace troupe::transport
