#pragma once

#include "runtime/gateway/token_bucket.hpp"
#include "runtime/http/admission.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>

namespace troupe::gateway {

/// The requests that each client may send, by its address, or its /64 for IPv6. Pure but for its
/// memory of clients.
class client_rates {
public:
  /// The number of clients remembered at once; any more share one allowance, so that memory stays
  /// bounded.
  static constexpr std::size_t clients_max = 65'536;

  explicit client_rates(const rate& each) : each_{each} {}

  /// Takes from the client's bucket, as `token_bucket::take`.
  instant::duration take(const std::string& address, instant now) {
    const std::string client = http::counted_as(address);
    auto known = buckets_.find(client);
    if (known == buckets_.end()) {
      forget_full(now);
      known = buckets_.try_emplace(buckets_.size() < clients_max ? client : std::string{}).first;
    }
    return known->second.take(each_, now);
  }

  /// How long the client must wait until it may take; zero if it may now. Takes nothing.
  instant::duration wait(const std::string& address, instant now) const {
    auto known = buckets_.find(http::counted_as(address));
    if (known == buckets_.end() && buckets_.size() >= clients_max) {
      known = buckets_.find(std::string_view{});
    }
    token_bucket copy = known == buckets_.end() ? token_bucket{} : known->second;
    return copy.take(each_, now);
  }

private:
  /// How often, at most, it looks for clients to forget while it remembers as many as it may.
  static constexpr milliseconds look_interval{1'000};

  /// A full allowance equals a new one, so it can be forgotten. Searches all only when there are
  /// many more than after the last search, or as many as allowed.
  void forget_full(instant now) {
    const bool is_crowded = buckets_.size() >= clients_max;
    if (buckets_.size() < look_at_ || (is_crowded && now - looked_at_ < look_interval)) {
      return;
    }
    looked_at_ = now;
    for (auto each = buckets_.begin(); each != buckets_.end();) {
      each = each->second.is_full(now) ? buckets_.erase(each) : std::next(each);
    }
    look_at_ = std::clamp<std::size_t>(2 * buckets_.size(), 1'024, clients_max);
  }

  const rate each_;
  std::map<std::string, token_bucket, std::less<>> buckets_;
  std::size_t look_at_ = 1'024;
  instant looked_at_{};
};

} // namespace troupe::gateway
