#include "nodes/commands/transfer/name_aside.hpp"

#include "runtime/ids.hpp"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <span>

namespace troupe {

namespace {

// The server cuts longer names, with no more than a notice.
constexpr std::size_t name_bytes_max = 63;
constexpr std::size_t digest_bytes = 9; // Including the preceding hyphen.

} // namespace

std::string name_aside(const std::string& schema, std::string_view behind) {
  const std::size_t room = name_bytes_max - std::min(name_bytes_max, behind.size() + 1);
  if (schema.size() <= room) {
    return fmt::format("{}-{}", schema, behind);
  }
  const std::uint64_t digest = digest_of(std::as_bytes(std::span{schema}));
  return fmt::format(
      "{}-{:08x}-{}",
      schema.substr(0, room - std::min(room, digest_bytes)),
      digest & 0xffff'ffffU,
      behind);
}

} // namespace troupe
