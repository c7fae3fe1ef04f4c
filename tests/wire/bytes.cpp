#include "tests/wire/bytes.hpp"

#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace troupe::wire {

std::string hex(std::string_view digits) {
  std::string bytes;
  std::string pair;
  for (const char digit : digits) {
    if (digit == ' ') {
      continue;
    }
    pair += digit;
    if (pair.size() == 2) {
      bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
      pair.clear();
    }
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string digits;
  for (const char byte : bytes) {
    digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return digits;
}

std::string repeated(std::string_view unit, std::size_t times) {
  std::string bytes;
  bytes.reserve(unit.size() * times);
  for (std::size_t i = 0; i < times; ++i) {
    bytes += unit;
  }
  return bytes;
}

std::string golden(std::string_view name) {
  const std::string path = fmt::format("{}/{}.bin", TROUPE_GOLDEN, name);
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    throw std::runtime_error{"no golden file " + path};
  }
  return {std::istreambuf_iterator<char>{file}, {}};
}

void exactly(std::string_view bytes, const std::function<void(std::string_view)>& use) {
  const auto block = std::make_unique<char[]>(bytes.size());
  std::memcpy(block.get(), bytes.data(), bytes.size());
  use({block.get(), bytes.size()});
}

void each_prefix(std::string_view bytes, const std::function<void(std::string_view)>& use) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    exactly(bytes.substr(0, size), use);
  }
}

void each_flip(std::string_view bytes, const std::function<void(std::string_view)>& use) {
  constexpr std::string_view heads =
      "\x80\x91\xa0\xc0\xc1\xc4\xc6\xc9\xcb\xcf\xd3\xd8\xdb\xdc\xdd\xdf\xff";
  std::string changed{bytes};
  for (char& byte : changed) {
    const char kept = byte;
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(kept ^ 1 << bit);
      exactly(changed, use);
    }
    for (const char head : heads) {
      byte = head;
      exactly(changed, use);
    }
    byte = kept;
  }
}

uuid call_id() {
  return *parse_uuid("018f3c1e-7a2b-7c3d-8e4f-5061728394a5");
}

uuid node_incarnation() {
  return *parse_uuid("018f3c1e-0000-7000-8000-000000000001");
}

uuid broker_incarnation() {
  return *parse_uuid("018f3c1e-0000-7000-8000-000000000002");
}

} // namespace troupe::wire
