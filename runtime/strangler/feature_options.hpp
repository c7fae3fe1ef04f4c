#pragma once

#include "runtime/range.hpp"
#include "runtime/strangler/comparison.hpp"
#include "runtime/strangler/forwarding.hpp"
#include "runtime/strangler/legacy_options.hpp"
#include "runtime/strangler/request_key.hpp"
#include "runtime/strangler/share.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::strangler {

/// The options of comparing answers of the two sides.
struct compare_options {
  /// The fraction of safe requests that is sent to both.
  double sample = 1;
  /// The most requests to capabilities that are made only for comparison, at once; beyond it none
  /// is sent.
  std::uint32_t in_flight = 16;
  comparison_rules rules{};

  static constexpr range<double> sample_range{0.0001, 1};
  static constexpr range<std::uint32_t> in_flight_range{1, 1'024};
};

/// A feature that moves from a legacy system to capabilities.
struct feature_options {
  std::string name;
  base_url legacy{};
  legacy_options how{};
  /// The share until somebody sets the flag of this name: 0 to 10,000.
  std::uint32_t share = 0;
  request_key by{};
  /// The field (in lower case) whose value `legacy` or `modern` decides for its request; empty for
  /// none.
  std::string override_field{};
  std::optional<compare_options> compare{};
};

} // namespace troupe::strangler
