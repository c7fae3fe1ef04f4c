#include "runtime/random_numbers.hpp"

#include <cerrno>
#include <stdexcept>
#include <sys/random.h>

namespace troupe {

namespace {

/// @param size up to 256 bytes are never cut short (getrandom(2)); more are asked for again.
void fetch(void* to, std::size_t size) {
  auto* at = static_cast<std::byte*>(to);
  while (size > 0) {
    const auto got = ::getrandom(at, size, 0);
    if (got < 0 && errno != EINTR) {
      throw std::runtime_error{"getrandom: the system gave no random bytes"};
    }
    if (got > 0) {
      at += got;
      size -= static_cast<std::size_t>(got);
    }
  }
}

} // namespace

std::uint64_t random_numbers::next() {
  if (left_ == 0) {
    fetch(fetched_.data(), sizeof fetched_);
    left_ = fetched_.size();
  }
  // Taken out, so that who reads the memory later learns no id that was given.
  const std::uint64_t number = fetched_[--left_];
  fetched_[left_] = 0;
  return number;
}

std::uint64_t random_numbers::draw() {
  std::uint64_t number = 0;
  fetch(&number, sizeof number);
  return number;
}

} // namespace troupe
