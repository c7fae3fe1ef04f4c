#pragma once

#include "runtime/clock.hpp"
#include "runtime/range.hpp"

#include <cstdint>

namespace troupe::strangler {

/// The options of requests to a legacy system.
struct legacy_options {
  /// The whole exchange, waiting for a connection included.
  milliseconds deadline{10'000};
  /// Requests under way at once, each on a connection of its own.
  std::uint32_t connections = 64;
  /// The most requests that wait for a connection; the next is refused.
  std::uint32_t waiting = 1'024;
  /// Bytes of an answer's body.
  std::uint64_t answer_bytes_max = 8U << 20U;

  static constexpr range<milliseconds> deadline_range{milliseconds{10}, milliseconds{600'000}};
  static constexpr range<std::uint32_t> connections_range{1, 1'024};
  static constexpr range<std::uint32_t> waiting_range{0, 65'536};
  /// 1 KiB to 64 MiB.
  static constexpr range<std::uint64_t> answer_bytes_range{1U << 10U, 64U << 20U};
};

} // namespace troupe::strangler
