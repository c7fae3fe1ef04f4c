#pragma once

#include "runtime/http/problem.hpp"
#include "runtime/http/request.hpp"
#include "runtime/strangler/feature_options.hpp"
#include "runtime/strangler/flag_follower.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>

namespace troupe::strangler {

/// Counters of the requests of a feature by outcome. Read by any thread.
struct feature_counts {
  std::atomic<std::uint64_t> legacy{0};
  std::atomic<std::uint64_t> modern{0};
  /// Neither: the flag is not known, or the override field has no such side.
  std::atomic<std::uint64_t> refused{0};
  /// Requests to the legacy system that ended without its answer.
  std::atomic<std::uint64_t> legacy_failed{0};
  std::atomic<std::uint64_t> same{0};
  std::atomic<std::uint64_t> different{0};
  /// Sampled, but one side did not answer, or too many were under way.
  std::atomic<std::uint64_t> not_compared{0};
};

/// A feature at a gateway: who answers its requests, and which are compared.
///
/// Decides on the HTTP loop; borrows the follower.
class feature {
public:
  /// @param system its number at the legacy client.
  feature(feature_options options, std::size_t system, const flag_follower& flags)
      : options_{std::move(options)}, system_{system}, flags_{flags} {}

  const feature_options& options() const { return options_; }

  std::size_t system() const { return system_; }

  feature_counts& counts() { return counts_; }

  const feature_counts& counts() const { return counts_; }

  /// Its share now; nothing if unknown.
  std::optional<std::uint32_t> share() const;

  /// The side that answers `asked`.
  /// @errors 400 `bad_override`; 503 `flags_unknown`.
  tl::expected<side, http::problem>
  side_of(const http::request& asked, const request_key::variables& path) const;

  /// Whether a request that legacy answers is to be compared; counts it as under way then, until
  /// `end_comparison`.
  bool begins_comparison(http::method method);

  void end_comparison() { --comparing_; }

private:
  const feature_options options_;
  const std::size_t system_;
  const flag_follower& flags_;
  feature_counts counts_;
  std::atomic<std::uint32_t> comparing_{0};
  /// The fractions of requests that were not sampled so far.
  double sampled_ = 0;
};

} // namespace troupe::strangler
