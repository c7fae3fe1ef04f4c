#include "runtime/base64.hpp"

#include <cstddef>
#include <cstdint>

namespace troupe {

namespace {

constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encoded(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char each : bytes) {
    held = held << 8U | static_cast<unsigned char>(each);
    for (bits += 8; bits >= 6; bits -= 6) {
      text += alphabet[held >> (bits - 6) & 0x3fU];
    }
  }
  if (bits != 0) {
    text += alphabet[held << (6 - bits) & 0x3fU];
  }
  return text;
}

std::optional<std::string> decoded(std::string_view text, std::string_view alphabet) {
  std::string bytes;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char each : text) {
    const std::size_t value = alphabet.find(each);
    if (value == std::string_view::npos) {
      return std::nullopt;
    }
    held = held << 6U | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(held >> bits & 0xffU);
    }
  }
  // 6 bits left over mean a surplus character; other bits left over must be zero.
  if (bits == 6 || (held & ((1U << bits) - 1U)) != 0) {
    return std::nullopt;
  }
  return bytes;
}

} // namespace

std::string to_base64(std::string_view bytes) {
  std::string text = encoded(bytes, letters);
  text.resize((text.size() + 3) / 4 * 4, '=');
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) {
    text.remove_suffix(1);
  }
  return decoded(text, letters);
}

std::string to_base64url(std::string_view bytes) {
  return encoded(bytes, url_letters);
}

std::optional<std::string> from_base64url(std::string_view text) {
  return decoded(text, url_letters);
}

} // namespace troupe
