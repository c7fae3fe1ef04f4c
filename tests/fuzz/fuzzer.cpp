#include "tests/fuzz/target.hpp"

#include <cstddef>
#include <cstdint>

// What libFuzzer calls: the one target of this program.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::fuzz::target::all().front()->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
