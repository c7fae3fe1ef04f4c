#pragma once

#include "runtime/clock.hpp"
#include "runtime/key_stream.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe {

/// A 128-bit identifier (RFC 9562). A call's id is also its idempotency key.
///
/// Version 7 starts with 48 bits of Unix milliseconds, so that ids sort by creation time and new
/// inbox rows lie together. Version 8 (`derived_id`) keeps the time of the id it is derived from.
struct uuid {
  std::array<std::byte, 16> bytes{};

  auto operator<=>(const uuid&) const = default;

  std::span<const std::byte, 16> view() const { return bytes; }

  /// 4 bits: 7 for an id from a `uuid_source`, 8 for a derived one.
  int version() const { return std::to_integer<int>(bytes[6]) >> 4; }

  /// The creation time since 1970, in milliseconds: up to the year 10889. For versions 7 and 8
  /// only.
  milliseconds birth() const;

  /// The same, moved to the nearest time that a `wall_time` can hold (the year 2262).
  wall_time born() const;
};

/// "018f3c1e-...": 36 characters, lower case.
std::string to_string(const uuid& id);

/// The id written as `text` (36 characters, either case), or nothing.
std::optional<uuid> parse_uuid(std::string_view text);

/// The id whose 16 bytes are `bytes`, or nothing if there are more or fewer.
std::optional<uuid> uuid_from(std::span<const std::byte> bytes);

/// Makes ids of version 7: unique, rising within one source. The last 48 bits of each follow from a
/// secret of the source, so that nobody can guess ids from others.
///
/// If the clock is put back by an hour or less, ids go on rising. If it is put back by more it was
/// wrong before, and the ids follow it: otherwise one moment of a wrong clock would give all later
/// ids of the process times in the future, which capabilities refuse. Confined to one thread.
class uuid_source {
public:
  /// Draws its secret from the operating system.
  uuid_source();

  /// Makes a source for tests and simulations: the same seed and times give the same ids.
  ///
  /// @param made how many ids the source has made before.
  explicit uuid_source(std::uint64_t seed, std::uint64_t made = 0);

  uuid next(wall_time now);

private:
  key_stream secret_;
  std::uint64_t count_ = 0;
  key_stream::block tails_; // The tails of the ids around the last one.
  std::uint64_t last_millis_ = 0;
};

/// The id of version 8 that follows from `from` and `label`, the same on every machine.
///
/// Keeps the time of `from`, so that the ids of a saga's commands sort beside the saga's.
uuid derived_id(const uuid& from, std::string_view label);

/// 64 bits of XXH3 over `bytes`: the digest by which the inbox recognises a body, and the hash of
/// an ordering key. The same in every version and on every machine; not for secrets.
std::uint64_t digest_of(std::span<const std::byte> bytes);

/// A name that is not interchangeable with other names.
template <class Tag>
struct named {
  std::string value;

  auto operator<=>(const named&) const = default;
};

/// A node of the topology ("n1").
using node_name = named<struct node_tag>;

/// A capability of the topology ("orders").
using capability_name = named<struct capability_tag>;

} // namespace troupe
