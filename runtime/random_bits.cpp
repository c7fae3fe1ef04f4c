#include "runtime/random_bits.hpp"

#include <cerrno>
#include <stdexcept>
#include <sys/random.h>

namespace troupe {

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  // getrandom(2) never returns less than requested, up to 256 bytes.
  while (::getrandom(&bits, sizeof bits, 0) != sizeof bits) {
    if (errno != EINTR) {
      throw std::runtime_error{"getrandom: the system gave no random bytes"};
    }
  }
  return bits;
}

} // namespace troupe
