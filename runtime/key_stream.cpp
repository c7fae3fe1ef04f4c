#include "runtime/key_stream.hpp"

#include "runtime/random_bits.hpp"

#include <cstring>

namespace troupe {

namespace {

constexpr int double_rounds = 4;

// GCC and clang compile operations on this type to vector instructions.
using row = std::uint32_t __attribute__((vector_size(16)));

row turned(row words, int by) {
  return words << by | words >> (32 - by);
}

/// The four rows of the state.
struct rows {
  row a;
  row b;
  row c;
  row d;

  /// Four quarter rounds at once, one in each column.
  void mix() {
    a += b;
    d = turned(d ^ a, 16);
    c += d;
    b = turned(b ^ c, 12);
    a += b;
    d = turned(d ^ a, 8);
    c += d;
    b = turned(b ^ c, 7);
  }

  /// Turns diagonals into columns.
  void slant() {
    b = __builtin_shufflevector(b, b, 1, 2, 3, 0);
    c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
    d = __builtin_shufflevector(d, d, 3, 0, 1, 2);
  }

  void straighten() {
    b = __builtin_shufflevector(b, b, 3, 0, 1, 2);
    c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
    d = __builtin_shufflevector(d, d, 1, 2, 3, 0);
  }
};

} // namespace

key_stream::key_stream() {
  for (std::size_t i = 0; i < key_.size(); i += 2) {
    const std::uint64_t bits = random_bits();
    std::memcpy(&key_[i], &bits, sizeof bits);
  }
}

key_stream::block key_stream::at(std::uint64_t number) const {
  const row constants{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}; // "expand 32-byte k"
  const row low{key_[0], key_[1], key_[2], key_[3]};
  const row high{key_[4], key_[5], key_[6], key_[7]};
  const row counter{
      static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32U), 0, 0};
  rows state{constants, low, high, counter};
  for (int i = 0; i < double_rounds; ++i) {
    state.mix();
    state.slant();
    state.mix();
    state.straighten();
  }
  const std::array<row, 4> sum{
      state.a + constants, state.b + low, state.c + high, state.d + counter};
  block made;
  std::memcpy(made.data(), sum.data(), made.size());
  return made;
}

} // namespace troupe
