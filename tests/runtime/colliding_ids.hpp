#pragma once

#include "runtime/bytes.hpp"
#include "runtime/ids.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

namespace troupe {

/// Ids that a hash without a secret, such as `(high * golden_ratio ^ low)` under any mixing of the
/// result, sends to one place: what a caller can build who knows the hash.
inline std::vector<uuid> colliding_ids(std::size_t count) {
  std::vector<uuid> ids;
  for (std::uint64_t high = 1; high <= count; ++high) {
    uuid id;
    const std::uint64_t low = high * golden_ratio ^ 0x1234567890abcdefULL;
    std::memcpy(id.bytes.data(), &high, 8);
    std::memcpy(id.bytes.data() + 8, &low, 8);
    ids.push_back(id);
  }
  return ids;
}

} // namespace troupe
