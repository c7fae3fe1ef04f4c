#include "runtime/characters.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

constexpr char32_t replacement = 0xfffd;

/// Code points that have a meaning but no visible form.
struct range {
  char32_t first;
  char32_t last;
};

constexpr std::array hidden{
    range{0x00, 0x1f},
    range{0x7f, 0x9f},
    range{0x61c, 0x61c},
    range{0x200b, 0x200f},
    range{0x2028, 0x202e},
    range{0x2060, 0x206f},
    range{0xfeff, 0xfeff},
    range{0xe0000, 0xe007f}};

/// The forms of characters of two, three and four bytes: the bits of the first byte, and the lowest
/// code point that needs this length.
struct form {
  unsigned char mask;
  unsigned char lead;
  std::size_t bytes;
  char32_t least;
};

constexpr std::array forms{
    form{0xe0, 0xc0, 2, 0x80}, form{0xf0, 0xe0, 3, 0x800}, form{0xf8, 0xf0, 4, 0x10000}};

bool is_character(char32_t code) {
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

} // namespace

bool character::is_shown() const {
  return std::ranges::none_of(
      hidden, [this](const range& each) { return each.first <= code && code <= each.last; });
}

character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) {
    return {byte(0), 1};
  }
  for (const form& each : forms) {
    if ((byte(0) & each.mask) != each.lead || text.size() < each.bytes) {
      continue;
    }
    char32_t code = byte(0) & static_cast<unsigned char>(~each.mask);
    bool is_whole = true;
    for (std::size_t i = 1; i < each.bytes; ++i) {
      is_whole = is_whole && (byte(i) & 0xc0U) == 0x80;
      code = code << 6U | (byte(i) & 0x3fU);
    }
    if (is_whole && code >= each.least && is_character(code)) {
      return {code, each.bytes};
    }
  }
  return {replacement, 1};
}

bool is_all_shown(std::string_view text) {
  while (!text.empty()) {
    const character next = first_character(text);
    const bool is_byte = next.code == replacement && next.bytes == 1;
    if (is_byte || !next.is_shown()) {
      return false;
    }
    text.remove_prefix(next.bytes);
  }
  return true;
}

} // namespace troupe
