#pragma once

#include "runtime/clock.hpp"
#include "runtime/error.hpp"
#include "runtime/gateway/client_rates.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/security/audit_sample.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::gateway {

/// Handles refusals of service tokens: counts all, writes some to the audit log, and makes clients
/// that send wrong signatures wait. Confined to the HTTP loop, except `refused`.
class token_audit {
public:
  /// The fields of a line, for the log.
  using sink = std::function<void(const std::vector<std::pair<std::string, std::string>>&)>;

  explicit token_audit(sink to) : to_{std::move(to)} {}

  /// @param route as the topology names it. @param from the client's address.
  /// @param who the service whose token is valid but which lacks a right; empty if no service was
  /// proved.
  void note(
      std::string_view route,
      std::string_view from,
      std::string_view who,
      const error& why,
      instant now);

  /// How long clients at this address must wait until a new token of theirs is checked; zero for
  /// not at all. Checking a wrong signature costs more than sending it, and all clients share the
  /// loop's time.
  instant::duration wait_to_show(const std::string& from, instant now) const {
    return wrong_.wait(from, now);
  }

  /// Notes that a token from there had a wrong signature.
  void note_wrong_signature(const std::string& from, instant now) { (void)wrong_.take(from, now); }

  /// The number of all refusals. From any thread.
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

private:
  // Addresses share these by hash, so that many addresses cannot fill a log either. Services share
  // separate ones, so that strangers cannot hide them.
  static constexpr std::size_t series = 16;

  /// As many as brokers check (`broker::bad_tokens`).
  static constexpr rate wrong_max{.requests = 10, .within = milliseconds{1'000}, .burst = 10};

  client_rates wrong_{wrong_max};
  sink to_;
  secret_hash place_;
  security::audit_sample sample_{2 * series, std::chrono::seconds{10}};
  std::atomic<std::uint64_t> refused_{0};
};

} // namespace troupe::gateway
