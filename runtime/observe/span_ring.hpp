#pragma once

#include "runtime/observe/span.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

namespace troupe::observe {

/// The newest spans of one thread, or of several under a lock. The oldest is overwritten by the
/// next, and nobody waits for anybody: a reader sees by a span's number whether it was overwritten
/// meanwhile.
///
/// `add` and `new_id`: one thread at a time. Everything else: any thread. Has no memory before the
/// first span.
class span_ring {
public:
  static constexpr std::size_t capacity = 1'024;

  void add(const span& what);

  /// A number that no other span has, as far as chance allows. Never 0.
  std::uint64_t new_id();

  /// The number of spans that there were: they are numbered from 0.
  std::uint64_t written() const { return written_.load(std::memory_order_acquire); }

  /// Shows the spans from number `from` on, oldest first, as far as they are still there.
  /// @return the number to go on from.
  std::uint64_t read(std::uint64_t from, const std::function<void(const span&)>& each) const;

private:
  static constexpr std::size_t words = sizeof(span) / sizeof(std::uint64_t);
  static_assert(words * sizeof(std::uint64_t) == sizeof(span));

  struct slot {
    /// The state: twice the number of its span, plus 2; odd while it is being written; 0 before the
    /// first.
    std::atomic<std::uint64_t> state{0};
    std::array<std::atomic<std::uint64_t>, words> bytes{};
  };

  std::atomic<std::uint64_t> written_{0};
  std::atomic<slot*> slots_{nullptr};
  std::unique_ptr<slot[]> owned_;
  std::uint64_t random_ = 0;
};

/// The rings of a process, one for each thread that has spans. `main()` owns it.
class span_rings {
public:
  /// A ring for a thread. It lives as long as this.
  span_ring& add();

  /// Shows each ring, in the order in which they were added. Rings may be added meanwhile.
  void for_each(const std::function<void(const span_ring&)>& each) const;

private:
  mutable std::mutex mutex_;
  std::list<span_ring> rings_;
};

} // namespace troupe::observe
