#pragma once

#include "runtime/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe {

/// The hash of tables whose keys others choose: ids, topics, ordering keys.
///
/// Each object draws a key of its own, so nobody outside can choose keys that meet in one place of
/// a table. Tables hash what they hold with the object they were made with; copies hash alike.
/// @source SipHash-1-3: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
class secret_hash {
public:
  /// Looks up by `std::string_view` what is kept as `std::string`.
  using is_transparent = void;

  /// Draws a key from the operating system.
  secret_hash();

  /// For tests.
  secret_hash(std::uint64_t key_low, std::uint64_t key_high) : low_{key_low}, high_{key_high} {}

  std::size_t operator()(const uuid& id) const noexcept;
  std::size_t operator()(std::uint64_t number) const noexcept;
  std::size_t operator()(std::string_view text) const noexcept;

private:
  std::uint64_t low_ = 0;
  std::uint64_t high_ = 0;
};

} // namespace troupe
