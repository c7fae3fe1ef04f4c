#include "runtime/wire/check.hpp"

#include "runtime/wire/reader.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>

namespace troupe::wire {

namespace {

/// The open arrays and maps, each with the number of values still to come.
struct nesting {
  std::array<std::uint64_t, depth_max> left{};
  std::size_t depth = 0;

  /// Called at the end of a value: closes every container whose last value it was.
  void end_value() {
    while (depth > 0 && --left[depth - 1] == 0) {
      --depth;
    }
  }
};

/// Whether the first `Words` groups of eight bytes are ASCII.
template <std::size_t Words>
bool is_ascii(const unsigned char* at) {
  std::array<std::uint64_t, Words> words;
  std::memcpy(words.data(), at, sizeof words);
  std::uint64_t all = 0;
  for (const std::uint64_t word : words) {
    all |= word;
  }
  return (all & 0x8080808080808080ULL) == 0;
}

} // namespace

outcome<void> check(std::string_view bytes) {
  reader values{bytes};
  nesting open;
  std::uint64_t declared = 1;
  const auto fault = [&](std::string_view what, const char* where) {
    return failure{
        invalid(fmt::format("{} at byte {} of {}", what, where - bytes.data(), bytes.size()))};
  };
  if (bytes.empty()) {
    return failure{invalid("the body is empty; one MessagePack value is expected")};
  }
  do {
    const char* const start = values.position();
    value_type type = value_type::none;
    std::uint64_t elements = 0;
    if (!values.step(type, elements)) {
      return fault("malformed or cut off MessagePack", start);
    }
    // Each element takes at least one byte, so a count above the number of bytes is false.
    declared += elements;
    if (declared > bytes.size()) {
      return fault("more elements declared than there are bytes", start);
    }
    const bool is_container = type == value_type::array || type == value_type::map;
    if (is_container && open.depth == depth_max) {
      return fault("nested too deeply (16 levels at most)", start);
    }
    if (elements > 0) {
      open.left[open.depth++] = elements;
    } else {
      open.end_value();
    }
  } while (open.depth > 0);
  if (!values.at_end()) {
    return fault("bytes left over after the value", values.position());
  }
  return {};
}

bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  const auto continues = [&](int ahead) {
    return end - at > ahead && (at[ahead] & 0xc0U) == 0x80U;
  };
  while (at != end) {
    // Names and most texts are ASCII: test 32 bytes at once, then eight.
    if (end - at >= 32 && is_ascii<4>(at)) {
      at += 32;
      continue;
    }
    if (end - at >= 8 && is_ascii<1>(at)) {
      at += 8;
      continue;
    }
    if (*at < 0x80) {
      ++at;
    } else if (*at >= 0xc2 && *at < 0xe0 && continues(1)) {
      at += 2;
    } else if (*at >= 0xe0 && *at < 0xf0 && continues(1) && continues(2)) {
      const bool overlong = *at == 0xe0 && at[1] < 0xa0;
      const bool surrogate = *at == 0xed && at[1] >= 0xa0;
      if (overlong || surrogate) {
        return false;
      }
      at += 3;
    } else if (*at >= 0xf0 && *at < 0xf5 && continues(1) && continues(2) && continues(3)) {
      const bool overlong = *at == 0xf0 && at[1] < 0x90;
      const bool beyond = *at == 0xf4 && at[1] >= 0x90;
      if (overlong || beyond) {
        return false;
      }
      at += 4;
    } else {
      return false;
    }
  }
  return true;
}

} // namespace troupe::wire
