#pragma once

#include "runtime/ids.hpp"
#include "runtime/random_bits.hpp"
#include "runtime/sip_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace troupe {

/// The hash for tables whose keys come from others: ids, topics, ordering keys.
///
/// Each object draws secret keys of its own, so nobody outside can choose table keys that collide.
/// A table uses the object it was made with; copies hash alike.
///
/// Text goes through SipHash-1-3. Ids and numbers, which each call looks up several times, are
/// hashed by two products with secret factors, in a quarter of that time.
/// @source the products: wyhash as Go's runtime uses it for maps (`memhashFallback`).
class secret_hash {
public:
  /// Allows look-ups of `std::string` keys by `std::string_view`.
  using is_transparent = void;

  std::size_t operator()(const uuid& id) const noexcept {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::memcpy(&first, id.bytes.data(), sizeof first);
    std::memcpy(&second, id.bytes.data() + sizeof first, sizeof second);
    return folded(folded(first ^ one_, second ^ other_), last_);
  }

  std::size_t operator()(std::uint64_t number) const noexcept {
    return folded(folded(number ^ one_, other_), last_);
  }

  std::size_t operator()(std::string_view text) const noexcept { return text_(text); }

private:
  __extension__ using product = unsigned __int128;

  /// Both halves of the product, one over the other: each bit of it depends on all bits of both.
  static std::uint64_t folded(std::uint64_t one, std::uint64_t other) noexcept {
    const product both = static_cast<product>(one) * other;
    return static_cast<std::uint64_t>(both) ^ static_cast<std::uint64_t>(both >> 64U);
  }

  std::uint64_t one_ = random_bits();
  std::uint64_t other_ = random_bits();
  /// Odd: a product by it loses nothing.
  std::uint64_t last_ = random_bits() | 1U;
  sip_hash<1, 3> text_;
};

} // namespace troupe
