#pragma once

#include "runtime/random_bits.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace troupe {

/// SipHash: 64 bits derived from a message and a secret key of 128 bits, which nobody can predict
/// without the key.
///
/// @tparam Rounds for each eight bytes: 1 in tables, where results are not seen; 2 where they are.
/// @source Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
template <int Rounds, int FinalRounds>
class sip_hash {
public:
  /// Draws a key from the operating system.
  sip_hash() : low_{random_bits()}, high_{random_bits()} {}

  /// Makes a hash with a known key, for tests.
  sip_hash(std::uint64_t key_low, std::uint64_t key_high) : low_{key_low}, high_{key_high} {}

  std::uint64_t operator()(std::string_view bytes) const {
    state of{low_, high_};
    const std::size_t whole = bytes.size() & ~std::size_t{7};
    for (std::size_t at = 0; at < whole; at += 8) {
      of.add(load(bytes.data() + at, 8));
    }
    return of.end(load(bytes.data() + whole, bytes.size() - whole), bytes.size());
  }

  /// The same as that of the number's eight bytes, the lowest first.
  std::uint64_t operator()(std::uint64_t number) const {
    state of{low_, high_};
    of.add(number);
    return of.end(0, sizeof number);
  }

private:
  struct state {
    std::uint64_t v0;
    std::uint64_t v1;
    std::uint64_t v2;
    std::uint64_t v3;

    state(std::uint64_t low, std::uint64_t high)
        : v0{low ^ 0x736f6d6570736575ULL}, v1{high ^ 0x646f72616e646f6dULL},
          v2{low ^ 0x6c7967656e657261ULL}, v3{high ^ 0x7465646279746573ULL} {}

    void run(int rounds) {
      for (int i = 0; i < rounds; ++i) {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
      }
    }

    void add(std::uint64_t word) {
      v3 ^= word;
      run(Rounds);
      v0 ^= word;
    }

    /// @param last the bytes behind the last whole word.
    std::uint64_t end(std::uint64_t last, std::size_t size) {
      add(last | static_cast<std::uint64_t>(size) << 56U);
      v2 ^= 0xff;
      run(FinalRounds);
      return v0 ^ v1 ^ v2 ^ v3;
    }
  };

  static std::uint64_t load(const char* from, std::size_t size) {
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t word = 0;
    std::memcpy(&word, from, size);
    return word;
  }

  std::uint64_t low_;
  std::uint64_t high_;
};

} // namespace troupe
