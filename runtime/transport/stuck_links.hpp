#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace troupe::transport {

/// Finds the connections of a ROUTER that send more bytes than a message may have without a message
/// coming of it: libzmq keeps these bytes without a limit. Such a connection has the routing id of
/// another one, so that libzmq does not read it, or sends a message that has no end.
///
/// Looks at what the system has received over each connection, at a few connections at a time. One
/// that has received more than the largest message since a message came over it is watched until
/// the next one does. Counting starts again for one that was heard meanwhile: it may have sent all
/// that it had, and be silent now. Pure.
class stuck_links {
public:
  static constexpr milliseconds look_interval{20};
  static constexpr std::size_t looked_at_once = 128;
  /// How long a connection is watched. By then the loop has read every message, if it found its
  /// socket empty; else it may be behind.
  static constexpr milliseconds patience{50};
  static constexpr milliseconds patience_when_busy{2'000};

  /// How many bytes the system has received over a connection.
  using measure = std::function<std::uint64_t(int descriptor)>;

  /// @param message_bytes_max more than the largest message, with everything sent before its end.
  explicit stuck_links(std::uint64_t message_bytes_max) : message_bytes_max_{message_bytes_max} {}

  /// A connection may have been heard before the news that it was accepted: that counts. A late
  /// message of the connection that had the number before it only delays the first look.
  void accepted(int descriptor) {
    watched_.erase(descriptor);
    links_[descriptor] = {};
  }

  void ended(int descriptor) {
    links_.erase(descriptor);
    watched_.erase(descriptor);
    if (static_cast<std::size_t>(descriptor) < heard_.size()) {
      heard_[static_cast<std::size_t>(descriptor)] = false;
    }
  }

  bool is_watching() const { return !watched_.empty(); }

  /// A message came over this connection (0 or more). Cheap: called for each.
  void heard(int descriptor, const measure& received);

  /// The loop was stopped until `now`, and libzmq with it: the watched connections could not be
  /// read.
  void stood_still(instant now);

  bool is_due(instant now) const { return !links_.empty() && now >= look_at_; }

  instant next_due() const { return links_.empty() ? instant::max() : look_at_; }

  /// Checks some connections. @param is_all_read whether the loop has just found nothing to read.
  /// @return those that are to be closed; they are forgotten.
  std::vector<int> look(bool is_all_read, const measure& received, instant now);

private:
  struct link {
    /// The bytes of which it is known that they became messages.
    std::uint64_t received = 0;
    instant watched_since{};
  };

  const std::uint64_t message_bytes_max_;
  std::map<int, link> links_;
  std::set<int> watched_;
  std::vector<bool> heard_; // By descriptor: over which messages came since they were looked at.
  int next_ = 0;            // The descriptor from which on it looks.
  instant look_at_{};
};

} // namespace troupe::transport
