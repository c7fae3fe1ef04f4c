#include "runtime/secret_hash.hpp"

#include "runtime/random_numbers.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace troupe {

namespace {

std::uint64_t load_little_endian(const void* from) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// One round for each word, three at the end.
struct sip_state {
  std::uint64_t v0;
  std::uint64_t v1;
  std::uint64_t v2;
  std::uint64_t v3;

  sip_state(std::uint64_t low, std::uint64_t high)
      : v0{low ^ 0x736f6d6570736575ULL}, v1{high ^ 0x646f72616e646f6dULL},
        v2{low ^ 0x6c7967656e657261ULL}, v3{high ^ 0x7465646279746573ULL} {}

  void round() {
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

  void add(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }

  /// @param last the bytes behind the last whole word.
  std::uint64_t end(std::uint64_t last, std::size_t size) {
    add(last | static_cast<std::uint64_t>(size) << 56U);
    v2 ^= 0xff;
    round();
    round();
    round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

} // namespace

secret_hash::secret_hash() : low_{random_numbers::draw()}, high_{random_numbers::draw()} {
}

std::size_t secret_hash::operator()(const uuid& id) const noexcept {
  sip_state state{low_, high_};
  state.add(load_little_endian(id.bytes.data()));
  state.add(load_little_endian(id.bytes.data() + 8));
  return state.end(0, 16);
}

std::size_t secret_hash::operator()(std::uint64_t number) const noexcept {
  sip_state state{low_, high_};
  state.add(number);
  return state.end(0, 8);
}

std::size_t secret_hash::operator()(std::string_view text) const noexcept {
  sip_state state{low_, high_};
  const std::size_t whole = text.size() & ~std::size_t{7};
  for (std::size_t at = 0; at < whole; at += 8) {
    state.add(load_little_endian(text.data() + at));
  }
  std::array<char, 8> rest{};
  std::memcpy(rest.data(), text.data() + whole, text.size() - whole);
  return state.end(load_little_endian(rest.data()), text.size());
}

} // namespace troupe
