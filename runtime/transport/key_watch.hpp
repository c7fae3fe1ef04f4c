#pragma once

#include "runtime/transport/keyed_links.hpp"

#include <zmq.hpp>

#include <atomic>
#include <functional>

namespace troupe::transport {

/// Checks that the connections of a ROUTER have valid keys: when their first message comes, and
/// whenever a check is requested.
///
/// Belongs to the loop's thread, except `ask`.
class key_watch {
public:
  using validity = std::function<bool(const curve_public_key&)>;

  /// @param is_valid empty: all keys are always valid.
  explicit key_watch(validity is_valid) : is_valid_{std::move(is_valid)} {}

  /// Whether a message may be accepted. If not, its connection's key has expired since the
  /// handshake, and the connection is being closed.
  /// @param frame the first frame of the message after the routing id.
  bool takes(peer from, zmq::message_t& frame) {
    return !is_valid_ || links_.has(from) || takes_first(from, frame);
  }

  /// The connection with this descriptor ended.
  void ended(int descriptor) { links_.ended(descriptor); }

  /// Makes the next `is_asked` return true. From any thread.
  void ask() { is_asked_.store(true); }

  bool is_asked() { return is_asked_.exchange(false) && is_valid_; }

  /// Closes the connections whose keys are no longer valid.
  keyed_links::taken end_expired();

private:
  bool takes_first(peer from, zmq::message_t& frame);

  const validity is_valid_;
  keyed_links links_;
  std::atomic<bool> is_asked_{false};
};

} // namespace troupe::transport
