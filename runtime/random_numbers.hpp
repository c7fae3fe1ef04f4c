#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace troupe {

/// Unpredictable 64-bit numbers from the operating system, fetched 64 at a time.
///
/// Confined to one thread. Not to be used on both sides of a fork.
class random_numbers {
public:
  /// @throws std::runtime_error the system gives no random bytes.
  std::uint64_t next();

  /// One number, fetched for itself.
  static std::uint64_t draw();

private:
  std::array<std::uint64_t, 64> fetched_{};
  std::size_t left_ = 0;
};

} // namespace troupe
