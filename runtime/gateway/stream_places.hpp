#pragma once

#include "runtime/http/admission.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace troupe::gateway {

/// The streams that each client has, by its address, or by its /64 for IPv6, since one machine has
/// all of these. Outlives its places.
class stream_places {
  struct leaving {
    stream_places* of = nullptr;

    void operator()(const std::string* client) const {
      of->leave(*client);
      delete client;
    }
  };

public:
  /// One stream of a client, for as long as this is kept.
  using place = std::unique_ptr<const std::string, leaving>;

  explicit stream_places(std::size_t of_each_max) : of_each_max_{of_each_max} {}

  stream_places(const stream_places&) = delete;
  stream_places& operator=(const stream_places&) = delete;

  /// A place for a stream of `address`; null if its client has as many as allowed.
  place take(const std::string& address) {
    auto client = std::make_unique<const std::string>(http::counted_as(address));
    std::size_t& here = by_client_[*client];
    if (here >= of_each_max_) {
      return place{nullptr, leaving{this}};
    }
    ++here;
    return place{client.release(), leaving{this}};
  }

private:
  void leave(const std::string& client) {
    const auto found = by_client_.find(client);
    if (--found->second == 0) {
      by_client_.erase(found);
    }
  }

  const std::size_t of_each_max_;
  std::map<std::string, std::size_t> by_client_;
};

} // namespace troupe::gateway
