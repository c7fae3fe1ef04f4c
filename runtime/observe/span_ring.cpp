#include "runtime/observe/span_ring.hpp"

#include "runtime/random_bits.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace troupe::observe {

void span_ring::add(const span& what) {
  if (!owned_) {
    owned_ = std::make_unique<slot[]>(capacity);
    slots_.store(owned_.get(), std::memory_order_release);
  }
  const std::uint64_t number = written_.load(std::memory_order_relaxed);
  slot& to = owned_[number % capacity];
  to.state.store(2 * number + 1, std::memory_order_relaxed);
  const auto bytes = std::bit_cast<std::array<std::uint64_t, words>>(what);
  // Each word is stored with release order, so that a reader that sees a new word also sees the odd
  // state. Words after the text are not used.
  const std::size_t used = std::min((offsetof(span, text) + what.text_bytes + 7) / 8, words);
  for (std::size_t i = 0; i < used; ++i) {
    to.bytes[i].store(bytes[i], std::memory_order_release);
  }
  to.state.store(2 * number + 2, std::memory_order_release);
  written_.store(number + 1, std::memory_order_release);
}

std::uint64_t span_ring::new_id() {
  // xorshift64 (Marsaglia, 2003).
  while (random_ == 0) {
    random_ = random_bits();
  }
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 7U;
  random_ ^= random_ << 17U;
  return random_;
}

std::uint64_t
span_ring::read(std::uint64_t from, const std::function<void(const span&)>& each) const {
  const slot* const slots = slots_.load(std::memory_order_acquire);
  const std::uint64_t end = written();
  if (slots == nullptr) {
    return end;
  }
  if (end > capacity && from < end - capacity) {
    from = end - capacity;
  }
  for (std::uint64_t number = from; number < end; ++number) {
    const slot& at = slots[number % capacity];
    const std::uint64_t complete = 2 * number + 2;
    if (at.state.load(std::memory_order_acquire) != complete) {
      continue; // Overwritten meanwhile.
    }
    std::array<std::uint64_t, words> bytes;
    for (std::size_t i = 0; i < words; ++i) {
      bytes[i] = at.bytes[i].load(std::memory_order_acquire);
    }
    if (at.state.load(std::memory_order_relaxed) == complete) {
      each(std::bit_cast<span>(bytes));
    }
  }
  return end;
}

span_ring& span_rings::add() {
  const std::lock_guard lock{mutex_};
  return rings_.emplace_back();
}

void span_rings::for_each(const std::function<void(const span_ring&)>& each) const {
  const std::lock_guard lock{mutex_};
  for (const span_ring& ring : rings_) {
    each(ring);
  }
}

} // namespace troupe::observe
