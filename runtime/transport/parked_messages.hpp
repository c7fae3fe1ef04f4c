#pragma once

#include "runtime/shares.hpp"

#include <zmq.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <tsl/robin_map.h>

namespace troupe::transport {

/// The received messages that the loop has not processed, because an earlier frame of the same peer
/// holds more envelopes than one pass takes. Peers take turns. Belongs to the loop's thread.
class parked_messages {
public:
  struct message {
    std::array<zmq::message_t, 3> frames;
    /// The number of frames that came; there may be more than are kept.
    std::size_t count = 0;
    /// The bytes of a batch's frame that were processed.
    std::size_t read = 0;

    std::size_t bytes() const;
  };

  /// @param bytes_max the bytes of all peers; one peer may have as many as are left for the others
  /// (`shares`).
  explicit parked_messages(std::size_t bytes_max) : held_{bytes_max} {}

  bool is_empty() const { return turns_.empty(); }

  bool has(std::uint64_t peer) const { return !turns_.empty() && of_.contains(peer); }

  /// False if the peer has too much already. Otherwise the message is taken.
  bool add(std::uint64_t peer, message& what);

  /// The peer whose turn it is; the next call gives the next one. There must be one.
  std::uint64_t next();

  /// The first message of a peer that has some.
  message& front(std::uint64_t peer) { return of_.find(peer).value().front(); }

  void pop(std::uint64_t peer);
  /// Drops all messages of a peer.
  void drop(std::uint64_t peer);
  /// Drops everything.
  void clear();

private:
  shares held_;
  tsl::robin_map<std::uint64_t, std::deque<message>> of_;
  std::deque<std::uint64_t> turns_; // The peers in `of_`.
};

} // namespace troupe::transport
