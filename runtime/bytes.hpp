#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace troupe {

/// `value` with its most significant byte first in memory, as numbers are on disk and on the wire;
/// the same function reads one back.
template <std::unsigned_integral T>
constexpr T big_endian(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

/// The number in the `sizeof(T)` bytes at `from`, which need no alignment.
template <std::unsigned_integral T>
T load_big_endian(const void* from) {
  T value = 0;
  std::memcpy(&value, from, sizeof value);
  return big_endian(value);
}

/// Writes the lowest `size` bytes (1 to 8) of `value` to `to`.
inline void store_big_endian(void* to, std::uint64_t value, std::size_t size) {
  const std::uint64_t bytes = big_endian(value << (64 - 8 * size));
  std::memcpy(to, &bytes, size);
}

inline void append_big_endian(std::string& to, std::uint64_t value) {
  const std::uint64_t bytes = big_endian(value);
  to.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
}

/// 2^64 divided by the golden ratio: multiples of it differ in all bits.
inline constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15ULL;

/// A permutation of the 64-bit numbers in which each bit of `value` affects each bit of the result.
/// @source the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
constexpr std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ value >> 30U) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ value >> 27U) * 0x94d049bb133111ebULL;
  return value ^ value >> 31U;
}

} // namespace troupe
