#include "tests/fuzz/target.hpp"

#include <cstring>
#include <memory>

namespace troupe::fuzz {

target::target(std::string_view name, void (*what)(std::string_view)) : name_{name}, what_{what} {
  all().push_back(this);
}

void target::run(std::string_view bytes) const {
  // A block of exactly this size, so that AddressSanitizer sees the first byte read beyond it.
  const auto block = std::make_unique<char[]>(bytes.size());
  if (!bytes.empty()) {
    std::memcpy(block.get(), bytes.data(), bytes.size());
  }
  what_({block.get(), bytes.size()});
}

std::vector<const target*>& target::all() {
  static std::vector<const target*> made;
  return made;
}

} // namespace troupe::fuzz
