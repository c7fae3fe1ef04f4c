#include "runtime/ids.hpp"

#include "runtime/bytes.hpp"
#include "runtime/key_stream.hpp"
#include "runtime/random_bits.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace troupe {

namespace {

// If a clock is set back by more than this many milliseconds, the ids follow it.
constexpr std::uint64_t put_back_max = 3'600'000;
constexpr std::uint64_t count_mask = 0x3ffffff;
constexpr std::size_t tail_bytes = 6;
constexpr std::size_t tails_in_block = sizeof(key_stream::block) / tail_bytes;

void stamp(uuid& id, int version) {
  id.bytes[6] = (id.bytes[6] & std::byte{0x0f}) | static_cast<std::byte>(version << 4);
  id.bytes[8] = (id.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

bool is_dash_at(std::size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

} // namespace

milliseconds uuid::birth() const {
  return milliseconds{load_big_endian<std::uint64_t>(bytes.data()) >> 16U};
}

wall_time uuid::born() const {
  return time_since_1970(birth());
}

std::string to_string(const uuid& id) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t at = 0;
  for (const std::byte byte : id.bytes) {
    at += is_dash_at(at) ? 1 : 0;
    text[at++] = digits[std::to_integer<std::size_t>(byte >> 4)];
    text[at++] = digits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

std::optional<uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) {
    return std::nullopt;
  }
  uuid id;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash_at(i)) {
      if (text[i] != '-') {
        return std::nullopt;
      }
      continue;
    }
    const int digit = hex_digit(text[i]);
    if (digit < 0) {
      return std::nullopt;
    }
    id.bytes[nibble / 2] = id.bytes[nibble / 2] << 4 | static_cast<std::byte>(digit);
    ++nibble;
  }
  return id;
}

std::optional<uuid> uuid_from(std::span<const std::byte> bytes) {
  uuid id;
  if (bytes.size() != id.bytes.size()) {
    return std::nullopt;
  }
  std::ranges::copy(bytes, id.bytes.begin());
  return id;
}

// The counter starts at a random value: sources that start in the same millisecond differ in 74
// bits.
uuid_source::uuid_source()
    : count_{random_bits() & count_mask}, tails_{secret_.at(count_ / tails_in_block)} {
}

uuid_source::uuid_source(std::uint64_t seed, std::uint64_t made)
    : secret_{key_stream::key{
        static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)}},
      count_{made}, tails_{secret_.at(count_ / tails_in_block)} {
}

uuid uuid_source::next(wall_time now) {
  const auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(0, unix_millis(now)));
  // The counter continues, so that ids differ even if a time occurs twice.
  last_millis_ = millis + put_back_max < last_millis_ ? millis : std::max(last_millis_, millis);
  if ((++count_ & count_mask) == 0) {
    ++last_millis_; // The counter has wrapped, so the time must advance.
  }
  uuid id;
  store_big_endian(id.bytes.data(), last_millis_, 6);
  // 26 bits of count make ids rise within a millisecond, 48 secret bits make them hard to guess and
  // this source differ from others. The count spans bytes 6 to 9 around version and variant.
  const std::uint64_t count = count_;
  id.bytes[6] = static_cast<std::byte>(count >> 22 & 0x0f);
  id.bytes[7] = static_cast<std::byte>(count >> 14);
  id.bytes[8] = static_cast<std::byte>(count >> 8 & 0x3f);
  id.bytes[9] = static_cast<std::byte>(count);
  if (count % tails_in_block == 0) {
    tails_ = secret_.at(count / tails_in_block);
  }
  std::memcpy(
      id.bytes.data() + 10, tails_.data() + count % tails_in_block * tail_bytes, tail_bytes);
  stamp(id, 7);
  return id;
}

uuid derived_id(const uuid& from, std::string_view label) {
  // Hashed in one piece, since setting up a streaming state takes 576 bytes.
  std::array<char, 128> piece;
  XXH128_hash_t hash;
  if (from.bytes.size() + label.size() <= piece.size()) {
    std::memcpy(piece.data(), from.bytes.data(), from.bytes.size());
    std::ranges::copy(label, piece.begin() + from.bytes.size());
    hash = XXH3_128bits(piece.data(), from.bytes.size() + label.size());
  } else {
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, from.bytes.data(), from.bytes.size());
    XXH3_128bits_update(&state, label.data(), label.size());
    hash = XXH3_128bits_digest(&state);
  }
  uuid id;
  std::copy_n(from.bytes.begin(), 6, id.bytes.begin());
  store_big_endian(id.bytes.data() + 6, hash.high64, 2);
  store_big_endian(id.bytes.data() + 8, hash.low64, 8);
  stamp(id, 8);
  return id;
}

std::uint64_t digest_of(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

} // namespace troupe
